"""Cores with real databases and drop servers in memory, on the real reactor or on a clock."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
import pytest_twisted
from attrs import Factory, define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from qabel.core import foundation
from qabel.core.service import CoreService
from qabel.core.workers import Workers
from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.store.database.database import Database
from qabel.store.key_record import GivenKey
from qabel.testing.correspondents import Correspondents

P = ParamSpec("P")
T = TypeVar("T")

EPOCH = 1_800_000_000.0
"""The time of day when a clock of these tests stands at 0, in seconds since the epoch."""


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> AsyncIterator[Correspondents]:
    """Provide a world without people."""
    made = Correspondents(tmp_path, reactor)
    yield made
    await made.close()


@define(eq=False)
class InlineWorkers(Workers):
    """Workers that do everything where it is asked for."""

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """Call a function at once."""
        return execute(function, *args, **kwargs)


@define(eq=False)
class ClockedWorld(Correspondents):
    """People whose cores use neither thread nor reactor: time passes when the test says so."""

    reactor: Clock = field(factory=Clock)
    now: Callable[[], float] = field(
        default=Factory(lambda self: lambda: EPOCH + self.reactor.seconds(), takes_self=True)
    )

    @property
    def clock(self) -> Clock:
        """The clock of all cores."""
        return self.reactor

    async def core(self, name: str, **options: Any) -> CoreService:
        """Open and start a core that polls at its usual pace."""
        return await self._start(name, options)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of what has one without any time passing, or raise its error."""
        return result_of(Deferred.fromCoroutine(work))


@pytest.fixture
def clocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClockedWorld]:
    """Return a world without people, and close it at the end: no timer is left then."""
    monkeypatch.setattr(foundation, "Database", partial(Database, worker=InlineWorker))
    monkeypatch.setattr(foundation, "Workers", InlineWorkers)
    made = ClockedWorld(tmp_path)
    yield made
    made.run(made.close())
    assert made.clock.getDelayedCalls() == []


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return an open database that is used where the test runs."""
    folder = tmp_path / "database"
    folder.mkdir()
    made = Database(folder / "qabel.db", GivenKey(bytes(32)), worker=InlineWorker)
    result_of(made.open())
    yield made
    result_of(made.close())
