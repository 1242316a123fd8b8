"""What the daemon does, independent of HTTP: receiving, sending, people, settings, journal."""
