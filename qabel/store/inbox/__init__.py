"""The rows of received messages, and of what was seen in drops."""
