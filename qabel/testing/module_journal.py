"""A journal for a module in a test: what happens is as the test says."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock

from qabel.deferreds import result_of
from qabel.jsontext import encode
from qabel.modules.api import Module
from qabel.store.database.connection import Parameters
from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.numbers import Subject, add_event
from qabel.store.outbox.receipts import Receipt
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NewDelivery, NewSend, Posting

START = 1_800_000_000.0
"""The time at which each test begins, in seconds since the epoch."""

_DROP = Drop("http://drop.example/" + 43 * "b", "owners")


@define(eq=False)
class ModuleJournal:
    """A real journal of one identity with one contact, to which a test adds.

    Args:
        database: the database, which is open and works in the test's own thread.
        module: the module; messages are of its first kind, unless another is given.

    """

    database: Database
    module: Module
    clock: Clock = field(factory=Clock, init=False)
    identity: bytes = field(init=False)
    """The public key of the identity."""
    identity_id: int = field(init=False)
    contact: bytes = field(init=False)
    """The public key of its contact."""
    contact_id: int = field(init=False)
    _postings: dict[int, Posting] = field(factory=dict, init=False)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return START + self.clock.seconds()

    def receive(
        self, data: Mapping[str, Any], *, kind: str | None = None, sender: bytes | None = None
    ) -> int:
        """Have a message arrive; return its id in the inbox.

        Args:
            data: what it has.
            kind: the ``model_object``; the first one of the module if left out.
            sender: the public key; the contact if left out, else a stranger.

        """
        new = NewMessage(
            hash=secrets.token_bytes(16),
            version=1,
            time_stamp=self._milliseconds(),
            acknowledge_id="0",
            sender=sender or self.contact,
            receiver=self.identity,
            model_object=kind or min(self.module.kinds),
            data=encode(dict(data)),
            received=self._milliseconds(),
            identity_id=self.identity_id,
            contact_id=self.contact_id if sender in (None, self.contact) else None,
        )
        stored = result_of(self._inbox.keep(_DROP, [new], now=self.now()))
        self._happened()
        return int(stored.messages[0].id)

    def send(self, data: Mapping[str, Any], *, kind: str | None = None) -> int:
        """Have the user send a message to the contact; return its id in the outbox."""
        text = {"time_stamp": self._milliseconds(), "data": dict(data)}
        delivery = NewDelivery(
            recipient=self.contact,
            contact_id=self.contact_id,
            sealed=b"sealed",
            urls=("http://drop.example/" + 43 * "a",),
        )
        new = NewSend(
            sender=self.identity,
            identity_id=self.identity_id,
            model_object=kind or min(self.module.kinds),
            message=encode(text),
            deliveries=(delivery,),
            acknowledge_id=secrets.token_hex(16),
        )
        added = result_of(OutboxRepository(self.database).add(new, now=self.now()))
        [self._postings[added.id]] = added.ready
        self._happened()
        return int(added.id)

    def sent(self, postings: Sequence[Posting]) -> None:
        """Note what the module has sent, which can be ``delivered`` then."""
        self._postings |= {each.send_id: each for each in postings}

    def delivered(self, send_id: int) -> None:
        """Have the drop server take a message that was sent."""
        posting = self._postings.pop(send_id)
        result_of(OutboxRepository(self.database).posted(posting, now=self.now()))
        self._happened()

    def acknowledged(self, send_id: int) -> None:
        """Have the contact acknowledge a message."""
        [(acknowledge_id,)] = self.rows("SELECT acknowledge_id FROM sends WHERE id = ?", (send_id,))
        receipt = Receipt(
            hash=secrets.token_bytes(16),
            sender=self.contact,
            receiver=self.identity,
            acknowledge_id=acknowledge_id,
            is_from_contact=True,
            received=self._milliseconds(),
        )
        result_of(self._inbox.keep(_DROP, received_receipts=[receipt], now=self.now()))
        self._happened()

    def tell(self, kind: str, detail: Mapping[str, object]) -> None:
        """Have another module tell an event, such as ``chat.message``."""
        about = Subject(self.identity_id, self.identity, None)
        self._add_event(kind, detail, about)

    def delete(self, message_id: int) -> None:
        """Have the user delete a received message."""
        sql = "DELETE FROM messages WHERE id = ?"
        result_of(
            self.database.run(lambda connection: connection.execute(sql, (message_id,)).rowcount)
        )
        self._happened()

    def rows(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, and return its rows."""
        return self.database.side.read(sql, values)

    @property
    def _inbox(self) -> InboxRepository:
        return InboxRepository(self.database)

    def _milliseconds(self) -> int:
        return int(self.now() * 1000)

    def _add_event(self, kind: str, detail: Mapping[str, object], about: Subject | None) -> None:
        text = encode(dict(detail))
        result_of(
            self.database.run(
                lambda connection: add_event(
                    connection, kind, text, self._milliseconds(), about=about
                )
            )
        )
        self._happened()

    def _happened(self) -> None:
        """Go on after something was added."""
