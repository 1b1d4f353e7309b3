"""`wanneng demo`: a month of trade with cards, from scratch, with nothing but this program."""
