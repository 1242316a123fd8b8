"""A module reads the journal: each entry counts once, and what is at fault is set aside."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.module_reader import ModuleReader
from qabel.modules.reading import Batch
from qabel.store.modules.progress import ModuleRepository
from tests.modules.conftest import Desk


def opened(desk: Desk) -> ModuleReader:
    """Return a reader that is open."""
    reader = desk.reader()
    result_of(Deferred.fromCoroutine(reader.open(rebuild=False)))
    return reader


def read_on(reader: ModuleReader, size: int) -> Batch:
    """Have a reader deal with the next entries."""
    return result_of(Deferred.fromCoroutine(reader.read_on(size)))


def test_how_far_it_is(desk: Desk) -> None:
    """It knows what it has dealt with, and whether there may be more."""
    reader = opened(desk)
    assert reader.done == 1
    first = desk.receive("one", "two", "three")[0]
    assert (reader.done < 1, reader.seen) == (True, 0)
    assert read_on(reader, 2).span.count == 2
    assert desk.notes() == ["one", "two"]
    assert reader.progress.place.seq == first + 1
    assert reader.done < 1
    read_on(reader, 5)
    assert desk.notes() == ["one", "two", "three"]
    # Its own events have come since: they are no news to it.
    assert desk.journal.last_seq > first + 2
    assert (reader.done, reader.seen) == (1, desk.journal.last_seq)


def test_two_readers_do_not_count_an_entry_twice(desk: Desk) -> None:
    """What another one has stored meanwhile is found, and nothing is stored again."""
    one, other = opened(desk), opened(desk)
    desk.receive("one")
    read_on(one, 5)
    read_on(other, 5)
    assert desk.notes() == ["one"]
    assert other.progress.place == one.progress.place


def test_what_it_raises_is_an_error_of_the_batch(desk: Desk) -> None:
    """Nothing of the batch is stored, until the entry at fault is set aside."""
    reader = opened(desk)
    desk.receive("one", "raise")
    batch = read_on(reader, 5)
    assert batch.error is not None
    assert "a secret" not in batch.error
    assert desk.notes() == []
    read_on(reader, 1)
    batch = read_on(reader, 1)
    result_of(Deferred.fromCoroutine(reader.set_aside(batch)))
    assert reader.progress.set_aside == 1
    desk.receive("two")
    read_on(reader, 5)
    assert desk.notes() == ["one", "two"]
    result_of(Deferred.fromCoroutine(reader.try_again()))
    assert reader.progress.set_aside == 1


def test_others_are_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says whether somebody else needed the database while something was stored."""
    reader = opened(desk)
    desk.receive("one", "two")
    assert not read_on(reader, 1).have_others_waited
    write = ModuleRepository.write

    def write_among_others(repository: ModuleRepository, *args: Any, **more: Any) -> Any:
        desk.database.run(lambda _: None)
        return write(repository, *args, **more)

    monkeypatch.setattr(ModuleRepository, "write", write_among_others)
    assert read_on(reader, 1).have_others_waited
