"""The drop server, ``qabel-drop``: a simple, untrusted store of encrypted messages."""
