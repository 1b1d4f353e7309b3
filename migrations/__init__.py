"""The database schema's history: revisions, and how to bring a database up to date."""
