"""Turning a card into money on an electricity account, exactly once."""
