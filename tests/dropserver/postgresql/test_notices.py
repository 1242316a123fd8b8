"""What front ends tell each other: all of it, in short notices, also after a lost connection."""

import os
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.postgresql import link as links
from qabel.dropserver.postgresql import notices
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.notices import (
    CHANNEL,
    PREFIX_SIZE,
    Notices,
    decode_notice,
    encode_notices,
)
from tests.integration.processes import DEADLINE, wait_until

LONGEST = 8000
"""Bytes that a notice must be shorter than."""

places = st.binary(min_size=20, max_size=20)


@given(st.sets(places, max_size=50), st.integers(0, 3000))
def test_notices_are_short_and_say_all(given_places: set[bytes], more: int) -> None:
    """However many drops there are, each is in one notice that the database accepts."""
    all_of_them = given_places | {number.to_bytes(2) * 10 for number in range(more)}
    texts = encode_notices(all_of_them)
    assert all(0 < len(text.encode()) < LONGEST for text in texts)
    assert len(texts) == -(-len({each[:PREFIX_SIZE] for each in all_of_them}) // 700)
    found = [decode_notice(text) for text in texts]
    assert set().union(*found) == {each[:PREFIX_SIZE] for each in all_of_them}
    assert sum(map(len, found)) == len(set().union(*found))


@given(st.text())
def test_what_others_send_is_no_harm(text: str) -> None:
    """Whatever a notice has, it is read."""
    assert all(len(each) <= PREFIX_SIZE for each in decode_notice(text))


@define(eq=False)
class Reactor:
    """Takes what the threads hand over."""

    def callFromThread(self, call: Callable[..., object], *arguments: Any) -> None:
        """Call it, on the thread: it only puts something into a queue."""
        call(*arguments)


@define(eq=False)
class Ear:
    """One front end, with what it hears."""

    url: str
    notices: Notices = field(init=False)
    heard: "SimpleQueue[set[bytes]]" = field(factory=SimpleQueue)
    changes: "SimpleQueue[bool]" = field(factory=SimpleQueue)

    def __attrs_post_init__(self) -> None:
        self.notices = Notices(self.url, Reactor())  # type: ignore[arg-type]
        self.notices.start(on_news=self.heard.put, on_listening=self.changes.put)
        assert self.changes.get(timeout=DEADLINE)

    def hears(self, drops: set[bytes]) -> int:
        """Wait until all of some drops were heard; return in how many notices."""
        missing, count = {each[:PREFIX_SIZE] for each in drops}, 0
        while missing:
            missing -= self.heard.get(timeout=DEADLINE)
            count += 1
        return count

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing more was heard."""
        return self.heard.empty()


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_RETRY_INTERVAL", 0.02)
    monkeypatch.setattr(notices, "_LOOK_INTERVAL", 0.1)
    monkeypatch.setattr(links, "RETRY_INTERVAL", 0.02)


@pytest.fixture
def pair(database: str) -> Iterator[tuple[Ear, Ear]]:
    """Return two front ends that hear each other."""
    one, two = Ear(database), Ear(database)
    yield one, two
    for each in (one, two):
        each.notices.close()


def some(count: int) -> set[bytes]:
    """Return hashes of drops."""
    return {os.urandom(20) for _ in range(count)}


def run(url: str, statement: str) -> int:
    """Execute a statement, on a connection of its own; return how many rows it has."""
    link = DatabaseLink(url)
    with link.use() as connection:
        count = connection.execute(statement).rowcount
    link.close()
    return count


def test_others_hear_it(pair: tuple[Ear, Ear]) -> None:
    """What one tells, the others hear, and not itself; what is no notice is ignored."""
    one, two = pair
    drops = some(3)
    run(one.url, f"NOTIFY {CHANNEL}, 'something else'")
    run(one.url, "NOTIFY another_channel, 'AAAAAAAAAAA='")
    one.notices.announce(drops)
    assert two.hears(drops) == 1
    back = some(1)
    two.notices.announce(back)
    one.hears(back)
    assert one.is_quiet
    assert two.is_quiet


def test_many_drops_at_once(pair: tuple[Ear, Ear]) -> None:
    """What is told in some milliseconds goes into few notices."""
    one, two = pair
    drops = some(2000)
    for each in drops:
        one.notices.announce({each})
    one.notices.announce(set())
    assert two.hears(drops) <= 6


def test_none_is_lost_in_between(pair: tuple[Ear, Ear], monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes while it is seen whether the connection lives is heard, too."""
    monkeypatch.setattr(notices, "_LOOK_INTERVAL", 0.0)
    _, two = pair
    drops = sorted(some(300))
    link = DatabaseLink(two.url)
    for each in drops:
        with link.use() as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, encode_notices([each])[0]))
    link.close()
    assert two.hears(set(drops)) == 300


