"""Drop messages on the wire: transport format version 0 (Qabel-Protocol-Drop, "Transport format").

One version byte, then a Noise box with the JSON text, filled up with zero bytes: always 2149
bytes, so that nobody can tell messages by their size.
"""

import enum
from collections.abc import Iterable, Sequence

import attrs

from qabel.crypto import (
    BOX_OVERHEAD,
    HEADER_SIZE,
    BadBox,
    BoxOpener,
    PrivateKey,
    PublicKey,
    seal_box,
)
from qabel.drop.message import DropMessage, InvalidDropMessage, InvalidSender, decode

VERSION = 0
"""The first byte of a message."""

TEXT_SIZE = 2048
"""Bytes that a message has for its JSON text."""

MESSAGE_SIZE = 1 + BOX_OVERHEAD + TEXT_SIZE
"""Bytes of a message on the wire: 2149."""


_BODY = 1 + HEADER_SIZE


class MessageTooLarge(ValueError):
    """The JSON text does not fit: it has ``size`` bytes, and may have ``limit``."""

    def __init__(self, size: int, limit: int = TEXT_SIZE) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"the message has {self.size} bytes as JSON text, and may have {self.limit}"


class Verdict(enum.Enum):
    """Why there is nothing for us in a message."""

    FOREIGN = "foreign"
    """It is somebody else's, or damaged, or of another format: no identity's key opens it."""

    RUBBISH = "rubbish"
    """It is sealed for one of us, but what it holds is no drop message."""

    SPOOFED = "spoofed"
    """It names another sender than the one who sealed it."""


@attrs.frozen
class Opened:
    """A message for one of us: for whom, and what it says."""

    recipient: PublicKey
    message: DropMessage


def seal_message(
    sender: PrivateKey,
    recipient: PublicKey,
    text: bytes,
    *,
    ephemeral: PrivateKey | None = None,
) -> bytes:
    """Make the 2149 bytes that carry a JSON text to the recipient.

    Raises MessageTooLarge, and InvalidKey for a recipient's key of low order.
    """
    if len(text) > TEXT_SIZE:
        raise MessageTooLarge(len(text))
    box = seal_box(sender, recipient, text.ljust(TEXT_SIZE, b"\0"), ephemeral=ephemeral)
    return bytes((VERSION,)) + box


class Opener:
    """Opens the messages of a drop for the identities that read it.

    Each identity costs a scalar product a message; what has another length or version than a
    message costs nothing.
    """

    def __init__(self, identities: Iterable[PrivateKey]) -> None:
        self._openers = [BoxOpener(key) for key in identities]

    def open(self, raw: bytes) -> Opened | Verdict:
        """Open one message as it came from a drop server. Never raises, whatever the bytes."""
        if len(raw) != MESSAGE_SIZE or raw[0] != VERSION:
            return Verdict.FOREIGN
        header = raw[1:_BODY]
        for opener in self._openers:
            try:
                opened = opener.open_header(header)
                if opened is None:
                    continue
                sender, text = opener.open_body(header, opened, raw[_BODY:])
            except BadBox:
                return Verdict.FOREIGN
            return _judge(opener.public_key, sender, text)
        return Verdict.FOREIGN

    def open_all(self, raws: Sequence[bytes]) -> list[Opened | Verdict]:
        """Open a batch, for a thread of its own; the results are in its order."""
        return [self.open(raw) for raw in raws]


def _without_filling(text: bytes) -> bytes:
    """Cut off the zero bytes at the end: in one comparison, where ``rstrip`` looks at each."""
    start = text.find(b"\0")
    if start < 0 or text[start:] != bytes(len(text) - start):
        return text
    return text[:start]


def _judge(recipient: PublicKey, sender: PublicKey, text: bytes) -> Opened | Verdict:
    try:
        message = decode(_without_filling(text))
    except InvalidSender:
        return Verdict.SPOOFED
    except InvalidDropMessage:
        return Verdict.RUBBISH
    if message.sender != sender:
        return Verdict.SPOOFED
    return Opened(recipient, message)
