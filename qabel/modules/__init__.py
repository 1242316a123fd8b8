"""Modules: parts of the daemon that own kinds of messages, and keep what they make of them."""
