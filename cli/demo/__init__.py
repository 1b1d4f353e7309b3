"""`wanneng demo`: the whole life of a card, from scratch, with nothing but this program."""
