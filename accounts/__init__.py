"""Money: electricity accounts, bills, late fees and the double-entry ledger."""