@define(frozen=True)
class Refusing:
    """A database to which nobody can connect anew for a while."""

    url: str

    @property
    def name(self) -> str:
        """The name of the database."""
        return self.url.rpartition("/")[2].partition("?")[0]

    def allow(self, *, allowed: bool) -> None:
        """Let others connect, or not."""
        other = self.url.replace(self.name, "postgres", 1)
        run(other, f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {allowed}")

    def end(self, which: str) -> int:
        """End some connections; return how many."""
        return run(
            self.url.replace(self.name, "postgres", 1),
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{self.name}' AND query LIKE '{which}'",
        )


def test_who_cannot_tell_tells_later(pair: tuple[Ear, Ear], database: str) -> None:
    """What was to be told while there was no connection is told once there is one."""
    one, two = pair
    drops = some(1)
    one.notices.announce(drops)
    two.hears(drops)
    refusing = Refusing(database)
    refusing.allow(allowed=False)
    assert refusing.end("%pg_notify%") == 1
    first, second = some(1), some(900)
    one.notices.announce(first)
    with pytest.raises(Empty):
        two.heard.get(timeout=0.2)
    one.notices.announce(second)
    refusing.allow(allowed=True)
    two.hears(first | second)


def test_who_cannot_hear_says_so(pair: tuple[Ear, Ear], database: str) -> None:
    """A lost connection is noticed, and that there is one again."""
    one, two = pair
    refusing = Refusing(database)
    refusing.allow(allowed=False)
    assert refusing.end("%") == 2
    for each in pair:
        assert not each.changes.get(timeout=DEADLINE)
    assert one.changes.empty()
    refusing.allow(allowed=True)
    for each in pair:
        assert each.changes.get(timeout=DEADLINE)
    drops = some(1)
    one.notices.announce(drops)
    two.hears(drops)


def test_the_last_is_told(pair: tuple[Ear, Ear]) -> None:
    """What was to be told when a front end ends is told first; then its threads end."""
    one, two = pair
    before = set(threading.enumerate())
    ear = Ear(one.url)
    own = set(threading.enumerate()) - before
    assert len(own) == 2
    drops = some(900)
    ear.notices.announce(drops)
    last = some(2)
    ear.notices.announce(last)
    told: SimpleQueue[object] = SimpleQueue()
    ear.notices.close().addCallback(told.put)
    told.get(timeout=DEADLINE)
    two.hears(drops | last)
    wait_until(lambda: not own & set(threading.enumerate()) or None, "the threads")


def test_an_end_without_a_beginning(database: str) -> None:
    """What was never started is closed at once."""
    made = Notices(database, Reactor())  # type: ignore[arg-type]
    assert made.close().called


def test_an_end_without_a_database(pair: tuple[Ear, Ear], database: str) -> None:
    """Without anybody to tell, it does not go on for ever."""
    one, _ = pair
    refusing = Refusing(database)
    refusing.allow(allowed=False)
    one.notices.announce(some(1))
    told: SimpleQueue[object] = SimpleQueue()
    one.notices.close().addCallback(told.put)
    told.get(timeout=DEADLINE)
