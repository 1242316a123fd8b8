"""Where the database key is stored, and changing it."""
