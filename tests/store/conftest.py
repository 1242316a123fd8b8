"""Databases to test with: real encrypted files, used in the test's own thread or in another."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.connection import Connection, connect
from qabel.store.database.database import Database
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.seen import Drop
from qabel.store.key_record import GivenKey
from qabel.store.outbox.acknowledgements import NewAcknowledgement
from qabel.store.outbox.sends import NewDelivery, NewSend

KEY = bytes(range(32))


@pytest.fixture
def got() -> "Callable[[Deferred[Any]], Any]":
    """Return ``result_of``, which returns the result of a Deferred, or raises its error."""
    return result_of


@pytest.fixture
def here() -> type[InlineWorker[Any]]:
    """Return the worker that needs no thread."""
    return InlineWorker


@pytest.fixture
def key() -> bytes:
    """Return the key of the databases."""
    return KEY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the database, in a directory of its own."""
    directory = tmp_path / "data"
    directory.mkdir()
    return directory / "qabel.db"


@pytest.fixture
def empty(path: Path) -> Iterator[Connection]:
    """Return a connection to an encrypted file without tables."""
    path.touch()
    made = connect(path, KEY)
    yield made
    made.close()


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """Return an open database that is used in the test's own thread."""
    made = Database(path, GivenKey(KEY), worker=InlineWorker)
    result_of(made.open())
    yield made
    result_of(made.close())


@pytest.fixture
def rows(database: Database) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that runs SQL on the database, and returns its rows."""

    def run(sql: str, *values: object) -> list[tuple[Any, ...]]:
        return result_of(
            database.run(lambda connection: connection.execute(sql, values).fetchall())
        )

    return run


@attrs.define
class Things:
    """Creates messages and sends with values of the test, each with a hash of its own."""

    count: int = 0
    drop: Drop = attrs.field(factory=lambda: Drop("http://localhost/" + "a" * 43, "owners"))

    def digest(self) -> bytes:
        """Return a hash that was not returned before."""
        self.count += 1
        return self.count.to_bytes(16, "big")

    def message(self, **given: Any) -> NewMessage:
        """Return a received message."""
        values: dict[str, Any] = {
            "hash": self.digest(),
            "version": 1,
            "time_stamp": 1_700_000_000_000 + self.count,
            "acknowledge_id": "0",
            "sender": b"\x5e" * 32,
            "receiver": b"\x4e" * 32,
            "model_object": "chat",
            "data": b'{"msg":"hello %d"}' % self.count,
            "received": 1_700_000_001_000,
            "identity_id": 1,
            "contact_id": 7,
        }
        return NewMessage(**{**values, **given})

    def delivery(self, recipient: int = 1, *urls: str) -> NewDelivery:
        """Return a delivery to one of several recipients."""
        self.count += 1
        return NewDelivery(
            recipient=bytes([recipient]) * 32,
            contact_id=recipient,
            sealed=b"box %d" % self.count,
            urls=urls or (f"http://localhost/{recipient}",),
        )

    def acknowledgement(self, contact: int = 1, **given: Any) -> NewAcknowledgement:
        """Return an acknowledgement to one of several contacts."""
        self.count += 1
        values: dict[str, Any] = {
            "identity": b"\x4e" * 32,
            "contact": bytes([contact]) * 32,
            "acknowledge_id": f"id {self.count}",
            "since": 0,
            "delay": 0,
        }
        return NewAcknowledgement(**{**values, **given})

    def send(self, *deliveries: NewDelivery, **given: Any) -> NewSend:
        """Return a send, to one recipient if none is given."""
        values: dict[str, Any] = {
            "sender": b"\x5e" * 32,
            "identity_id": 1,
            "model_object": "chat",
            "message": b'{"msg":"hello"}',
            "deliveries": deliveries or (self.delivery(),),
        }
        return NewSend(**{**values, **given})


@pytest.fixture
def things() -> Things:
    """Return an object that creates messages and sends."""
    return Things()
