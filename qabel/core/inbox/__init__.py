"""The inbox: reading received messages, and waiting for new ones."""
