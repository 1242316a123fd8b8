"""The drop server, ``twistd qabel-drop``: a simple, untrusted place for encrypted messages."""
