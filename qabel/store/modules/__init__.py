"""Modules: how far each has read the journal, and the writing of its tables."""
