"""``/events``: server-sent events."""
