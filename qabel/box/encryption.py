"""The encryption of blocks, folders' directory metadata and file metadata: AES-GCM.

An object is 12 bytes of nonce, the ciphertext, and 16 bytes of tag, without associated data
(``CryptoUtils`` of the core). So it does not say which object it is: only its key does.
"""

import os
from hashlib import blake2b
from typing import TypeVar

from attrs import define, field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import (
    AEADDecryptionContext,
    AEADEncryptionContext,
    Cipher,
)
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, GCM

from qabel.box.errors import UndecryptableObject

KEY_SIZE = 32
"""Bytes of the keys that we make."""

KEY_SIZES = (16, 24, KEY_SIZE)
"""Bytes of the keys that the core takes, too."""

NONCE_SIZE = 12
TAG_SIZE = 16
OVERHEAD = NONCE_SIZE + TAG_SIZE
"""Bytes that encryption adds."""

MAX_PLAINTEXT = 2**36 - 32
"""Bytes that may be encrypted with one nonce (NIST SP 800-38D, 5.2.1.1)."""

HASH_ALGORITHM = "Blake2b"
"""What directory metadata call the hash of a file: BLAKE2b of its plaintext, 64 bytes."""

_Mode = TypeVar("_Mode", GCM, CTR)

_CIPHER_BLOCK = 16
_FIRST_COUNTER = 2
"""The counter of the first 16 bytes (NIST SP 800-38D, 7.1: the one before is for the tag)."""


def new_key() -> bytes:
    """Return a random key."""
    return os.urandom(KEY_SIZE)


@define(eq=False, repr=False)
class StreamEncryptor:
    """Encrypts an object piece by piece, with a nonce of its own.

    Args:
        key: 16, 24 or 32 bytes; in blocks, a new one for each.
        nonce: 12 bytes that were never used with this key; random if not given.

    """

    _key: bytes
    _nonce: bytes = field(factory=lambda: os.urandom(NONCE_SIZE))
    size: int = field(default=0, init=False)
    """Bytes of plaintext so far."""
    _head: bytes = field(init=False)
    _context: AEADEncryptionContext = field(init=False)
    _hash: blake2b = field(factory=blake2b, init=False)

    def __attrs_post_init__(self) -> None:
        self._head = self._nonce
        self._context = Cipher(AES(self._key), GCM(self._nonce)).encryptor()

    def update(self, data: bytes) -> bytes:
        """Return the next piece of the object, for a piece of the plaintext.

        Raises ValueError if the plaintext is longer than ``MAX_PLAINTEXT``.
        """
        self.size += len(data)
        if self.size > MAX_PLAINTEXT:
            raise ValueError(f"a block holds at most {MAX_PLAINTEXT} bytes")
        self._hash.update(data)
        head, self._head = self._head, b""
        return head + self._context.update(data)

    def finish(self) -> bytes:
        """Return the end of the object."""
        return self._head + self._context.finalize() + self._context.tag

    @property
    def digest(self) -> bytes:
        """The hash of the plaintext, 64 bytes, for ``HASH_ALGORITHM``."""
        return self._hash.digest()


@define(eq=False, repr=False)
class StreamDecryptor:
    """Decrypts an object piece by piece.

    What it returns is not verified before ``finish`` has returned: until then it must not be used,
    nor shown to anybody.
    """

    _key: bytes
    size: int = field(default=0, init=False)
    """Bytes of plaintext so far."""
    nonce: bytes = field(default=b"", init=False)
    _kept: bytes = field(default=b"", init=False)
    """What has arrived, and may be the nonce or the tag."""
    _context: AEADDecryptionContext | None = field(default=None, init=False)

    def update(self, data: bytes) -> bytes:
        """Return what a piece of the object decrypts to. Raises UndecryptableObject."""
        data = self._kept + data
        if self._context is None:
            if len(data) < NONCE_SIZE:
                self._kept = data
                return b""
            self.nonce, data = data[:NONCE_SIZE], data[NONCE_SIZE:]
            self._context = _cipher(self._key, GCM(self.nonce)).decryptor()
        end = max(0, len(data) - TAG_SIZE)
        self._kept = data[end:]
        self.size += end
        if self.size > MAX_PLAINTEXT:
            raise UndecryptableObject("the object is longer than its encryption allows")
        return self._context.update(data[:end])

    def finish(self) -> None:
        """Verify the whole. Raises UndecryptableObject if it is damaged or has another key."""
        if self._context is None or len(self._kept) < TAG_SIZE:
            raise UndecryptableObject("the object is too short")
        try:
            self._context.finalize_with_tag(self._kept)
        except InvalidTag:
            raise UndecryptableObject("the object is damaged, or its key is another") from None


def encrypt(key: bytes, data: bytes) -> bytes:
    """Return an object of ``len(data) + 28`` bytes."""
    encryptor = StreamEncryptor(key)
    return encryptor.update(data) + encryptor.finish()


def decrypt(key: bytes, data: bytes) -> bytes:
    """Return the plaintext of an object. Raises UndecryptableObject."""
    decryptor = StreamDecryptor(key)
    plaintext = decryptor.update(data)
    decryptor.finish()
    return plaintext


def decrypt_range(key: bytes, nonce: bytes, begin: int, data: bytes) -> bytes:
    """Return what a piece from the middle of an object decrypts to. The whole must be verified.

    Args:
        key: of the object.
        nonce: the first 12 bytes of the object.
        begin: how many bytes of plaintext are before the piece.
        data: the piece.

    Raises:
        UndecryptableObject: the key or the nonce has no length that is possible.

    """
    blocks, skipped = divmod(begin, _CIPHER_BLOCK)
    counter = nonce + (_FIRST_COUNTER + blocks).to_bytes(_CIPHER_BLOCK - NONCE_SIZE)
    context = _cipher(key, CTR(counter)).decryptor()
    context.update(bytes(skipped))
    return context.update(data)


def _cipher(key: bytes, mode: _Mode) -> "Cipher[_Mode]":
    try:
        return Cipher(AES(key), mode)
    except ValueError:
        raise UndecryptableObject(f"a key of {8 * len(key)} bits decrypts nothing") from None
