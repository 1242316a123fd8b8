"""Keys and Noise boxes: Curve25519 with AES-256-GCM, "Noise255/AES256-GCM".

The format is that of Components-Crypto ("Noise Box", after the 2014 draft of Noise). A box hides
its sender from everybody but its recipient, and proves to the recipient who the sender is.
"""

import os
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from hashlib import blake2b
from typing import Self

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base

KEY_SIZE = 32
"""Bytes of a private or public key."""

HEADER_SIZE = 80
BOX_OVERHEAD = 100
"""Bytes that a box adds to its data: header, padding length, tag."""

KNOWN_KEYS = 1024
"""Public keys for which a private key caches the shared secret."""

_FIELD = 2**255 - 19
_SUITE = b"Noise255/AES256-GCM".ljust(24, b"\0")
_INFO_HEADER = _SUITE + b"\0"
_INFO_BODY = _SUITE + b"\1"
_NO_CHAINING = bytes(48)
_FIRST_BLOCK = b"\0" + bytes(32)
_SECOND_BLOCK = b"\1"
_SHA512 = SHA512()
_PADDING_LENGTH_SIZE = 4


def key_digest(key: bytes) -> bytes:
    """Return 16 bytes (BLAKE2b) that recognize a public key without showing it."""
    return blake2b(key, digest_size=16).digest()


class InvalidKey(ValueError):
    """The bytes or text are not a key, or the public key has low order and protects nothing."""


class NotCanonical(InvalidKey):
    """The bytes are another spelling of a public key, by which nobody knows its owner."""


class BoxError(ValueError):
    """The box cannot be opened."""


class NotForUs(BoxError):
    """The header does not open with this key: the box is for somebody else, or damaged."""


class BadBox(BoxError):
    """The box is too short, damaged after its header, or made with a key of low order."""


class BadSender(BadBox):
    """The box is for us, but names as its sender what is nobody's key."""


def _check_size(_: object, __: object, raw: bytes) -> None:
    if len(raw) != KEY_SIZE:
        raise InvalidKey(f"a key must have {KEY_SIZE} bytes, not {len(raw)}")


def _check_canonical(_: object, __: object, raw: bytes) -> None:
    # Scalar products ignore the highest bit and reduce the rest, so that several spellings would
    # be one key there. Everywhere else they would be different keys: to compare, to find, to seal.
    if int.from_bytes(raw, "little") >= _FIELD:
        raise NotCanonical("the public key is not canonical: it must be less than 2^255 - 19")


