"""The inbox: received messages, what is new to whom, and waiting for it."""
