"""The event log and its readers: followers and webhooks."""
