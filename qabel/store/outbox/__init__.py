"""The rows of what goes out: sends, deliveries, postings, and what became of them."""
