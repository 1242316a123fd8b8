"""Receiving: drops are polled or watched by push, and messages fetched, opened and stored."""
