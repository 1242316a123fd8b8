"""Chat: messaging as people know it, in conversations of an identity and a contact."""
