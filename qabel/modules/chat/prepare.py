"""What chat makes of the journal: messages of both sides, and what is told of them."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from qabel.jsontext import encode
from qabel.modules.api import (
    Deleted,
    DeliveryChanged,
    Entry,
    PeopleChanged,
    Prepared,
    Read,
    Received,
    Sent,
)
from qabel.modules.chat import search, statements
from qabel.modules.chat.joining import Joining
from qabel.modules.chat.numbers import conversation_id, id_of_received, id_of_sent
from qabel.modules.chat.payloads import ChatPayload, SharedFile, read_payload
from qabel.modules.chat.texts import LongText
from qabel.store.database.connection import Parameters
from qabel.store.numbers import Subject

ODD = 24 * 60 * 60 * 1000
"""Milliseconds: the time of a message that is further away from its arrival is odd."""

_MOST_TOLD = 20
"""Messages of which it is told that they were deleted, if not more were at once."""


def tick(now: int, read: Read) -> Prepared:
    """Return the rows and events for the texts of which parts have been missing for too long."""
    making = _Making(read)
    making.shown_late(now)
    return making.finished()


def prepare(entries: Sequence[Entry], read: Read) -> Prepared:
    """Return the rows and events for some entries of the journal."""
    making = _Making(read)
    for entry in entries:
        if isinstance(entry, Received):
            making.received(entry)
        elif isinstance(entry, Sent):
            making.sent(entry)
        elif isinstance(entry, DeliveryChanged):
            making.delivery_changed(entry)
        elif isinstance(entry, Deleted):
            making.deleted(entry)
        elif isinstance(entry, PeopleChanged):
            making.people_changed(entry)
    return making.finished()


@define(eq=False)
class _Making:
    _read: Read
    made: Prepared = field(factory=Prepared, init=False)
    _joining: Joining = field(init=False)
    _found: dict[tuple[int, bytes], tuple[int, bytes]] = field(factory=dict, init=False)
    """Messages of these entries that are sent, by send and recipient."""
    _ignored: frozenset[bytes] | None = field(default=None, init=False)
    _conversations: dict[bytes, tuple[bytes, bytes, bytes]] = field(factory=dict, init=False)
    _rows: dict[str, list[Parameters]] = field(factory=dict, init=False)
    """The rows of messages, by the statement that adds them."""
    _searched: list[search.SearchedMessage] = field(factory=list, init=False)
    _states: dict[int, str] = field(factory=dict, init=False)
    """The states of texts in parts, as far as they have been looked up."""
    _touched: dict[bytes, None] = field(factory=dict, init=False)
    """Conversations of which something else has changed."""
    _people: int = field(default=0, init=False)
    """The number of the last change of people."""

    @_joining.default
    def _joining_texts(self) -> Joining:
        return Joining(self._read)

    def finished(self) -> Prepared:
        made = self.made
        for sides, row, said in self._joining.rows():
            self._write(row, sides.identity, sides.contact, said)
        if self._conversations or self._touched:
            made.write(statements.TICK, ())
        # Many rows for each statement: that is what makes it fast.
        self._joining.write_parts(made)
        made.write(statements.CONVERSATION, *self._conversations.values())
        for statement, rows in self._rows.items():
            made.write(statement, *rows)
        self._joining.write_texts(made)
        made.changes += search.add(self._searched)
        made.write(statements.EMPTY, *((number,) for number in self._conversations))
        made.write(statements.TOUCH, *((number,) for number in self._touched))
        if self._people:
            made.write(statements.PEOPLE, (self._people,))
        made.changes[:] = [each for each in made.changes if each.rows]
        return made

    def received(self, entry: Received) -> None:
        said = read_payload(entry.kind, entry.data)
        if said is None or entry.sender.key == entry.identity:
            # A note to oneself is there as it was sent.
            return
        identity, contact = entry.identity, entry.sender.key
        conversation = conversation_id(identity, contact)
        number = id_of_received(entry.message_id)
        row = {
            "id": number,
            "conversation": conversation,
            "direction": "in",
            "source": entry.message_id,
            "received": entry.received,
            **_place(entry),
        }
        text = self._joining.take(row, said, entry.received)
        if text is None:
            self._write(row, identity, contact, said)
        else:
            number = text.id
        self._tell_received(number, conversation, entry.sender.contact_id, entry, text)

    def _tell_received(
        self,
        number: int,
        conversation: bytes,
        contact_id: int | None,
        about: Received | Subject,
        text: LongText | None,
    ) -> None:
        is_new = text is None or _is_new(text)
        if not is_new and (text is None or text.shown is None):
            # It waits for further parts.
            return
        detail = {"id": number, "conversation": conversation.hex()}
        if contact_id is None:
            if is_new and not self._is_ignored(conversation):
                request = {"id": conversation.hex(), "message": number}
                self.made.tell("request", request, about=about)
            return
        if is_new:
            self.made.tell("message", detail, about=about)
        self.made.tell("unread", {"conversation": conversation.hex()}, about=about)

    def shown_late(self, now: int) -> None:
        for text in self._joining.show_late(now):
            sides = self._joining.stored.sides(text)
            if sides is None:
                continue
            conversation, direction, _ = text.key
            about = Subject(sides.identity_id, sides.identity, None)
            text.is_told = False
            if direction == "in":
                self._tell_received(text.id, conversation, sides.contact_id, about, text)
            else:
                detail = {"id": text.id, "conversation": conversation.hex()}
                self.made.tell("message", detail, about=about)

    def sent(self, entry: Sent) -> None:
        said = read_payload(entry.kind, entry.data)
        if said is None:
            return
        for number, recipient in enumerate(entry.recipients):
            conversation = conversation_id(entry.identity, recipient.key)
            message_id = id_of_sent(entry.send_id, number)
            row = {
                "id": message_id,
                "conversation": conversation,
                "direction": "out",
                "source": entry.send_id,
                "received": None,
                **_place(entry),
            }
            has_failed = recipient.state == "failed"
            text = self._joining.take(row, said, entry.created, has_failed=has_failed)
            if text is None:
                self._write(row, entry.identity, recipient.key, said)
                self._found[entry.send_id, recipient.key] = message_id, conversation
            elif not _is_new(text):
                continue
            else:
                message_id = text.id
            detail = {"id": message_id, "conversation": conversation.hex()}
            self.made.tell("message", detail, about=entry)

    def delivery_changed(self, entry: DeliveryChanged) -> None:
        # States are not kept here: they are read where the outbox has them.
        state = entry.state if entry.acknowledged is None else "acknowledged"
        found = self._found.get((entry.send_id, entry.recipient))
        if found is None:
            rows = self._read(statements.FIND, (entry.send_id, entry.recipient))
            if rows and not rows[0][2]:
                found = rows[0][0], rows[0][1]
            else:
                found = self._text_of(entry, state)
        if found is None:
            return
        message_id, conversation = found
        self._touched[conversation] = None
        detail = {"id": message_id, "conversation": conversation.hex(), "state": state}
        self.made.tell("state", detail, about=entry)

    def deleted(self, entry: Deleted) -> None:
        # The rows went with the messages. In which conversations they were is not known any more.
        ids = [*map(id_of_received, entry.message_ids), *map(id_of_sent, entry.send_ids)]
        if len(ids) <= _MOST_TOLD:
            for each in ids:
                self.made.tell("state", {"id": each, "state": "deleted"})
        self.made.tell("unread", {})

    def _text_of(self, entry: DeliveryChanged, state: str) -> tuple[int, bytes] | None:
        """Return the text of which a part has changed, if it is in the same state as the part."""
        conversation = conversation_id(entry.identity, entry.recipient)
        text = self._joining.text_of(entry.send_id, conversation)
        if text is None or text.shown is None:
            return None
        is_told = self._states.get(text.id) == state
        self._states[text.id] = self._joining.stored.state(text, entry.recipient)
        is_same = self._states[text.id] == state
        return (text.id, conversation) if is_same and not is_told else None

    def people_changed(self, entry: PeopleChanged) -> None:
        # Who is a contact, and what people are called, is looked up when somebody asks.
        self._people = entry.place.seq
        self.made.tell("unread", {})

    def _write(
        self,
        row: dict[str, Any],
        identity: bytes,
        contact: bytes,
        said: ChatPayload,
    ) -> None:
        reply = said.reply_to
        people = {contact: "in", identity: "out"}
        direction = None if reply is None else people.get(reply.sender)
        arrived = row.get("arrived", row["received"])
        values = {
            **row,
            "odd_time": row["received"] is not None and abs(row["sent"] - arrived) > ODD,
            "text": said.text,
            "reply_direction": direction,
            "reply_sent": None if direction is None or reply is None else reply.time_stamp,
            "attachment": _attachment(said.attachment),
        }
        conversation = row["conversation"]
        self._conversations[conversation] = conversation, identity, contact
        statement = statements.RECEIVED if row["direction"] == "in" else statements.SENT
        self._rows.setdefault(statement, []).append(values)
        number = row["id"]
        place = search.place(row["seq"], number)
        self._searched.append(
            search.SearchedMessage(place, number, identity, conversation, said.text)
        )

    def _is_ignored(self, conversation: bytes) -> bool:
        if self._ignored is None:
            rows = self._read("SELECT id FROM chat_marks WHERE ignored", ())
            self._ignored = frozenset(row[0] for row in rows)
        return conversation in self._ignored


def _place(entry: Received | Sent) -> dict[str, int]:
    return {"seq": entry.place.seq, "part": entry.place.part, "sent": entry.time_stamp}


def _is_new(text: LongText) -> bool:
    """Return whether a text is to be told of now: it is shown, and was not told of before."""
    is_new = text.shown is not None and not text.is_told
    text.is_told = text.is_told or is_new
    return is_new


def _attachment(file: SharedFile | None) -> str | None:
    """Return as JSON what is shown of a file: not where it is, nor its key."""
    return None if file is None else encode({"name": file.name, "size": file.size}).decode()
