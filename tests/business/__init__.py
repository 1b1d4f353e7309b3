"""The whole trade against a model in plain Python."""
