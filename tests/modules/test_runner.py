"""Running a module: each entry counts once, and what is at fault is set aside."""

from collections.abc import Callable, Sequence

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules import runner as runners
from qabel.modules import telling
from qabel.modules.api import Entry, Place, Prepared, Read
from qabel.modules.module_reader import ModuleReader
from qabel.modules.reading import Batch
from qabel.modules.runner import CATCH_UP, ModuleRunner, ModuleState
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreFull
from qabel.store.modules.entries import Span
from qabel.store.modules.progress import ModuleRepository
from tests.modules.conftest import NOTES, Desk, prepare

Running = Callable[..., ModuleRunner]


def test_what_comes_is_dealt_with(desk: Desk, running: Running) -> None:
    """Messages of its kinds, received or sent, reach the module once, and it tells of them."""
    runner = running()
    assert runner.state is ModuleState.RUNNING
    desk.receive("one")
    desk.receive("other", kind="chat")
    send = desk.send()
    desk.receive("two", "three")
    assert desk.notes() == ["one", "two", "three"]
    assert desk.rows("SELECT send_id FROM notes_sent") == [(send,)]
    assert desk.events() == ["notes.new"] * 3
    assert (runner.state, runner.done, runner.failure) == (ModuleState.RUNNING, 1.0, None)


def test_it_goes_on_where_it_was(desk: Desk, running: Running) -> None:
    """After a restart nothing is dealt with twice, and nothing is left out."""
    runner = running()
    desk.receive("one")
    runner.stop()
    desk.receive("two")
    assert desk.notes() == ["one"]
    running()
    assert desk.notes() == ["one", "two"]


def test_what_was_there_before_is_no_news(desk: Desk, running: Running) -> None:
    """Of old entries the module tells nothing; at their end there is one event."""
    desk.receive("one", "two")
    desk.receive("other", kind="chat")
    running()
    desk.clock.pump([1] * 5)
    assert desk.notes() == ["one", "two"]
    assert desk.events() == ["module.rebuilt"]
    desk.receive("three")
    assert desk.events() == ["module.rebuilt", "notes.new"]


def test_a_rebuild(desk: Desk, running: Running) -> None:
    """Derived tables are made anew, the module's own are not touched, and nothing is told."""
    runner = running()
    desk.receive("one", "two")
    desk.rows("INSERT INTO notes_marks VALUES (1)")
    desk.rows("UPDATE notes SET text = 'wrong'")
    runner.rebuild()
    desk.clock.pump([1] * 5)
    assert desk.notes() == ["one", "two"]
    assert desk.rows("SELECT message_id FROM notes_marks") == [(1,)]
    assert desk.events() == ["notes.new"] * 2 + ["module.rebuilt"]
    assert runner.state is ModuleState.RUNNING


def test_an_entry_at_fault_is_set_aside(desk: Desk, running: Running) -> None:
    """All others are dealt with; the reason does not quote the message."""
    runner = running()
    desk.receive("one", "two", "raise", "four")
    desk.clock.pump([1] * 30)
    assert desk.notes() == ["one", "two", "four"]
    assert runner.set_aside == 1
    [found] = result_of(ModuleRepository(desk.database).all_set_aside("notes"))
    assert found.place == Place(3)
    assert found.reason.startswith("TestError at conftest.py:")
    assert "secret" not in found.reason
    desk.receive("five")
    assert desk.notes()[-1] == "five"


def test_what_was_set_aside_is_tried_again(desk: Desk, running: Running) -> None:
    """At each start; what is deleted meanwhile is forgotten."""
    runner = running()
    ids = desk.receive("raise", "raise", "raise")
    desk.clock.pump([1] * 60)
    assert (desk.notes(), runner.set_aside) == ([], 3)
    desk.rows(f'UPDATE messages SET data = \'{{"msg":"better"}}\' WHERE id = {ids[1]}')
    desk.rows(f"DELETE FROM messages WHERE id = {ids[0]}")
    runner.stop()
    again = running()
    assert (desk.notes(), again.set_aside) == (["better"], 1)


def test_a_statement_that_fails(desk: Desk, running: Running) -> None:
    """What cannot be stored is at fault like what cannot be prepared."""
    runner = running()
    desk.receive("one", "null", "three")
    desk.clock.pump([1] * 30)
    assert desk.notes() == ["one", "three"]
    assert runner.set_aside == 1


def test_a_failure_that_passes(desk: Desk, running: Running) -> None:
    """An entry is tried again after a pause before it is set aside."""
    failures = iter([True, True, False])

    def sometimes(entries: Sequence[Entry], read: Read) -> Prepared:
        if entries and next(failures, False):
            raise ValueError
        return prepare(entries, read)

    runner = running(evolve(NOTES, prepare=sometimes))
    desk.receive("one")
    assert desk.notes() == []
    desk.clock.pump([1] * 10)
    assert (desk.notes(), runner.set_aside) == (["one"], 0)


def test_a_module_that_hangs(desk: Desk) -> None:
    """It is stopped after a time, and says so; another thread is there for the others."""
    runner = desk.runner()
    thread = desk.thread

    class Silent:
        def submit(self, job: object) -> None:
            """Never handle it."""

        def end(self) -> None:
            """Do nothing."""

    thread._worker = Silent()  # type: ignore[assignment]
    runner.start()
    desk.receive("one")
    desk.clock.advance(runners.PATIENCE)
    assert runner.state is ModuleState.FAILED
    assert runner.failure == "It did not return within 30 s."
    other = desk.runner()
    other.start()
    desk.clock.pump([1] * 3)
    assert desk.notes() == ["one"]
    other.stop()


