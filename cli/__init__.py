"""The `wanneng` command."""
