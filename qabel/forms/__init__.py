"""The one way to check input: forms read it, collect every error with its key, and describe it."""
