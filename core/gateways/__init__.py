"""The gateways by which messages leave: each a small client of one protocol."""
