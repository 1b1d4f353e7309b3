"""What every floor stands on: settings, database, clock, ids, money, errors, outbox."""
