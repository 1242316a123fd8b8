"""Drop messages on the wire: transport format version 0 (Qabel-Protocol-Drop, "Transport format").

A version byte, then a Noise box with the JSON text padded with zero bytes: always 2149 bytes, so
that the size of a message reveals nothing.
"""

import enum
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import attrs

from qabel.crypto import (
    BOX_OVERHEAD,
    HEADER_SIZE,
    BadBox,
    BadSender,
    BoxOpener,
    PrivateKey,
    PublicKey,
    seal_box,
)
from qabel.drop.message import DropMessage, InvalidDropMessage, InvalidSender, decode

HASH_SIZE = 16
"""Bytes of a message's hash: BLAKE2b of all its bytes, with this digest size."""

VERSION = 0
"""The first byte of a message."""

TEXT_SIZE = 2048
"""Bytes available for the JSON text of a message."""

MESSAGE_SIZE = 1 + BOX_OVERHEAD + TEXT_SIZE
"""Bytes of a message on the wire: 2149."""

_BODY = 1 + HEADER_SIZE


class MessageTooLarge(ValueError):
    """The JSON text has ``size`` bytes; a message can hold only ``limit``."""

    def __init__(self, size: int, limit: int = TEXT_SIZE) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"the JSON text has {self.size} bytes; a message can hold {self.limit}"


class Verdict(enum.Enum):
    """Why a message holds nothing for us."""

    FOREIGN = "foreign"
    """It is for somebody else, damaged, or of another format: no identity's key opens it."""

    RUBBISH = "rubbish"
    """It is sealed for one of our identities, but contains no drop message or names no sender."""

    SPOOFED = "spoofed"
    """The sender it names is not the one who sealed it."""


@attrs.frozen
class Opened:
    """An opened message and the identity it was sealed for."""

    recipient: PublicKey
    message: DropMessage


def seal_message(
    sender: PrivateKey,
    recipient: PublicKey,
    text: bytes,
    *,
    ephemeral: PrivateKey | None = None,
) -> bytes:
    """Seal a JSON text for the recipient and return the 2149 bytes to post.

    ``ephemeral`` is generated if not given. Raises MessageTooLarge, and InvalidKey for a
    recipient's key that is of low order or unusable.
    """
    if len(text) > TEXT_SIZE:
        raise MessageTooLarge(len(text))
    box = seal_box(sender, recipient, text.ljust(TEXT_SIZE, b"\0"), ephemeral=ephemeral)
    return bytes((VERSION,)) + box


class Opener:
    """Opens the messages of a drop for the identities that receive there.

    Each identity costs one scalar multiplication a message. Messages of another length or version
    cost nothing.
    """

    def __init__(self, identities: Iterable[PrivateKey]) -> None:
        self._openers = [BoxOpener(key) for key in identities]

    def open(self, raw: bytes) -> Opened | Verdict:
        """Open one message as received from a drop server. Never raises, whatever the bytes are."""
        if len(raw) != MESSAGE_SIZE or raw[0] != VERSION:
            return Verdict.FOREIGN
        header = raw[1:_BODY]
        for opener in self._openers:
            try:
                opened = opener.open_header(header)
                if opened is None:
                    continue
                sender, text = opener.open_body(header, opened, raw[_BODY:])
            except BadSender:
                return Verdict.RUBBISH
            except BadBox:
                return Verdict.FOREIGN
            return _check(opener.public_key, sender, text)
        return Verdict.FOREIGN

    def open_all(self, raws: Sequence[bytes]) -> list[Opened | Verdict]:
        """Open a batch of messages, as a worker thread does; the results are in the same order."""
        return [self.open(raw) for raw in raws]


def _strip_padding(text: bytes) -> bytes:
    """Remove trailing zero bytes with one comparison, where ``rstrip`` would test each byte."""
    start = text.find(b"\0")
    if start < 0 or text[start:] != bytes(len(text) - start):
        return text
    return text[:start]


def _check(recipient: PublicKey, sender: PublicKey, text: bytes) -> Opened | Verdict:
    try:
        message = decode(_strip_padding(text))
    except InvalidSender:
        return Verdict.SPOOFED
    except InvalidDropMessage:
        return Verdict.RUBBISH
    if message.sender != sender:
        return Verdict.SPOOFED
    return Opened(recipient, message)


def may_be_ours(body: bytes) -> bool:
    """Return whether a message has the size and version of ours (the prefilter)."""
    return len(body) == MESSAGE_SIZE and body[0] == VERSION


def hash_message(body: bytes) -> bytes:
    """Return the hash by which a message is known."""
    return blake2b(body, digest_size=HASH_SIZE).digest()
