"""Reports: each a table as of a final instant, the same for ever whatever happens afterwards."""
