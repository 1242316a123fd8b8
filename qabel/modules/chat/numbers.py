"""The ids of conversations and messages, and cursors: the same after each rebuild."""

import re
from hashlib import sha256

from attrs import frozen

from qabel.core.errors import NotFound
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema

_CONTEXT = b"qabel conversation 1"
_ID_SIZE = 16

_MOST_RECIPIENTS = 1024
"""More than any message has."""

_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def conversation_id(identity: bytes, contact: bytes) -> bytes:
    """Return the id of a conversation: 16 bytes.

    Args:
        identity: the public key of the user's identity.
        contact: the public key of the other side.

    """
    return sha256(_CONTEXT + identity + contact).digest()[:_ID_SIZE]


def id_of_received(message_id: int) -> int:
    """Return the id in chat of a message that has this id in the inbox."""
    return 2 * message_id


def id_of_sent(send_id: int, recipient: int = 0) -> int:
    """Return the id in chat of a message that is being sent.

    Args:
        send_id: its id in the outbox.
        recipient: which of its recipients it is, counted from 0.

    """
    return 2 * (send_id * _MOST_RECIPIENTS + recipient) + 1


def id_of_received_text(message_id: int) -> int:
    """Return the id in chat of a text in parts, of which the first to arrive has this id.

    It is odd, as those of what is sent are: several may stand at one number of the journal.
    """
    return id_of_sent(message_id, _MOST_RECIPIENTS - 1)


@frozen(order=True)
class ChatCursor:
    """The place of a message in its conversation."""

    seq: int = 0
    part: int = 0

    def __str__(self) -> str:
        return f"{self.seq}-{self.part}"


@frozen
class ListCursor:
    """How much of the changes of conversations a client knows."""

    changed: int = 0
    people: int = 0

    def __str__(self) -> str:
        return f"{self.changed}-{self.people}"


def behind(seq: int) -> ChatCursor:
    """Return the place behind all messages with a number in the journal."""
    return ChatCursor(seq, _MOST_RECIPIENTS if seq else 0)


class CursorForm(Form[tuple[int, int]]):
    """A cursor as clients send it: two numbers."""

    def read(self, value: object) -> tuple[int, int]:
        """Parse a cursor."""
        match = _CURSOR.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise invalid("must be a cursor that was returned here")
        return int(match[1]), int(match[2])

    def read_text(self, text: str) -> tuple[int, int]:
        """Parse a cursor in a query."""
        return self.read(text)

    def write(self, value: tuple[int, int]) -> str:
        """Return the cursor as clients send it."""
        return f"{value[0]}-{value[1]}"

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return {"type": "string", "pattern": f"^{_CURSOR.pattern}$", "examples": ["0-0"]}


def no_conversation() -> NotFound:
    """Return the error for a conversation that does not exist."""
    return NotFound("No such conversation.")
