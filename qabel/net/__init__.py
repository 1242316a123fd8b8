"""Clients of other hosts: drop servers and webhooks. Nothing else connects to the network."""
