"""What users do with conversations: statements for the tables that are the module's own."""

from collections.abc import Mapping

from qabel.modules.api import Prepared
from qabel.modules.chat.queries import Conversation

_CLOCK = "UPDATE chat_clock SET changed = changed + 1"

_MARK = """
INSERT INTO chat_marks (id, identity, contact) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING
"""

_CHANGED = "UPDATE chat_marks SET changed = (SELECT changed FROM chat_clock) WHERE id = ?"

MEMBERS = ("muted", "pinned", "archived", "draft")
"""What clients change of a conversation."""


def open_conversation(number: bytes, identity: bytes, contact: bytes) -> Prepared:
    """Return what makes an empty conversation be there."""
    made = _marking(number, identity, contact)
    made.write(
        "UPDATE chat_marks SET opened = (SELECT last_seq FROM state) "
        "WHERE id = ? AND opened IS NULL",
        (number,),
    )
    return made


def mark(found: Conversation, changes: Mapping[str, object]) -> Prepared:
    """Return what changes the marks of a conversation.

    Args:
        found: the conversation.
        changes: new values, by the name: those of ``MEMBERS``, and ``ignored``.

    """
    made = _marking(found.id, found.identity, found.contact)
    for name, value in changes.items():
        if name not in (*MEMBERS, "ignored"):
            raise ValueError(f"a conversation has no mark {name}")
        made.write(f"UPDATE chat_marks SET {name} = ? WHERE id = ?", (value, found.id))  # noqa: S608 - one of ours
    return made


def mark_read(found: Conversation, upto: int) -> Prepared:
    """Return what marks messages as read.

    Args:
        found: the conversation.
        upto: the number of the last of them in the journal. The mark never moves back, and not
            past the newest message.

    """
    made = _marking(found.id, found.identity, found.contact)
    made.write(
        "UPDATE chat_marks SET read = max(read, min(?, coalesce((SELECT max(seq) "
        "FROM chat_messages WHERE conversation = chat_marks.id), 0))) WHERE id = ?",
        (upto, found.id),
    )
    made.write(
        "UPDATE chat_conversations SET unread = (SELECT count(*) FROM chat_messages "
        "WHERE conversation = chat_conversations.id AND direction = 'in' AND seq > max("
        "(SELECT read FROM chat_marks WHERE chat_marks.id = chat_conversations.id), "
        "(SELECT since FROM chat_clock))) WHERE id = ?",
        (found.id,),
    )
    made.tell("unread", {"conversation": found.id.hex()})
    return made


def forget(found: Conversation) -> Prepared:
    """Return what removes the marks of a conversation; that its sender is ignored stays."""
    made = Prepared()
    made.write("DELETE FROM chat_marks WHERE id = ? AND NOT ignored", (found.id,))
    made.write(
        "UPDATE chat_marks SET opened = NULL, muted = 0, pinned = 0, archived = 0, draft = NULL "
        "WHERE id = ?",
        (found.id,),
    )
    return made


def _marking(number: bytes, identity: bytes, contact: bytes) -> Prepared:
    made = Prepared()
    made.write(_CLOCK, ())
    made.write(_MARK, (number, identity, contact))
    made.write(_CHANGED, (number,))
    return made
