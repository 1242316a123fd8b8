"""The encrypted file: made, opened, used on a thread of its own, upgraded, copied."""
