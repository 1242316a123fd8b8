"""Which messages are worth a notice: what chat tells, and is unread and not muted."""

from collections.abc import Sequence

from attrs import field, frozen

from qabel.modules.api import Entry, Heard, ModuleRead, Prepared

HEARS = frozenset({"chat.message", "chat.unread"})

OLD = 10 * 60
"""Seconds: nothing is said of what happened longer ago, as before the daemon was started."""


@frozen
class Notice:
    """What there is to say of a conversation."""

    conversation: str
    """Its id in chat."""
    count: int
    """How many messages are unread; 0 if nothing is to be said of it any more."""
    is_new: bool
    """Whether a message has come just now."""
    name: str = field(default="", repr=False)
    """What the contact is called."""
    text: str = field(default="", repr=False)
    """The text of the newest message."""


def prepare(entries: Sequence[Entry], read: ModuleRead) -> Prepared:
    """Return what there is to say."""
    made, chat = Prepared(), read.tools.service("chat")
    heard: dict[str, list[Heard]] = {}
    for entry in entries:
        if isinstance(entry, Heard) and "conversation" in entry.detail:
            heard.setdefault(entry.detail["conversation"], []).append(entry)
    if chat is None:
        return made
    since = (read.tools.now() - OLD) * 1000
    for conversation, events in heard.items():
        found = chat.unread(read, conversation)
        if found is None or found.is_muted or not found.count:
            made.pass_on(Notice(conversation, 0, is_new=False))
            continue
        fresh = [
            each
            for each in events
            if each.kind == "chat.message"
            and each.time >= since
            and chat.is_unread(read, each.detail["id"])
        ]
        made.pass_on(Notice(conversation, found.count, bool(fresh), found.name, found.text))
        if fresh:
            made.tell("new", {"conversation": conversation}, about=fresh[-1])
    return made
