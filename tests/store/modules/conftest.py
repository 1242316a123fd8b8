"""An inbox and an outbox that modules read."""

from typing import Any

import attrs
import pytest

from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.modules.entries import Entry, Place, read_entries
from qabel.store.modules.progress import ModuleRepository
from qabel.store.outbox.repository import OutboxRepository

NOW = 1_800_000_000.0

TABLE = (
    "CREATE TABLE notes_seen (id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE) STRICT;"
)
SEEN = "INSERT INTO notes_seen (id) VALUES (?)"


@attrs.frozen
class Mail:
    """Fills the journal."""

    database: Database
    things: Any

    def receive(self, *kinds: str) -> list[int]:
        """Store a message of each kind; return their ids."""
        inbox = InboxRepository(self.database)
        new = [self.things.message(model_object=each, data=b'{"msg":"in"}') for each in kinds]
        stored = result_of(inbox.keep(self.things.drop, new, now=NOW))
        return [each.id for each in stored.messages]

    def send(self, kind: str = "chat") -> Any:
        """Store a message that is to be sent; return what was added."""
        outbox = OutboxRepository(self.database)
        delivery = self.things.delivery(7, "http://drop.example/" + 43 * "a")
        text = b'{"time_stamp":5,"data":{"msg":"out"}}'
        new = attrs.evolve(self.things.send(delivery), model_object=kind, message=text)
        return result_of(outbox.add(new, now=NOW))

    def entries(self, after: Place = Place(), limit: int = 100, **which: Any) -> list[Entry]:  # noqa: B008
        """Return what a module of the kind ``chat`` reads."""
        given = {"kinds": ["chat"], **which}
        return list(read_entries(self.database.side.read, after, limit, **given).entries)


@pytest.fixture
def mail(database: Database, things: Any) -> Mail:
    """Return what fills the journal of a database."""
    return Mail(database, things)


@pytest.fixture
def modules(database: Database) -> ModuleRepository:
    """Return the repository of modules."""
    return ModuleRepository(database)


def write(modules: ModuleRepository, at: Place, to: Place, *given: Any) -> Any:
    """Write what the module ``notes`` has made."""
    return result_of(modules.write("notes", at, to, *given, now=NOW))
