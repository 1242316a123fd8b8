"""Reading messages from the database: by cursor, after evictions, and for those who listen."""

import time

import pytest

from qabel.dropserver.message_values import Retention, Since, hash_drop_id
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.posting import Eviction, PostWriter
from qabel.dropserver.postgresql.reading import MessageReader
from qabel.dropserver.postgresql.schema import bring_up_to_date
from tests.dropserver.postgresql.test_posting import DROP, MANY, OTHER, posts


@pytest.fixture
def link(database: str) -> DatabaseLink:
    """Return a database with tables."""
    made = DatabaseLink(database, bring_up_to_date)
    with made.use():
        return made


def test_the_newest_may_have_gone(link: DatabaseLink) -> None:
    """A selection ends with what is there, and a cursor beyond it has nothing new."""
    writer = PostWriter(link)
    first = writer.store(posts(b"1"), [1], drop_quota=MANY).stamps[0]
    gone = writer.store(posts(b"2"), [2], drop_quota=MANY).stamps[0]
    writer.store(posts(b"3", drop=OTHER), [3], evictions=[Eviction(2, 1)], drop_quota=MANY)
    reader = MessageReader(link, Retention)
    found = reader.open(DROP, None, 5)
    assert found is not None
    assert (found[0].newest, found[0].counted, found[1]) == (first, (1, 1), [(first, b"1")])
    assert reader.open(DROP, Since(first), 5) is None
    assert reader.open(DROP, Since(gone), 5) is None
    assert reader.latest(DROP) == gone


def test_what_is_too_old(link: DatabaseLink) -> None:
    """After their lifetime messages are not read, though their partition is still there."""
    [stamp] = PostWriter(link).store(posts(b"1"), [1], drop_quota=MANY).stamps
    kept = Retention(lifetime=100)
    for later, there in ((90, True), (110, False)):
        reader = MessageReader(link, lambda: kept, now=lambda later=later: time.time() + later)
        assert (reader.open(DROP, None, 1) is not None) == there
        assert bool(reader.read(DROP, 0, stamp, 1)) == there


def test_drops_that_are_listened_to(link: DatabaseLink) -> None:
    """For each drop there is what is newer than its stamp, in order, up to a limit."""
    given = [*posts(b"1", b"2", b"3"), *posts(b"4", drop=OTHER)]
    stamps = PostWriter(link).store(given, [1] * 4, drop_quota=MANY).stamps
    places = hash_drop_id(DROP), hash_drop_id(OTHER)
    reader = MessageReader(link, Retention)
    found = reader.newer({places[0]: stamps[0], places[1]: 0}, 9)
    assert {each.body for each in found} == {b"2", b"3", b"4"}
    assert [each.stamp for each in found] == sorted(each.stamp for each in found)
    assert [each.body for each in reader.newer({places[0]: 0}, 2)] == [b"1", b"2"]
    assert reader.newer({hash_drop_id("c" * 43): 0}, 2) == []
    assert "body" not in repr(found[0])
