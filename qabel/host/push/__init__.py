"""WebSocket push: the handshake, the subscribers of each topic, and what they get."""
