"""Messaging as people know it: the module ``chat``."""
