"""The daemon's state: status, health, disk space."""
