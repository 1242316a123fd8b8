"""The two settings documents: what is valid in them, and how they change. Pure."""
