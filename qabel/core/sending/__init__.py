"""Sending: messages are composed, sealed, stored in the outbox, and posted."""
