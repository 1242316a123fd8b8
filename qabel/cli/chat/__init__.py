"""The commands of the module chat: ``qabel chat``, ``qabel search`` and ``qabel requests``."""
