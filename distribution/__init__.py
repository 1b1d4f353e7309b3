"""The trade: parties, contracts, and the moves of stock between them."""
