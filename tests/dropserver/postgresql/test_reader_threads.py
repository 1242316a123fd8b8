"""Threads that read: what is asked together is answered together, and each gets its own answer."""

from collections.abc import Sequence
from threading import Event

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from qabel.dropserver.message_values import Retention, Selection
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.reader_threads import ReaderThreads
from qabel.dropserver.postgresql.reading import MessageReader, Opened, Opening

BROKEN, EMPTY, FULL = "b" * 43, "e" * 43, "f" * 43

FOUND: Opened = (Selection(0, 1, (1, 1)), [(1, b"1")])


@define(eq=False)
class Scripted(MessageReader):
    """A reader that asks no database, and notes what it is asked together."""

    questions: list[list[str]] = field(factory=list)
    may_go_on: Event = field(factory=Event)
    is_away: bool = False

    def open_all(self, openings: Sequence[Opening]) -> list[Opened | DatabaseAway | None]:
        """Answer by the names of drops."""
        self.questions.append([each.drop_id for each in openings])
        if self.is_away:
            raise DatabaseAway("gone")
        answers = {BROKEN: DatabaseAway("half gone"), EMPTY: None, FULL: FOUND}
        return [answers[each.drop_id] for each in openings]


@define(eq=False)
class Told:
    """The threads of scripted readers, and what they tell."""

    readers: list[Scripted]
    failures: list[Exception] = field(factory=list)
    successes: list[None] = field(factory=list)
    threads: ReaderThreads = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.threads = ReaderThreads(
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
async def test_questions_of_a_turn_are_asked_together() -> None:
    """Each gets its answer, or a failure in its place; the next turn is another reader's."""
    told = Told([scripted(), scripted()])
    asked = [told.threads.open(Opening(name, None, 1)) for name in (FULL, BROKEN, EMPTY)]
    found, nothing = await asked[0], await asked[2]
    with pytest.raises(ValueError, match="told"):
        await asked[1]
    assert (found, nothing) == (FOUND, None)
    assert [str(each) for each in told.failures] == ["half gone"]
    assert len(told.successes) == 2
    assert await told.threads.open(Opening(EMPTY, None, 1)) is None
    assert [each.questions for each in told.readers] == [[[FULL, BROKEN, EMPTY]], [[EMPTY]]]
    await told.threads.end()


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_away_fails_all() -> None:
    """Also what it was asked otherwise is told its failure; and then it is asked again."""
    told = Told([scripted()])
    [reader] = told.readers
    reader.is_away = True
    for asked in [told.threads.open(Opening(EMPTY, None, 1)) for _ in range(2)]:
        with pytest.raises(ValueError, match="told"):
            await asked
    with pytest.raises(ValueError, match="told"):
        await told.threads.read(lambda _: 1 // 0)
    assert [str(each) for each in told.failures[:2]] == ["gone", "gone"]
    reader.is_away = False
    assert await told.threads.open(Opening(EMPTY, None, 1)) is None
    assert await told.threads.read(lambda given: given is reader) is True
    await told.threads.end()


@pytest_twisted.ensureDeferred
async def test_what_is_slow_holds_up_one_thread() -> None:
    """Others are answered meanwhile; and the end waits for it."""
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
