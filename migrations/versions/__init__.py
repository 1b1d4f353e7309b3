"""The revisions, oldest first by name. A released one is never edited."""
