"""The one way to check input: forms read, collect every error with its key, and give a schema."""
