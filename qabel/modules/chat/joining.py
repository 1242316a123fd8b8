"""Texts in parts: which of them can be shown, and as what."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from qabel.modules.api import Prepared, Read
from qabel.modules.chat.parts import PartialText
from qabel.modules.chat.payloads import ChatPayload, TextPart
from qabel.modules.chat.stored_texts import Sides, StoredTexts
from qabel.modules.chat.texts import LongText, Piece, TextKey

_LATE = 1 << 40
"""Is added to the second number of the place of a text that was shown at its time, and at no
message: so no two places are the same."""

# Only if the message is still there: it may have been deleted after it was read.
_ADD = """
INSERT INTO chat_parts (id, conversation, direction, part_id, n, total, seq, part, {column}, sent,
    arrived)
SELECT :id, :conversation, :direction, :part_id, :n, :total, :seq, :part, :source, :sent, :arrived
WHERE EXISTS (SELECT 1 FROM {table} WHERE id = :source)
"""
_ADD_RECEIVED = _ADD.format(table="messages", column="message_id")
_ADD_SENT = _ADD.format(table="sends", column="send_id")

_REMOVE = "DELETE FROM chat_parts WHERE id = ?"

_HIDE = "DELETE FROM chat_messages WHERE id = ?"

_SHOW = """
UPDATE chat_parts SET shown = ? WHERE conversation = ? AND direction = ? AND part_id = ?
"""

_DESCRIBE = "UPDATE chat_messages SET parts = ?, incomplete = ? WHERE id = ?"

# A part may have been deleted since the text was put together: nothing of it is to stay.
_CHECK = """
DELETE FROM chat_messages
WHERE id = ?1 AND (SELECT count(*) FROM chat_parts WHERE shown = ?1) <> ?2
"""
_SHOWN_NOWHERE = """
UPDATE chat_parts SET shown = NULL
WHERE shown = ?1 AND NOT EXISTS (SELECT 1 FROM chat_messages WHERE id = ?1)
"""

_DECIDE = """
INSERT OR IGNORE INTO chat_again (id, send_id, replaces)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM sends WHERE id = ?2)
"""

_NOTE_RECEIVED = """
INSERT OR IGNORE INTO chat_late (id, message_id, seq)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM messages WHERE id = ?2)
"""
_NOTE_SENT = """
INSERT OR IGNORE INTO chat_late (id, send_id, seq)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM sends WHERE id = ?2)
"""


@define(eq=False)
class Joining:
    """Puts texts together, with what was there before some entries of the journal.

    Args:
        read: reads the tables.

    """

    _read: Read
    stored: StoredTexts = field(init=False)
    _texts: dict[TextKey, LongText] = field(factory=dict, init=False)
    _shown: dict[TextKey, None] = field(factory=dict, init=False)
    """Which texts are to be written."""
    _hidden: dict[int, None] = field(factory=dict, init=False)
    """The ids of texts that are written anew."""
    _new: dict[int, tuple[str, dict[str, Any]]] = field(factory=dict, init=False)
    """The statements that add parts, with their values, by the ids of parts."""
    _removed: list[int] = field(factory=list, init=False)
    _decided: list[tuple[int, int, bool]] = field(factory=list, init=False)
    """Whether messages were sent in place of others."""
    _keys: dict[tuple[int, bytes], TextKey] = field(factory=dict, init=False, repr=False)
    """The texts of parts that are sent, by send and conversation."""
    _late: dict[TextKey, int] = field(factory=dict, init=False)
    """Which texts are shown though they are not complete, and behind which number."""

    @stored.default
    def _read_stored(self) -> StoredTexts:
        return StoredTexts(self._read)

    def take(
        self, row: Mapping[str, Any], said: ChatPayload, arrived: int, *, has_failed: bool = False
    ) -> LongText | None:
        """Take a part of a text; return the text, or None for a message of its own.

        Args:
            row: what the message would be as a message of its own.
            said: what it has.
            arrived: when it was there, in milliseconds since the epoch.
            has_failed: whether it could not be sent.

        """
        part = said.part
        if part is None:
            return None
        key = row["conversation"], row["direction"], part.id
        text = self._find(key)
        if not text.takes(part):
            self._give_up_failed(text, part, row)
        if not text.takes(part):
            return None
        piece = Piece(
            id=row["id"],
            n=part.n,
            total=part.of,
            seq=row["seq"],
            part=row["part"],
            source=row["source"],
            sent=row["sent"],
            arrived=arrived,
            said=said,
            has_failed=has_failed,
        )
        text.pieces[part.n] = piece
        self._add(key, piece)
        if key[1] == "out":
            self._keys[piece.source, key[0]] = key
        if text.is_complete or text.shown is not None:
            self._show(text)
        return text

    def show_late(self, now: int) -> list[LongText]:
        """Show the texts of which parts are missing for too long; return them.

        ``now`` is in milliseconds since the epoch.
        """
        newest = self.stored.newest_number()
        texts = [self._find(key) for key in self.stored.due(now)]
        for text in texts:
            self._late[text.key] = newest
            self._show(text)
        return texts

    def write_parts(self, made: Prepared) -> None:
        """Add the statements that are to come before those of the messages."""
        made.write(_REMOVE, *((each,) for each in self._removed))
        for statement in (_ADD_RECEIVED, _ADD_SENT):
            made.write(statement, *(row for sql, row in self._new.values() if sql == statement))
        made.write(_DECIDE, *self._decided)
        made.write(_HIDE, *((each,) for each in self._hidden))
        made.write(_SHOW, *((self._texts[key].id, *key) for key in self._shown))

    def rows(self) -> Iterator[tuple[Sides, dict[str, Any], ChatPayload]]:
        """Yield the texts that are to be written, as messages."""
        for key in self._shown:
            text = self._texts[key]
            sides = self.stored.sides(text)
            if sides is not None:
                yield sides, self._row(text), self._joined(text)

    def text_of(self, send_id: int, conversation: bytes) -> LongText | None:
        """Return the text of which a message that is sent is a part; None if it is none."""
        key = self._keys.get((send_id, conversation))
        key = key or self.stored.key_of(send_id, conversation)
        return None if key is None else self._find(key)

    def write_texts(self, made: Prepared) -> None:
        """Add the statements that are to come behind those of the messages."""
        texts = [self._texts[key] for key in self._shown]
        ids = [(each.id,) for each in texts]
        made.write(_DESCRIBE, *((each.total, not each.is_complete, each.id) for each in texts))
        made.write(_CHECK, *((each.id, len(each.pieces)) for each in texts))
        made.write(_SHOWN_NOWHERE, *ids)
        for key, seq in self._late.items():
            statement = _NOTE_RECEIVED if key[1] == "in" else _NOTE_SENT
            text = self._texts[key]
            made.write(statement, (text.id, text.first.source, seq))

    def _find(self, key: TextKey) -> LongText:
        if key not in self._texts:
            self._texts[key] = self.stored.find(key)
        return self._texts[key]

    def _give_up_failed(self, text: LongText, part: TextPart, row: Mapping[str, Any]) -> None:
        """Have a part that could not be sent make room for one that is sent in place of it."""
        old = text.pieces.get(part.n)
        if text.key[1] != "out" or old is None or old.total != part.of:
            return
        replaces = self.stored.replaces(row["id"])
        if replaces is None:
            # What has become of the first is seen now, and may be something else in a rebuild.
            has_failed = old.has_failed
            if has_failed is None:
                has_failed = self.stored.has_failed(text.key, old)
            replaces = has_failed
            self._decided.append((row["id"], row["source"], replaces))
        if replaces:
            late = self.stored.late_place(text.id)
            if late is not None:
                # It stays where it is shown, whatever its id is now.
                self._late.setdefault(text.key, late)
            self._hide(text)
            del text.pieces[part.n]
            text.is_told = False
            self._removed.append(old.id)
            self._new.pop(old.id, None)

    def _add(self, key: TextKey, piece: Piece) -> None:
        statement = _ADD_RECEIVED if key[1] == "in" else _ADD_SENT
        values = {
            "id": piece.id,
            "conversation": key[0],
            "direction": key[1],
            "part_id": key[2],
            "n": piece.n,
            "total": piece.total,
            "seq": piece.seq,
            "part": piece.part,
            "source": piece.source,
            "sent": piece.sent,
            "arrived": piece.arrived,
        }
        self._new[piece.id] = statement, values

    def _show(self, text: LongText) -> None:
        self._hide(text)
        self._shown[text.key] = None
        text.shown = text.id

    def _hide(self, text: LongText) -> None:
        if text.shown is not None and text.key not in self._shown:
            self._hidden[text.shown] = None

    def _row(self, text: LongText) -> dict[str, Any]:
        first = text.pieces[min(text.pieces)]
        is_received = text.key[1] == "in"
        seq, part = self._place(text)
        return {
            "id": text.id,
            "conversation": text.key[0],
            "direction": text.key[1],
            "seq": seq,
            "part": part,
            "source": text.first.source,
            "sent": first.sent,
            "received": max(each.arrived for each in text.pieces.values()) if is_received else None,
            "arrived": first.arrived,
        }

    def _place(self, text: LongText) -> tuple[int, int]:
        """Return where a text stands: at its last part, unless it was shown without that."""
        late = self.stored.late_place(text.id)
        late = self._late.get(text.key) if late is None else late
        if late is not None:
            return late, _LATE + text.id
        return max((each.seq, each.part) for each in text.pieces.values())

    def _joined(self, text: LongText) -> ChatPayload:
        said = {n: each.said or self.stored.said(text.key, each) for n, each in text.pieces.items()}
        return PartialText(text.total, 0, said).joined
