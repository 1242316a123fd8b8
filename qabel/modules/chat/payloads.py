"""What messages of people contain, as Qabel's clients write and read it.

There are two kinds: ``box_message`` is a text, ``box_share_notification`` a text with a file that
is shared. The deployed clients read every other kind as a ``box_message``, and ignore keys that
they do not know: ``reply_to`` and ``part`` are ours.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from attrs import field, frozen

from qabel.jsontext import encode

TEXT_KIND = "box_message"
SHARE_KIND = "box_share_notification"
KINDS = frozenset((TEXT_KIND, SHARE_KIND))

MAX_PARTS = 64
"""Messages that one text may be cut into."""

_MAX_INTEGER = 2**63 - 1
_KEY = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[+-]?\d+")


@frozen
class ReplyTo:
    """The message that another one answers: of a text in parts, its first part."""

    sender: bytes
    """The public key of who sent it: 32 bytes."""
    time_stamp: int
    """Its time stamp, in milliseconds since the epoch."""


@frozen
class TextPart:
    """Which part of a text a message has."""

    id: str
    """The same in all parts of a text."""
    n: int
    """Its number, from 1."""
    of: int
    """How many parts there are, at most ``MAX_PARTS``."""


@frozen
class SharedFile:
    """The file of a share, as its sender describes it: nothing of it has been checked."""

    url: str = field(repr=False)
    """Where its metadata are."""
    key: bytes = field(repr=False)
    """The key of the metadata; clients write 32 bytes, but read any number."""
    name: str = field(default="", repr=False)
    """Empty if the sender does not say it."""
    size: int = 0
    """In bytes; 0 if the sender does not say it."""


@frozen
class ChatPayload:
    """What a message contains."""

    text: str = field(repr=False)
    reply_to: ReplyTo | None = None
    part: TextPart | None = None
    """None for a message that is complete by itself."""
    attachment: SharedFile | None = None

    @property
    def kind(self) -> str:
        """The ``model_object`` of a message with this payload."""
        return TEXT_KIND if self.attachment is None else SHARE_KIND


def write_payload(payload: ChatPayload) -> dict[str, Any]:
    """Return the ``data`` of a message."""
    data: dict[str, Any] = {"msg": payload.text}
    if payload.attachment is not None:
        data["file"] = payload.attachment.name
        data["url"] = payload.attachment.url
        data["key"] = payload.attachment.key.hex()
        data["size"] = payload.attachment.size
    if payload.reply_to is not None:
        reply_to = payload.reply_to
        data["reply_to"] = {"sender": reply_to.sender.hex(), "time_stamp": reply_to.time_stamp}
    if payload.part is not None:
        part = payload.part
        data["part"] = {"id": part.id, "n": part.n, "of": part.of}
    return data


def read_payload(kind: str, data: Mapping[str, Any]) -> ChatPayload | None:
    """Return what a message contains; None if the deployed clients would not show it.

    Our own keys are ignored if they are malformed, and in kinds that are not those of chat.

    Args:
        kind: the ``model_object``, which may be of any module or of none.
        data: the object ``data`` of the message.

    """
    if kind == SHARE_KIND:
        attachment = _read_shared_file(data)
        text = _read_text(data.get("msg"))
        if attachment is None or text is None:
            return None
        return ChatPayload(text, _read_reply_to(data), _read_part(data), attachment)
    text = _read_text(data.get("msg"))
    if kind != TEXT_KIND:
        return None if text is None else ChatPayload(text)
    if text is None and (data.get("msg") is not None or _was_no_object(data)):
        return None
    return ChatPayload(text or "", _read_reply_to(data), _read_part(data))


def _was_no_object(data: Mapping[str, Any]) -> bool:
    """Return whether the payload was no JSON object, as ``qabel.drop.message`` passes that on."""
    return data.keys() == {"payload"} and isinstance(data["payload"], str)


def _read_text(value: object) -> str | None:
    """Return a text, or another plain value as a text; None for others."""
    if isinstance(value, str):
        return value
    return encode(value).decode() if isinstance(value, bool | int | float) else None


def _read_shared_file(data: Mapping[str, Any]) -> SharedFile | None:
    url = _read_text(data.get("url"))
    key = _read_key(data.get("key"))
    name = _read_text("" if data.get("file") is None else data["file"])
    size = _read_size(data.get("size"))
    if url is None or key is None or name is None or size is None:
        return None
    return SharedFile(url, key, name, size)


def _read_key(value: object) -> bytes | None:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_size(value: object) -> int | None:
    """Return a size, or 0 if the value is no size that a file can have; None if it is no number."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_INTEGER else 0


def _read_reply_to(data: Mapping[str, Any]) -> ReplyTo | None:
    value = data.get("reply_to")
    if not isinstance(value, Mapping):
        return None
    sender, time_stamp = value.get("sender"), value.get("time_stamp")
    if not (isinstance(sender, str) and _KEY.fullmatch(sender) and _is_integer(time_stamp)):
        return None
    if abs(time_stamp) > _MAX_INTEGER:
        return None
    return ReplyTo(bytes.fromhex(sender), time_stamp)


def _read_part(data: Mapping[str, Any]) -> TextPart | None:
    value = data.get("part")
    if not isinstance(value, Mapping):
        return None
    id_, n, of = value.get("id"), value.get("n"), value.get("of")
    if not (isinstance(id_, str) and _is_integer(n) and _is_integer(of)):
        return None
    return TextPart(id_, n, of) if 1 <= n <= of <= MAX_PARTS else None


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