def test_a_full_disk_is_not_the_modules_fault(
    desk: Desk, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be stored the module waits; nothing is set aside."""
    runner = running()
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> object:
            raise StoreFull("no space")

        patch.setattr(ModuleRepository, "write", full)
        desk.receive("one")
        desk.clock.pump([5] * 5)
    desk.clock.pump([5] * 2)
    assert (desk.notes(), runner.set_aside, runner.failure) == (["one"], 0, None)


def test_tables_that_cannot_be_made(desk: Desk, running: Running) -> None:
    """A module whose migration fails does not run, and says why."""
    runner = running(evolve(NOTES, steps=("CREATE TABLE other (id INTEGER) STRICT;",)))
    assert runner.state is ModuleState.FAILED
    assert "the table other" in str(runner.failure)


def test_far_behind(desk: Desk, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is far behind tells that once, in place of its events."""
    monkeypatch.setattr(telling, "BEHIND", 10)
    runner = running()
    runner.stop()
    desk.receive(*(str(number) for number in range(100)))
    desk.receive("last")
    running()
    desk.clock.pump([1] * 30)
    assert len(desk.notes()) == 101
    assert desk.events().count("module.behind") == 1
    assert 1 <= desk.events().count("notes.new") < 90


def test_batches_grow(desk: Desk, running: Running) -> None:
    """Many entries are dealt with in few batches."""
    desk.receive(*(str(number) for number in range(500)))
    running()
    desk.clock.pump([1] * 20)
    assert len(desk.notes()) == 500
    assert len(desk.prepared) < 20


def test_batches_are_short_while_others_wait(
    running: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who needs the database does not wait for long, nor does the next one."""
    sizes: list[int] = []

    async def read_on(_: ModuleReader, size: int) -> Batch:
        sizes.append(size)
        count = size if len(sizes) < 12 else 0
        span = Span((), Place(), count)
        waited = len(sizes) == 4
        return Batch(span, Prepared(), seconds=0.001 * count, have_others_waited=waited)

    monkeypatch.setattr(ModuleReader, "read_on", read_on)
    running()
    most, least = round(runners.TARGET * 1000), round(runners.SHORT * 1000)
    desk.clock.pump([0.1] * 3)
    assert sizes == [16, 32, most, most]
    desk.clock.pump([0.1] * 4)
    assert sizes[4:] == [least] * 4
    desk.clock.advance(runners.LINGER)
    desk.clock.pump([0.1] * 5)
    assert sizes[8:] == [least, 2 * least, 4 * least, 8 * least]


def test_what_comes_while_it_reads_is_not_missed(desk: Desk, running: Running) -> None:
    """An entry that is committed while the module prepares another is dealt with next."""
    late = ["two"]

    def slow(entries: Sequence[Entry], read: Read) -> Prepared:
        if entries and late:
            desk.receive(late.pop())
        return prepare(entries, read)

    running(evolve(NOTES, prepare=slow))
    desk.receive("one")
    desk.clock.pump([1] * 3)
    assert desk.notes() == ["one", "two"]


def test_news_in_quick_succession_are_dealt_with_together(desk: Desk, running: Running) -> None:
    """What comes soon after a look waits for the next one."""
    runner = running(spacing=2.0)
    desk.clock.advance(2)
    desk.receive("one")
    assert desk.notes() == ["one"]
    desk.receive("two")
    desk.receive("three")
    desk.clock.advance(1)
    assert (desk.notes(), runner.done < 1) == (["one"], True)
    desk.clock.advance(1)
    assert (desk.notes(), runner.done) == (["one", "two", "three"], 1)
    assert desk.prepared == [1, 2]
    desk.clock.advance(60)
    desk.receive("four")
    assert desk.notes()[-1] == "four"


def test_a_reader_finds_what_is_in_the_journal(desk: Desk, running: Running) -> None:
    """Whoever catches up waits for no spacing, and for what there is only."""
    runner = running(spacing=2.0)
    desk.clock.advance(2)
    done = Deferred.fromCoroutine(runner.catch_up())
    assert done.called
    desk.receive("one")
    desk.receive("two")
    assert desk.notes() == ["one"]
    caught_up = Deferred.fromCoroutine(runner.catch_up())
    assert caught_up.called
    assert desk.notes() == ["one", "two"]
    desk.clock.advance(60)


def test_a_reader_does_not_wait_for_a_module_that_cannot_go_on(
    desk: Desk, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told what there is after a moment."""
    runner = running()
    stuck: Deferred[None] = Deferred()
    monkeypatch.setattr(ModuleRepository, "write", lambda *_, **__: stuck)
    desk.receive("one")
    caught_up = Deferred.fromCoroutine(runner.catch_up())
    desk.clock.advance(CATCH_UP - 0.01)
    assert not caught_up.called
    desk.clock.advance(0.02)
    assert caught_up.called


def test_stopping_while_it_is_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no failure of the module: nothing is tried again after the end."""

    def prepare_for_a_slow_disk(entries: Sequence[Entry], read: Read) -> Prepared:
        monkeypatch.setattr(Database, "run", lambda *_, **__: Deferred())
        return prepare(entries, read)

    runner = desk.runner(evolve(NOTES, prepare=prepare_for_a_slow_disk))
    runner.start()
    desk.receive("Hello")
    runner.stop()
    assert desk.clock.getDelayedCalls() == []
    assert runner.failure is None
