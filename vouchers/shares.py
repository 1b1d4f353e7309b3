"""How much of a process generation may take: known without loading it."""

BATCHES_AT_ONCE = 2
"""In the background of one process: each takes a database connection from the redemptions."""

WRITERS = 2
"""Pieces that PostgreSQL stores at once, each over a connection of its own."""
