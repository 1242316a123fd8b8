"""Texts in parts as they are stored: in the tables of chat, the inbox and the outbox."""

import msgspec
from attrs import frozen

from qabel.jsontext import encode
from qabel.modules.api import Read
from qabel.modules.chat.numbers import conversation_id
from qabel.modules.chat.parts import PATIENCE
from qabel.modules.chat.payloads import ChatPayload, read_payload
from qabel.modules.chat.texts import LongText, Piece, TextKey, whole_state

MOST_DUE = 100
"""Texts that are shown at one time at most."""

_PIECES = """
SELECT id, n, total, seq, part, coalesce(message_id, send_id), sent, arrived, shown
FROM chat_parts WHERE conversation = ? AND direction = ? AND part_id = ?
"""

_KEY = "SELECT part_id FROM chat_parts WHERE send_id = ? AND conversation = ?"

_STATES = """
SELECT send_id, state, acknowledged FROM deliveries
WHERE send_id IN (SELECT value FROM json_each(?)) AND recipient = ?
"""

_SIDES_IN = "SELECT receiver, sender, identity_id, contact_id FROM messages WHERE id = ?"
_SIDES_OUT = """
SELECT sends.sender, recipient, identity_id, contact_id, state FROM sends
JOIN deliveries ON send_id = sends.id WHERE sends.id = ?
"""

_SAID_IN = "SELECT model_object, CAST(data AS BLOB) FROM messages WHERE id = ?"
_SAID_OUT = "SELECT model_object, message FROM sends WHERE id = ?"

_DUE = """
SELECT conversation, direction, part_id FROM chat_parts WHERE shown IS NULL
GROUP BY conversation, direction, part_id HAVING min(arrived) <= ? LIMIT ?
"""


@frozen
class Sides:
    """Whose text it is."""

    identity: bytes
    """The public key of the user's identity."""
    contact: bytes
    """The public key of the other side."""
    identity_id: int
    contact_id: int | None


@frozen
class StoredTexts:
    """Reads what there is of texts.

    Args:
        read: reads the tables.

    """

    _read: Read

    def find(self, key: TextKey) -> LongText:
        """Return the parts of a text that are there."""
        rows = self._read(_PIECES, key)
        pieces = {row[1]: Piece(*row[:-1]) for row in rows}
        return LongText(key=key, pieces=pieces, shown=rows[0][-1] if rows else None)

    def due(self, now: int) -> list[TextKey]:
        """Return which texts are not shown, though parts of them have been missing too long."""
        rows = self._read(_DUE, (now - PATIENCE, MOST_DUE))
        return [(row[0], row[1], row[2]) for row in rows]

    def newest_number(self) -> int:
        """Return the newest number in the journal."""
        [(newest,)] = self._read("SELECT last_seq FROM state", ())
        return int(newest)

    def late_place(self, number: int) -> int | None:
        """Return behind which number in the journal a text was shown that was not complete."""
        rows = self._read("SELECT seq FROM chat_late WHERE id = ?", (number,))
        return rows[0][0] if rows else None

    def key_of(self, send_id: int, conversation: bytes) -> TextKey | None:
        """Return of which text a message that is sent is a part; None if it is none."""
        rows = self._read(_KEY, (send_id, conversation))
        return (conversation, "out", rows[0][0]) if rows else None

    def sides(self, text: LongText) -> Sides | None:
        """Return whose text it is; None if it was deleted meanwhile."""
        sql = _SIDES_IN if text.key[1] == "in" else _SIDES_OUT
        for row in self._read(sql, (text.newest.source,)):
            if conversation_id(row[0], row[1]) == text.key[0]:
                return Sides(*row[:4])
        return None

    def replaces(self, number: int) -> bool | None:
        """Return whether a message was sent in place of another; None if that is to be decided."""
        rows = self._read("SELECT replaces FROM chat_again WHERE id = ?", (number,))
        return bool(rows[0][0]) if rows else None

    def has_failed(self, key: TextKey, piece: Piece) -> bool:
        """Return whether a part could not be sent."""
        return any(
            row[4] == "failed" and conversation_id(row[0], row[1]) == key[0]
            for row in self._read(_SIDES_OUT, (piece.source,))
        )

    def state(self, text: LongText, recipient: bytes) -> str:
        """Return the state of a text that is sent, by those of its parts."""
        sources = {each.source: n for n, each in text.pieces.items()}
        rows = self._read(_STATES, (encode(list(sources)).decode(), recipient))
        states = {sources[send_id]: (state, time) for send_id, state, time in rows}
        return whole_state(states, text.total)

    def said(self, key: TextKey, piece: Piece) -> ChatPayload:
        """Return what a part has: nothing if it was deleted meanwhile."""
        is_received = key[1] == "in"
        for kind, text in self._read(_SAID_IN if is_received else _SAID_OUT, (piece.source,)):
            found = msgspec.json.decode(text)
            return read_payload(kind, found if is_received else found["data"]) or ChatPayload("")
        return ChatPayload("")
