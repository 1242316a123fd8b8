"""The names of objects in a prefix."""

import re
import uuid
from hashlib import sha256

from qabel.crypto import PrivateKey

BLOCKS = "blocks/"
"""What the names of blocks begin with; it is not a part of them in directory metadata."""

MAX_REF = 255
"""Characters of a ref."""

_REF = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_REF}}}", re.ASCII)


def new_ref() -> str:
    """Return a name for a new object: a random UUID."""
    return str(uuid.uuid4())


def is_ref(text: str) -> bool:
    """Return whether a text may name an object.

    Clients write UUIDs. Others are read if they have no character with a meaning in a URL, so that
    nobody can have an object fetched that is somewhere else.
    """
    return _REF.fullmatch(text) is not None


def root_ref(prefix: str, key: PrivateKey, *, is_client: bool = False) -> str:
    """Return the name of the index of an identity in a prefix (``RootRefCalculator`` of the core).

    Only who has the private key can compute it.

    Args:
        prefix: as the server wrote it.
        key: the private key of the identity.
        is_client: whether the volume is for what the clients of one identity share, and not for
            files. The core defines such volumes, and makes none.

    """
    kind = b"CLIENT" if is_client else b""
    return str(uuid.UUID(bytes=sha256(prefix.encode() + key.raw + kind).digest()[:16]))
