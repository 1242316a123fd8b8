"""The journal: cursors, what is held in memory, and who waits for more."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from qabel.contract.access import Access, OneIdentity
from qabel.core.errors import Gone
from qabel.core.journal.journal import Entry
from qabel.deferreds import BATCH_SIZE


def give_up(waiting) -> None:
    """Cancel what somebody waits for."""
    waiting.addErrback(lambda failure: failure.trap(CancelledError) and None)
    waiting.cancel()


def test_many_wait_for_a_change(written) -> None:
    """Those who wait for anything new are told a few in a turn, unless they gave up."""
    waiting = [written.journal.changed() for _ in range(2 * BATCH_SIZE)]
    give_up(waiting[0])
    written.add()
    assert sum(each.called for each in waiting) == BATCH_SIZE + 1
    give_up(next(each for each in waiting if not each.called))
    written.pump()
    assert all(each.called for each in waiting)


@pytest.mark.parametrize(
    "cursor", ["xyz.5", "abc.101", "abc.", "abc.-1", "abc.1.5", "5", "", "abc.٣"]
)
def test_foreign_cursors(written, cursor) -> None:
    """Cursors that this database did not give are gone: there is never a silent gap."""
    with pytest.raises(Gone) as raised:
        written.journal.parse(cursor)
    assert raised.value.oldest == "0"


def test_own_cursors(written) -> None:
    """The number of a cursor comes back; 0 is before the first entry of any database."""
    journal = written.journal
    assert (journal.parse("0"), journal.parse("abc.7"), journal.newest) == (0, 7, "abc.100")
    assert journal.parse(journal.cursor(42)) == 42


def test_memory_is_asked_first(written, got) -> None:
    """What is held in memory costs no reading; what is older does."""
    more = written.journal.more()
    written.add()
    got(more)
    reads = written.entries.reads
    assert [each.seq for each in written.journal.in_memory_after(100, 10)] == [101]
    assert written.journal.in_memory_after(101, 10) == []
    assert written.journal.in_memory_after(99, 10) is None
    assert written.entries.reads == reads


def test_what_is_deleted_leaves_memory(written, got) -> None:
    """After a deletion, what was held in memory is read from the disk again."""
    more = written.journal.more()
    written.add()
    got(more)
    written.entries.kept.pop()
    written.journal.read_again()
    assert written.journal.in_memory_after(100, 10) is None
    assert (written.journal.held, written.journal.in_memory_after(101, 10)) == (101, [])
    more = written.journal.more()
    written.add()
    got(more)
    assert [each.seq for each in written.journal.in_memory_after(101, 10)] == [102]


def test_what_is_deleted_while_it_is_read(written, got) -> None:
    """What was read before a deletion, and arrives after it, is not held: it is read again."""
    written.entries.held = stale = Deferred()
    more = written.journal.more()
    written.add("secret")
    written.add()
    deleted = written.entries.kept.pop(-2)
    written.journal.read_again()
    written.entries.held = None
    stale.callback(None)
    written.pump()
    got(more)
    assert deleted not in written.journal.in_memory_after(100, 10)
    assert written.entries.reads == 2


@pytest.mark.parametrize(
    ("stands_for", "about", "scopes", "is_seen"),
    [
        ("drop", OneIdentity(1, b""), {"read"}, True),
        ("drop", OneIdentity(2, b""), {"read"}, False),
        ("drop", None, {"read"}, True),
        ("drop", None, {"send"}, False),
        (None, None, {"send"}, True),
        (None, None, {"status"}, False),
    ],
)
def test_who_hears_of_damage(stands_for, about, scopes, is_seen) -> None:
    """A token for identity 1 hears of damage of what it may read, and of nobody else's."""
    entry = Entry(5, "abc.5", "damage", b"{}", about, stands_for=stands_for)
    access = Access(scopes=frozenset(scopes), identity=OneIdentity(1, b"key"))
    assert entry.is_for(access) is is_seen