def _from_hex(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    # bytes.fromhex skips whitespace, so the length of the text must be checked too.
    if len(text) != 2 * KEY_SIZE or len(raw) != KEY_SIZE:
        raise InvalidKey(f"a key is written as {2 * KEY_SIZE} hexadecimal digits")
    return raw


@attrs.frozen(repr=False)
class PublicKey:
    """A public key: 32 bytes, the scalar product of the private key and the base point.

    Each key has one spelling: the number below 2^255 - 19, little-endian. Raises InvalidKey, or
    its subclass NotCanonical for any other.
    """

    raw: bytes = attrs.field(validator=[_check_size, _check_canonical])

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Parse a key from 64 hex digits in either case; raises InvalidKey."""
        return cls(_from_hex(text))

    @property
    def hex(self) -> str:
        """The key as 64 lower-case hex digits: the key identifier of its owner."""
        return self.raw.hex()

    def __repr__(self) -> str:
        return f"<PublicKey {self.hex[:8]}…>"


@attrs.frozen(repr=False)
class PrivateKey:
    """A private key: 32 random bytes, stored unclamped (RFC 7748 clamps them when multiplying)."""

    raw: bytes = attrs.field(validator=_check_size)

    @classmethod
    def generate(cls, random: Callable[[int], bytes] = os.urandom) -> Self:
        """Generate a key. ``random(n)`` returns n random bytes."""
        return cls(random(KEY_SIZE))

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Parse a key from 64 hex digits in either case; raises InvalidKey."""
        return cls(_from_hex(text))

    @property
    def hex(self) -> str:
        """The key as 64 lower-case hex digits."""
        return self.raw.hex()

    @cached_property
    def public_key(self) -> PublicKey:
        """The public key of this private key."""
        return PublicKey(crypto_scalarmult_base(self.raw))

    @cached_property
    def known_product(self) -> Callable[[bytes], bytes]:
        """A function that multiplies this key with a public key and caches the products.

        libsodium does the work: it releases the GIL, and raises RuntimeError for a key of low
        order. The cache lives as long as the key object.
        """
        return lru_cache(KNOWN_KEYS)(partial(crypto_scalarmult, self.raw))

    def exchange(self, public_key: PublicKey) -> bytes:
        """Return the 32-byte shared secret. Raises InvalidKey for an unusable public key.

        That is one of low order, or one that is not canonical.
        """
        _check_canonical(self, None, public_key.raw)
        try:
            return self.known_product(public_key.raw)
        except RuntimeError:
            raise InvalidKey(
                "the public key is of low order: everybody would know the shared secret"
            ) from None

    def __repr__(self) -> str:
        return "<PrivateKey>"


def derive(secret: bytes, extra: bytes, info: bytes) -> bytes:
    """Derive 128 bytes, two blocks, from a shared secret (Components-Crypto, "Key derivation").

    A shorter result would be a prefix of this one; boxes need 92 bytes.
    """
    # Both blocks have the same HMAC key, so it is set up only once.
    second = HMAC(secret, _SHA512)
    first = second.copy()
    first.update(info + _FIRST_BLOCK + extra)
    block = first.finalize()
    second.update(info + _SECOND_BLOCK + block[:32] + extra)
    return block + second.finalize()


def _keys(secret: bytes, chaining: bytes, info: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the chaining variable, AES key and nonce for one part of a box."""
    derived = derive(secret, chaining, info)
    return derived[:48], derived[48:80], derived[80:92]


def seal_box(
    sender: PrivateKey,
    recipient: PublicKey,
    data: bytes,
    *,
    padding: bytes = b"",
    ephemeral: PrivateKey | None = None,
) -> bytes:
    """Seal ``data`` in a box that only the recipient can open.

    Args:
        sender: the sender's key; the recipient learns its public key.
        recipient: the recipient's key.
        data: the bytes to protect.
        padding: bytes that hide the size of the data; the recipient discards them.
        ephemeral: a key that must be new for every box; generated if not given.

    Returns:
        ``len(data) + len(padding) + 100`` bytes.

    Raises:
        InvalidKey: the recipient's key is of low order, or not canonical.

    """
    if ephemeral is None:
        ephemeral = PrivateKey.generate()
    ephemeral_public = ephemeral.public_key.raw
    chaining, key, nonce = _keys(ephemeral.exchange(recipient), _NO_CHAINING, _INFO_HEADER)
    sealed_sender = AESGCM(key).encrypt(
        nonce, sender.public_key.raw, recipient.raw + ephemeral_public
    )
    header = ephemeral_public + sealed_sender
    _, key, nonce = _keys(sender.exchange(recipient), chaining, _INFO_BODY)
    plain = data + padding + len(padding).to_bytes(_PADDING_LENGTH_SIZE)
    return header + AESGCM(key).encrypt(nonce, plain, recipient.raw + header)


OpenedHeader = tuple[bytes, bytes]
"""The sender's public key, and the chaining variable for the keys of the body."""


class BoxOpener:
    """Opens boxes with one private key, and prepares that key only once.

    A box for somebody else costs one scalar multiplication. A box for us costs two, but only one
    if its sender is known already: the product of the two long-term keys is cached.
    """

    def __init__(self, key: PrivateKey) -> None:
        self.public_key = key.public_key
        self._raw = key.public_key.raw
        self._product = partial(crypto_scalarmult, key.raw)
        self._known_product = key.known_product

    def open(self, box: bytes) -> tuple[PublicKey, bytes]:
        """Open a box and return its sender and its data. Raises NotForUs or BadBox."""
        if len(box) < BOX_OVERHEAD:
            raise BadBox(f"a box must have at least {BOX_OVERHEAD} bytes")
        header, body = box[:HEADER_SIZE], box[HEADER_SIZE:]
        opened = self.open_header(header)
        if opened is None:
            raise NotForUs("the box is not for this key")
        return self.open_body(header, opened, body)

    def open_header(self, header: bytes) -> OpenedHeader | None:
        """Open the first 80 bytes of a box, or return None if it is for somebody else.

        Raises BadBox for an ephemeral key of low order.
        """
        ephemeral = header[:KEY_SIZE]
        try:
            secret = self._product(ephemeral)
        except RuntimeError:
            raise BadBox("the ephemeral key is of low order") from None
        chaining, key, nonce = _keys(secret, _NO_CHAINING, _INFO_HEADER)
        try:
            sender = AESGCM(key).decrypt(nonce, header[KEY_SIZE:], self._raw + ephemeral)
        except InvalidTag:
            return None
        return sender, chaining

    def open_body(
        self, header: bytes, opened: OpenedHeader, body: bytes
    ) -> tuple[PublicKey, bytes]:
        """Open the rest of a box and return its sender and its data.

        Args:
            header: the first 80 bytes of the box.
            opened: the result of ``open_header`` for it.
            body: the rest of the box, at least 20 bytes.

        Raises:
            BadSender: the sender's key is not canonical, or of low order.
            BadBox: the body is damaged.

        """
        raw, chaining = opened
        try:
            sender = PublicKey(raw)
            _, key, nonce = _keys(self._known_product(raw), chaining, _INFO_BODY)
            plain = AESGCM(key).decrypt(nonce, body, self._raw + header)
        except NotCanonical:
            raise BadSender("the sender's key is not canonical") from None
        except RuntimeError:
            raise BadSender("the sender's key is of low order") from None
        except InvalidTag:
            raise BadBox("the body does not match the header") from None
        end = len(plain) - _PADDING_LENGTH_SIZE
        padding = int.from_bytes(plain[end:])
        if padding > end:
            raise BadBox("the padding is longer than the data")
        return sender, plain[: end - padding]
