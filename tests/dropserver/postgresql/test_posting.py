"""Storing messages in PostgreSQL: the order of stamps, and commits that are not answered."""

from collections.abc import Sequence
from threading import Thread, Timer

import pytest

from qabel.dropserver.message_values import MESSAGE_SIZE, Post, Retention, charge
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.posting import DropsFull, Eviction, PostWriter
from qabel.dropserver.postgresql.reading import MessageReader
from qabel.dropserver.postgresql.schema import DAY, bring_up_to_date

DROP, OTHER = "a" * 43, "b" * 43

MANY = 1_000_000


@pytest.fixture
def link(database: str) -> DatabaseLink:
    """Return a link to a database with tables."""
    made = DatabaseLink(database, bring_up_to_date)
    with made.use():
        return made


def stored(link: DatabaseLink, drop: str = DROP) -> list[bytes]:
    """Read a drop."""
    found = MessageReader(link, Retention).open(drop, None, MANY)
    return [] if found is None else [body for _, body in found[1]]


def posts(*bodies: bytes, drop: str = DROP) -> Sequence[Post]:
    """Return messages for a drop."""
    return [Post(drop, body) for body in bodies]


def test_a_reader_sees_all_of_eight_writers(database: str, link: DatabaseLink) -> None:
    """Whoever goes on from the last stamp that they saw misses nothing of what others write."""
    rounds, writers = 40, 8
    seen: list[bytes] = []
    writing: list[Thread] = []

    def write(writer: int) -> None:
        own = DatabaseLink(database)
        for number in range(rounds):
            bodies = [b"%d-%d-%d" % (writer, number, each) for each in range(1 + number % 5)]
            given = [*posts(*bodies), *posts(b"x", drop=OTHER)]
            PostWriter(own).store(given, [writer] * len(given), drop_quota=MANY)
        own.close()

    def read() -> None:
        own, after = DatabaseLink(database), 0
        with own.use() as connection:
            while True:
                was_last = not any(each.is_alive() for each in writing)
                rows = connection.execute(
                    "SELECT stamp, body FROM message WHERE place = %s AND stamp > %s"
                    " ORDER BY stamp LIMIT 50",
                    (Post(DROP, b"x").place, after),
                ).fetchall()
                seen.extend(body for _, body in rows)
                after = rows[-1][0] if rows else after
                if was_last and not rows:
                    break
        own.close()

    writing += [Thread(target=write, args=(each,)) for each in range(writers)]
    for each in writing:
        each.start()
    reader = Thread(target=read)
    reader.start()
    for each in (*writing, reader):
        each.join()
    expected = writers * sum(1 + number % 5 for number in range(rounds))
    assert len(seen) == len(set(seen)) == expected
    assert len(stored(link, OTHER)) == writers * rounds


def test_stamps_come_in_the_order_of_the_messages(link: DatabaseLink) -> None:
    """Each message gets its own stamp, and those of a drop rise in the order in which they came."""
    given = [*posts(b"1", b"2"), *posts(b"3", drop=OTHER), *posts(b"4")]
    done = PostWriter(link).store(given, [1] * 4, drop_quota=MANY)
    first, second, _, fourth = done.stamps
    assert first < second < fourth
    assert stored(link) == [b"1", b"2", b"4"]
    assert stored(link, OTHER) == [b"3"]


def test_a_clock_that_goes_back(link: DatabaseLink) -> None:
    """Stamps rise whatever the clock does, and a partition is made where there is none."""
    PostWriter(link).store(posts(b"1"), [1], drop_quota=MANY)
    with link.use() as connection:
        connection.execute("UPDATE drops SET latest = latest + %s", (40 * DAY,))
    PostWriter(link).store(posts(b"2"), [1], drop_quota=MANY)
    PostWriter(link).store(posts(b"3"), [1], drop_quota=MANY)
    assert stored(link) == [b"1", b"2", b"3"]


def test_a_commit_that_is_not_answered(link: DatabaseLink) -> None:
    """A connection that ends during the commit is no reason to say that nothing was stored."""
    with link.use() as connection:
        connection.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END$$;"
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON message"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    cut = Timer(0.2, link.cut)
    cut.start()
    done = PostWriter(link).store(posts(b"1"), [1], drop_quota=MANY)
    cut.join()
    assert len(done.stamps) == 1
    assert stored(link) == [b"1"]


def test_a_full_drop_takes_nothing(link: DatabaseLink) -> None:
    """With more messages than a drop may have, nothing is stored, of other drops neither."""
    writer = PostWriter(link)
    writer.store(posts(b"1", b"2"), [1, 1], drop_quota=2)
    with pytest.raises(DropsFull) as caught:
        writer.store([*posts(b"3"), *posts(b"4", drop=OTHER)], [1, 1], drop_quota=2)
    assert caught.value.places == {Post(DROP, b"").place}
    assert stored(link) == [b"1", b"2"]
    assert stored(link, OTHER) == []


def test_the_newest_of_a_source_go(link: DatabaseLink) -> None:
    """An eviction takes the newest messages of a source, and the sums follow."""
    writer = PostWriter(link)
    writer.store(posts(b"1", b"2", b"3", b"4"), [7, 7, 8, 7], drop_quota=MANY)
    done = writer.store(posts(b"5"), [9], evictions=[Eviction(7, 2)], drop_quota=MANY)
    assert done.evicted == [2]
    assert stored(link) == [b"1", b"3", b"5"]
    with link.use() as connection:
        held = dict(
            connection.execute("SELECT source, sum(messages) FROM held GROUP BY 1").fetchall()
        )
    assert held == {7: 1, 8: 1, 9: 1}


def test_the_charge_is_the_same_in_both(link: DatabaseLink) -> None:
    """The database charges messages as the program does."""
    with link.use() as connection:
        for size in (1, MESSAGE_SIZE, 2573):
            assert connection.execute("SELECT charge(%s)", (size,)).fetchone() == (charge(size),)
