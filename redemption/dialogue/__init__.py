"""What callers and texters say, and what they hear: the same on every channel."""
