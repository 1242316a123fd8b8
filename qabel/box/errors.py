"""Why an object of a block server cannot be read."""


class UnreadableObject(ValueError):
    """An object is not what it should be. The text says why, and has nothing of its content."""


class UndecryptableObject(UnreadableObject):
    """It is too short, damaged, or encrypted with another key."""


class ForeignIndex(UnreadableObject):
    """Somebody else made the index: who knows a public key can make one that opens."""


class UnreadableMetadata(UnreadableObject):
    """It was decrypted, but is no directory or file metadata, or has more than may be read."""
