"""What the daemon says of itself: status, health, disk space."""
