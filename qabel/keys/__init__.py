"""Where the database's key comes from, and changing it."""
