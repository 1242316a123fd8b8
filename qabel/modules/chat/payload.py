"""What a message says: the one place where the data of messages is read."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from qabel.forms.plain import MAX_LONG

BOX_MESSAGE = "box_message"
"""The kind of messages that are sent: ``{"msg": STR}``."""

SHARE = "box_share_notification"
"""The kind of messages about files."""

KINDS = frozenset({BOX_MESSAGE, SHARE})


@frozen
class ChatText:
    """What a message says."""

    text: str = field(repr=False)
    reply_sender: str | None = None
    """The public key of who wrote the message that it replies to, in hexadecimal digits."""
    reply_sent: int | None = None
    """The time of that message, in milliseconds since the epoch."""


def read_payload(kind: str, data: Mapping[str, Any]) -> ChatText | None:
    """Return what a message says; None for one that has nothing to show.

    Args:
        kind: its ``model_object``.
        data: what it has.

    """
    msg = data.get("msg")
    if not isinstance(msg, str):
        if kind != BOX_MESSAGE:
            return None
        msg = ""
    return ChatText(msg, *_reply(data.get("reply_to")))


def write_payload(said: ChatText) -> dict[str, Any]:
    """Return the data of a message of the kind ``BOX_MESSAGE``."""
    data: dict[str, Any] = {"msg": said.text}
    if said.reply_sender is not None:
        data["reply_to"] = {"sender": said.reply_sender, "time_stamp": said.reply_sent}
    return data


def _reply(given: object) -> tuple[str | None, int | None]:
    if not isinstance(given, Mapping):
        return None, None
    sender, sent = given.get("sender"), given.get("time_stamp")
    if not isinstance(sender, str) or type(sent) is not int or abs(sent) > MAX_LONG:
        return None, None
    return sender, sent
