"""Hints: the commands that the product tells people to run."""
