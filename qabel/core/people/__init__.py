"""Identities and contacts."""
