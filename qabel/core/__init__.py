"""What the daemon does: the service object that REST, command line and embedders talk to."""
