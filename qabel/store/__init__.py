"""The encrypted database: the only part that knows SQL."""
