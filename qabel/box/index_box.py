"""The encryption of the index: a Noise box of its owner to itself."""

from qabel.box.errors import ForeignIndex, UndecryptableObject
from qabel.crypto import BoxError, BoxOpener, PrivateKey, seal_box


def seal_index(owner: PrivateKey, data: bytes) -> bytes:
    """Return the index object: ``len(data) + 100`` bytes.

    Args:
        owner: the key of the identity whose volume it is.
        data: the bytes of the directory metadata.

    """
    return seal_box(owner, owner.public_key, data)


def open_index(owner: PrivateKey, data: bytes) -> bytes:
    """Return the bytes of the directory metadata in an index object.

    The core does not look who sealed it, so that the server could put one of its own there.

    Raises:
        UndecryptableObject: it is damaged, or is not for this key.
        ForeignIndex: somebody else has sealed it.

    """
    try:
        sender, plaintext = BoxOpener(owner).open(data)
    except BoxError as error:
        raise UndecryptableObject(f"the index cannot be opened: {error}") from None
    if sender != owner.public_key:
        raise ForeignIndex("the index was sealed with another identity's key")
    return plaintext
