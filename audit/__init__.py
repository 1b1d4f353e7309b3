"""Reports and invariants over everything below."""
