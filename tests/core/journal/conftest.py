"""A journal over entries in memory."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from qabel.contract.access import OneIdentity
from qabel.core.journal.cursor_marks import CursorMarks
from qabel.core.journal.journal import Journal
from qabel.store.journal.entries import JournalEntry


def one_identity(number: int) -> OneIdentity:
    """Return an identity with a key of its own."""
    return OneIdentity(number, bytes([number]) * 32)


class Entries:
    """Entries in memory, which count how often they are read."""

    def __init__(self) -> None:
        self.kept = [
            JournalEntry(number, "drop", b"{}", one_identity(1)) for number in range(1, 101)
        ]
        self.reads = 0
        self.is_broken = False
        self.held: Deferred | None = None

    def read(self, after: int, limit: int) -> "Deferred[list[JournalEntry]]":
        """Return entries after a number; later, if the test holds them back."""
        self.reads += 1
        if self.held is not None:
            self.held.addCallback(lambda _: [e for e in self.kept if e.seq > after][:limit])
            return self.held
        if self.is_broken:
            return fail(OSError("disk"))
        return succeed([each for each in self.kept if each.seq > after][:limit])


class Written:
    """A journal that begins with entry 100, and what is written into it."""

    def __init__(self) -> None:
        self.entries = Entries()
        self.clock = Clock()
        self.journal = Journal(
            entries=self.entries,
            clock=self.clock,
            marks=CursorMarks((), "abc", 0),
            last_seq=100,
            floor=0,
        )

    def add(
        self, kind: str = "drop", identity: int | None = 1, token_id: int | None = None
    ) -> None:
        """Commit one entry."""
        seq = self.journal.last_seq + 1
        self.entries.kept.append(
            JournalEntry(seq, kind, b"{}", identity and one_identity(identity), token_id)
        )
        self.journal.advance(seq)

    def pump(self) -> None:
        """Let everybody be told."""
        self.clock.pump([0] * 100)


@pytest.fixture
def written() -> Written:
    """Return a journal with nothing new."""
    return Written()


@pytest.fixture
def got():
    """Return what takes the result out of a Deferred that has one."""

    def take(deferred: Deferred) -> object:
        results: list[object] = []
        deferred.addCallback(results.append)
        assert results, "it has no result yet"
        return results[0]

    return take
