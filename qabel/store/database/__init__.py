"""The encrypted file: created, opened, used on a thread of its own, upgraded and copied."""
