"""Threads that read: what is asked together is answered together, and each gets its own answer."""

from collections.abc import Sequence
from threading import Event

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from qabel.dropserver.message_values import Opened, Retention, Selection
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.reader_threads import ReaderThreads
from qabel.dropserver.postgresql.reading import MessageReader, News, Opening

BROKEN, EMPTY, FULL = "b" * 43, "e" * 43, "f" * 43

FOUND: Opened = (Selection(0, 1, (1, 1)), [(1, b"1")])


@define(eq=False)
class Scripted(MessageReader):
    """A reader that asks no database, and notes what it is asked together."""

    looks: list[list[str]] = field(factory=list)
    fetched: list[str] = field(factory=list)
    may_go_on: Event = field(factory=Event)
    is_away: bool = False

    def look(self, openings: Sequence[Opening]) -> list[News | None]:
        """Find news in all drops but one."""
        self.looks.append([each.drop_id for each in openings])
        if self.is_away:
            raise DatabaseAway("gone")
        return [None if each.drop_id in (EMPTY, "") else News(0, 1) for each in openings]

    def fetch(self, opening: Opening, news: News) -> Opened | None:
        """Read a message, but for the drop that cannot be read."""
        self.fetched.append(opening.drop_id)
        assert news == News(0, 1)
        if opening.drop_id == BROKEN:
            raise DatabaseAway("half gone")
        return FOUND


@define(eq=False)
class Told:
    """The threads of scripted readers, and what they tell."""

    readers: list[Scripted]
    looker: Scripted = field(init=False)
    failures: list[Exception] = field(factory=list)
    successes: list[None] = field(factory=list)
    threads: ReaderThreads = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.looker = scripted()
        self.threads = ReaderThreads(
            [self.looker],
            self.readers,
            reactor,
            on_failure=self._failed,
            on_success=lambda: self.successes.append(None),
        )

    def _failed(self, error: Exception) -> Exception:
        self.failures.append(error)
        return ValueError("told")


def scripted() -> Scripted:
    """Return a reader with a link that nobody uses."""
    return Scripted(DatabaseLink("postgresql://nowhere"), Retention)


@pytest_twisted.ensureDeferred
async def test_questions_of_a_turn_are_looked_into_together() -> None:
    """Only what is new is read, by each reader in turn, and each gets its own answer."""
    told = Told([scripted(), scripted()])
    asked = [told.threads.open(Opening(name, None, 1)) for name in (FULL, BROKEN, EMPTY)]
    assert (await asked[0], await asked[2]) == (FOUND, None)
    with pytest.raises(ValueError, match="told"):
        await asked[1]
    assert [str(each) for each in told.failures] == ["half gone"]
    assert len(told.successes) == 2
    assert await told.threads.open(Opening(EMPTY, None, 1)) is None
    assert told.looker.looks == [[FULL, BROKEN, EMPTY], [EMPTY]]
    assert [each.fetched for each in told.readers] == [[FULL], [BROKEN]]
    await told.threads.end()


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_away_fails_all() -> None:
    """Also what it was asked otherwise is told its failure; and then it is asked again."""
    told = Told([scripted()])
    told.looker.is_away = True
    for asked in [told.threads.open(Opening(EMPTY, None, 1)) for _ in range(2)]:
        with pytest.raises(ValueError, match="told"):
            await asked
    with pytest.raises(ValueError, match="told"):
        await told.threads.read(lambda _: 1 // 0)
    assert [type(each) for each in told.failures] == [DatabaseAway, ZeroDivisionError]
    told.looker.is_away = False
    assert await told.threads.open(Opening(EMPTY, None, 1)) is None
    [reader] = told.readers
    assert await told.threads.read(lambda given: given is reader) is True
    await told.threads.end()


@pytest_twisted.ensureDeferred
async def test_what_is_slow_holds_up_one_thread() -> None:
    """Others are answered meanwhile; and the end waits for it, and for what is asked last."""
    told = Told([scripted(), scripted()])
    slow = told.threads.read(lambda reader: reader.may_go_on.wait(30))  # type: ignore[attr-defined]
    assert await told.threads.read(lambda _: "fast") == "fast"
    late = told.threads.open(Opening(FULL, None, 1))
    ended = told.threads.end()
    assert not slow.called
    assert not ended.called
    told.readers[0].may_go_on.set()
    assert await gatherResults([slow, late]) == [True, FOUND]
    await ended
    # To end asks the database nothing, which may be away.
    assert told.looker.looks == [[FULL]]
