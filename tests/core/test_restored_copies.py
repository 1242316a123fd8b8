"""Data directories that were copied, run on, and put back: no reader misses anything unnoticed."""

import shutil
from collections.abc import Callable

import pytest

from qabel.core.errors import Gone
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.service import CoreService
from qabel.store.file_names import DATABASE
from tests.core.conftest import ClockedWorld

People = tuple[CoreService, CoreService]


@pytest.fixture
def people(clocked: ClockedWorld) -> People:
    """Return Alice and Bob, who has received a message."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "before"))
    clocked.run(clocked.heard(bob))
    return alice, bob


def stop(clocked: ClockedWorld, core: CoreService) -> None:
    """Stop one core."""
    clocked.cores.remove(core)
    clocked.run(core.close())


def restarted(clocked: ClockedWorld) -> CoreService:
    """Start Bob's core again."""
    return clocked.run(clocked.core("Bob"))


def hear(clocked: ClockedWorld, alice: CoreService, bob: CoreService, count: int) -> None:
    """Let Bob receive some messages."""
    for number in range(count):
        clocked.run(clocked.say(alice, str(number)))
    clocked.run(clocked.heard(bob, consumer="other"))


def newest(clocked: ClockedWorld, bob: CoreService) -> int:
    """Return the id of Bob's newest message."""
    return int(clocked.run(clocked.heard(bob, since="0"))[-1]["id"])


def rejected(clocked: ClockedWorld, bob: CoreService, cursor: str) -> bool:
    """Return whether a cursor is rejected, in all its uses."""
    uses = (
        lambda: clocked.run(clocked.heard(bob, since=cursor)),
        lambda: clocked.run(bob.inbox.acknowledge(MessageQuery(consumer="x"), cursor)),
        lambda: bob.events.follow(cursor),
        lambda: bob.journal.parse(cursor),
    )
    [found] = {oldest_after(use) for use in uses}
    return found == "0"


def oldest_after(use: Callable[[], object]) -> str | None:
    """Return the cursor to start again from; None if the one that was used is valid."""
    try:
        use()
    except Gone as error:
        return error.oldest
    return None


def test_a_cold_copy(clocked: ClockedWorld, people: People) -> None:
    """A cursor of what the copy does not know is rejected; one from before it is not."""
    alice, bob = people
    data, copy = clocked.folder / "Bob", clocked.folder / "copy"
    before = bob.journal.newest
    stop(clocked, bob)
    shutil.copytree(data, copy)
    bob = restarted(clocked)
    hear(clocked, alice, bob, 5)
    lost = bob.journal.newest
    assert not rejected(clocked, bob, lost)
    stop(clocked, bob)
    shutil.rmtree(data)
    copy.rename(data)
    bob = restarted(clocked)
    hear(clocked, alice, bob, 12)
    assert int(lost.partition(".")[2]) <= newest(clocked, bob)
    assert rejected(clocked, bob, lost)
    assert not rejected(clocked, bob, before)


def test_a_backup(clocked: ClockedWorld, people: People) -> None:
    """After restoring a backup, the cursors given up to it are valid, and later ones are not."""
    alice, bob = people
    before = bob.journal.newest
    made = clocked.run(bob.backup("copy.db"))
    hear(clocked, alice, bob, 5)
    lost = bob.journal.newest
    stop(clocked, bob)
    shutil.move(made.path, clocked.folder / "Bob" / DATABASE)
    bob = restarted(clocked)
    hear(clocked, alice, bob, 12)
    assert rejected(clocked, bob, lost)
    assert not rejected(clocked, bob, before)


def test_restarts(clocked: ClockedWorld, people: People) -> None:
    """A restart rejects no cursor, and each cursor stays the same."""
    alice, bob = people
    given = [bob.journal.newest]
    for count in (0, 2, 0, 1):
        stop(clocked, bob)
        bob = restarted(clocked)
        assert bob.journal.parse(given[-1]) <= bob.journal.last_seq
        assert bob.journal.cursor(bob.journal.parse(given[-1])) == given[-1]
        hear(clocked, alice, bob, count)
        given.append(bob.journal.newest)
    assert not any(rejected(clocked, bob, each) for each in given)


def test_two_copies_that_are_run_on(clocked: ClockedWorld, people: People) -> None:
    """Two copies that are run on have different cursors for the same numbers."""
    _, bob = people
    stop(clocked, bob)
    for name in ("one", "other"):
        shutil.copytree(clocked.folder / "Bob", clocked.folder / name)
    cursors = []
    for name in ("one", "other"):
        core = clocked.run(clocked.core(name))
        clocked.run(core.local.set("poll_interval", 7))
        cursors.append(core.journal.newest.partition("."))
        stop(clocked, core)
    (one, _, number), (other, _, same) = cursors
    assert number == same
    assert one != other
