"""People who sign in: persons, roles, passwords, one-time codes, approvals, the event log."""
