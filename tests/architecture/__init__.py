"""Rules about the code itself, each with a test that it bites."""
