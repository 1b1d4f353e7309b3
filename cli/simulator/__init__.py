"""A telephone in the terminal: it calls, texts and dials at a running server, as a gateway does."""
