"""The outbox: sends, their deliveries to recipients, and the postings to drop URLs."""
