"""A journal for chat: people who write to each other, in a database of the test's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.jsontext import encode
from qabel.modules.api import Module, Prepared
from qabel.modules.chat.module import module
from qabel.modules.runner import ModuleRunner
from qabel.store.database.connection import Parameters
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.key_record import GivenKey
from qabel.store.modules.progress import ModuleRepository
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import Posting
from tests.modules.conftest import NOW, Desk

ME, OTHER_ME = b"\x4e" * 32, b"\x4f" * 32
FRIEND, STRANGER = b"\x01" * 32, b"\x5e" * 32

MILLISECONDS = int(NOW * 1000)


@define(eq=False)
class ChatDesk(Desk):
    """A desk at which chat runs."""

    chat: ModuleRunner = field(init=False)
    ready: list[Posting] = field(factory=list)
    """What can be posted."""

    def begin(self, *others: str, chat: Module = module) -> None:
        """Run chat, which gets messages of some other kinds, too."""
        self.chat = self.runner(evolve(chat, kinds={*module.kinds, *others}))
        self.chat.start()

    def hear(self, text: object, sender: bytes = FRIEND, **given: Any) -> int:
        """Receive a message; return its id in the inbox."""
        data = given.pop("data", {"msg": text})
        values = {
            "model_object": "box_message",
            "data": encode(data),
            "sender": sender,
            "receiver": ME,
            "contact_id": None if sender == STRANGER else 7,
            "received": MILLISECONDS,
            "time_stamp": MILLISECONDS - 1000,
        }
        new = self.things.message(**{**values, **given})
        stored = result_of(InboxRepository(self.database).keep(self.things.drop, [new], now=NOW))
        self.journal.advance(stored.messages[0].id)
        return int(stored.messages[0].id)

    def say(self, text: str, *recipients: int, **given: Any) -> int:
        """Send a message; return its id in the outbox."""
        message = {"time_stamp": MILLISECONDS, "data": given.pop("data", {"msg": text})}
        deliveries = [self.things.delivery(each) for each in recipients or (1,)]
        new = self.things.send(
            *deliveries, sender=ME, model_object="box_message", message=encode(message), **given
        )
        added = result_of(OutboxRepository(self.database).add(new, now=NOW))
        self.ready += added.ready
        self.journal.advance(added.last_seq)
        return int(added.id)

    def post(self) -> None:
        """Have the oldest message that waits be posted."""
        if self.ready:
            outbox = OutboxRepository(self.database)
            change = result_of(outbox.posted(self.ready.pop(0), now=NOW))
            self.ready += change.ready
            self.journal.advance(change.last_seq)

    def forget(self, message_id: int) -> None:
        """Delete a message from the inbox."""
        result_of(InboxRepository(self.database).delete(message_id, now=NOW))

    def change(self, made: Prepared) -> None:
        """Change tables of chat as a route does."""
        repository = ModuleRepository(self.database)
        newest = result_of(repository.change("chat", made.changes, made.told, now=NOW))
        self.journal.advance(newest)

    def rebuild(self) -> None:
        """Have chat make its derived tables anew."""
        self.chat.rebuild()

    def settle(self) -> None:
        """Let chat deal with all that is there: after a full batch it waits a moment."""
        for _ in range(50):
            self.clock.advance(1)

    def told(self) -> list[tuple[str, str]]:
        """Return the kinds and the details of the events of chat."""
        return self.rows(
            "SELECT kind, CAST(detail AS TEXT) FROM events WHERE kind LIKE 'chat.%' ORDER BY seq"
        )

    def read(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        return self.database.side.read(sql, values)


@contextmanager
def chat_desk(folder: Path, *others: str, chat: Module | None = module) -> Iterator[ChatDesk]:
    """Run chat on a database in a folder; without a version of it only once it is begun."""
    database = Database(folder / "qabel.db", GivenKey(bytes(32)), worker=InlineWorker)
    result_of(database.open())
    desk = ChatDesk(database)
    if chat is not None:
        desk.begin(*others, chat=chat)
    try:
        yield desk
    finally:
        desk.chat.stop()
        result_of(database.close())


class Rows:
    """Reads for the queries of chat."""

    def __init__(self, desk: ChatDesk) -> None:
        self._desk = desk

    async def rows(self, sql: str, values: Parameters | Mapping[str, Any] = ()) -> list[Any]:
        """Run a statement that reads."""
        return self._desk.read(sql, values)
