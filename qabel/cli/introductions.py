"""Introductions: what people are shown of strangers who say in a message who they are."""

from collections.abc import Iterable, Mapping
from typing import Any

from qabel.cli.names import Names
from qabel.cli.text import clip, short_key, visible

MOST_NOTES = 5
"""Senders who are pointed out at once, the newest ones."""

_ALIAS_WIDTH = 40

Message = Mapping[str, Any]


def introduced_as(message: Message) -> str | None:
    """Return the name that a sender gives itself in a message; None if it does not."""
    said = message.get("meta_data") or message.get("announced")
    if said is None:
        return None
    return clip(visible(str(said["alias"])), _ALIAS_WIDTH).strip() or "somebody without a name"


def note_on(message: Message, names: Names) -> str | None:
    """Return how to accept the sender of a message; None if it is a contact, or gives no name.

    It is pointed out if the name is that of a contact, who has another key.
    """
    name = introduced_as(message)
    if name is None or message["contact_id"] is not None:
        return None
    other = ", but does not have the key of your contact" if names.is_contacts(name) else ""
    return (
        f"<{short_key(message['sender'])}> introduces itself as {name}{other}. "
        f"Accept with: qabel contact accept {message['id']}"
    )


def notes_on(messages: Iterable[Message], names: Names) -> list[str]:
    """Return how to accept the senders of messages, each once, by its newest message."""
    newest: dict[tuple[object, object], str] = {}
    for message in messages:
        note = note_on(message, names)
        if note is not None:
            key = message["sender"], message["identity_id"]
            newest.pop(key, None)
            newest[key] = note
    return list(newest.values())[-MOST_NOTES:]
