"""Followers: each at its own pace, nothing missed, nothing twice, and told of what is gone."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from qabel.contract.access import Access, OneIdentity
from qabel.core.errors import Gone
from qabel.core.journal.follower import Followers
from qabel.core.journal.journal import RING_SIZE
from tests.core.journal.conftest import one_identity


@pytest.fixture
def followers(written) -> Followers:
    """Return the followers of everything."""
    return Followers(written.journal)


def more(follower) -> Deferred:
    """Ask a follower for more."""
    return Deferred.fromCoroutine(follower.next(70))


def give_up(waiting) -> None:
    """Cancel what somebody waits for."""
    waiting.addErrback(lambda failure: failure.trap(CancelledError) and None)
    waiting.cancel()


def test_many_share_one_reading(written, followers, got) -> None:
    """A thousand followers that wait cost one look at the disk."""
    waiting = [more(followers.follow(None)) for _ in range(1000)]
    written.add()
    assert not waiting[-1].called
    written.pump()
    assert {got(each)[0].seq for each in waiting} == {101}
    assert written.entries.reads == 1


def test_thousands_wait_for_one_reading(written, followers, got) -> None:
    """However many wait for the disk, and some give up, the others are told."""
    waiting = [more(followers.follow(None)) for _ in range(2000)]
    written.entries.held = Deferred()
    written.add()
    for each in waiting[::2]:
        give_up(each)
    held, written.entries.held = written.entries.held, None
    held.callback(None)
    give_up(waiting[-1])
    written.pump()
    assert {got(each)[0].seq for each in waiting[1:-1:2]} == {101}
    assert written.entries.reads == 1


def test_away_for_long(written, followers, got) -> None:
    """A follower from long ago sees everything, in order and once."""
    follower = followers.follow("abc.10")
    for _ in range(3 * RING_SIZE):
        written.add()
    seen: list[int] = []
    while not seen or seen[-1] < written.journal.last_seq:
        seen += [entry.seq for entry in got(more(follower))]
    assert seen == list(range(11, 101 + 3 * RING_SIZE))


def test_narrowed(written, followers, got) -> None:
    """A follower passes over what it did not ask for, and its cursor moves on."""
    follower = followers.follow(None, kinds=frozenset({"settings"}))
    waiting = more(follower)
    written.add()
    assert not waiting.called
    assert follower.cursor == "abc.101"
    written.add("settings", None)
    assert [each.seq for each in got(waiting)] == [102]


def test_one_identity(written, followers, got) -> None:
    """Who is restricted to one identity hears of what is about it, and of nothing else."""
    access = Access(frozenset({"read"}), one_identity(7), 3)
    waiting = more(followers.seen_by(access).follow(None))
    written.add("drop", 1)
    written.add("outbox", 1)
    written.add("settings", None)
    assert not waiting.called
    written.add("outbox", 7)
    assert [each.seq for each in got(waiting)] == [104]


def test_another_identity_with_the_same_id(written, followers, got) -> None:
    """An identity that comes to the same number is another one: nothing of it is told."""
    access = Access(frozenset({"read"}), OneIdentity(7, b"another key"), 3)
    waiting = more(followers.seen_by(access).follow(None))
    written.add("drop", 7)
    assert not waiting.called
    give_up(waiting)


def test_own_sends(written, followers, got) -> None:
    """Who may only send hears of what was sent with the same token; readers and admins of all."""
    heard = {}
    for scope in ("send", "read", "admin"):
        access = Access(frozenset({scope}), None, 3)
        heard[scope] = followers.seen_by(access).follow(None, kinds=frozenset({"outbox"}))
    for token_id in (None, 2, 3):
        written.add("outbox", 1, token_id)
    seqs = {scope: [each.seq for each in got(more(follower))] for scope, follower in heard.items()}
    assert seqs == {"send": [103], "read": [101, 102, 103], "admin": [101, 102, 103]}


def test_failure_loses_nothing(written, followers, got) -> None:
    """A disk that fails for a while moves no follower: it goes on where it was."""
    follower = followers.follow(None)
    failed: list[object] = []
    more(follower).addErrback(failed.append)
    written.entries.is_broken = True
    written.add()
    assert failed[0].check(OSError)
    assert follower.cursor == "abc.100"
    written.entries.is_broken = False
    assert [each.seq for each in got(more(follower))] == [101]


def test_deleted_entries(written, followers, got) -> None:
    """Numbers of messages that were deleted hold up nobody."""
    follower = followers.follow("abc.90")
    del written.entries.kept[90:]
    waiting = more(follower)
    assert not waiting.called
    written.add()
    assert [each.seq for each in got(waiting)] == [101]


def test_events_past_their_time(written, followers) -> None:
    """Who was away for longer than events are kept is told; messages are there still."""
    written.journal.forget(50)
    with pytest.raises(Gone) as raised:
        followers.follow("abc.49")
    assert raised.value.oldest == "abc.50"
    followers.follow("abc.50")
    followers.follow("abc.49", kinds=frozenset({"drop"}))


def test_at_once(written, followers, got) -> None:
    """What is in memory can be taken without waiting; what is not has to be waited for."""
    follower, late = followers.follow(None), followers.follow("abc.10")
    assert follower.take(10) == []
    waiting = written.journal.more()
    written.add()
    got(waiting)
    assert [each.seq for each in follower.take(10)] == [101]
    assert late.take(10) is None


def test_close_wakes(written, followers, got) -> None:
    """A follower that is closed returns nothing more, and leaves nothing behind."""
    follower = followers.follow(None)
    waiting = more(follower)
    follower.close()
    assert got(waiting) == []
    assert written.journal._hungry == []
