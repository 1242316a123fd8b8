"""The drop server, ``twistd qabel-drop``: a simple, untrusted store of encrypted messages."""
