"""The keys of the days: the same for all front ends, and gone after their day."""

from collections.abc import Iterator

import pytest

from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.dropserver.postgresql.source_keys import SourceKeys, forget_keys
from qabel.host.http_server.sources import ONION

ADDRESS = bytes((192, 0, 2, 1))


@pytest.fixture
def links(database: str) -> Iterator[list[DatabaseLink]]:
    """Return links of two front ends to one database."""
    made = [DatabaseLink(database, bring_up_to_date) for _ in range(2)]
    yield made
    for each in made:
        each.close()


def refresh(keys: SourceKeys, link: DatabaseLink, day: int) -> int:
    """Have the key of a day; return the number of an address then."""
    with link.use() as connection:
        keys.refresh(connection, day)
    return keys.number(ADDRESS)


def test_all_front_ends_have_the_same(links: list[DatabaseLink]) -> None:
    """The first one draws the key of a day, each day another."""
    one, two = SourceKeys(), SourceKeys()
    first = refresh(one, links[0], 20_000)
    assert refresh(two, links[1], 20_000) == first
    second = refresh(two, links[1], 20_001)
    assert refresh(one, links[0], 20_001) == second
    assert second & (2**40 - 1) != first & (2**40 - 1)
    assert one.number(ONION) < 0


def test_a_day_is_asked_for_once(links: list[DatabaseLink]) -> None:
    """What is known is not read again, unless the connection is another one."""
    keys = SourceKeys()
    known = refresh(keys, links[0], 20_000)
    with links[1].use() as connection:
        connection.execute("TRUNCATE source_key")
    assert refresh(keys, links[0], 20_000) == known
    # As after a crash of the database, which empties the table.
    links[0].close()
    drawn = refresh(keys, links[0], 20_000)
    assert drawn != known
    assert refresh(SourceKeys(), links[1], 20_000) == drawn


def test_past_days_are_forgotten(links: list[DatabaseLink]) -> None:
    """The keys of a day and of those after it are kept as they are."""
    keys = SourceKeys()
    known = [refresh(keys, links[0], day) for day in (19_998, 19_999, 20_000, 20_001)]
    with links[1].use() as connection:
        for _ in range(2):
            forget_keys(connection, 20_000)
        days = connection.execute("SELECT day FROM source_key ORDER BY day").fetchall()
    assert days == [(20_000,), (20_001,)]
    assert [refresh(SourceKeys(), links[1], day) for day in (20_000, 20_001)] == known[2:]
    assert refresh(SourceKeys(), links[1], 19_999) != known[1]


def test_no_key_is_shown() -> None:
    """The repr of the keys has none."""
    assert repr(SourceKeys()).startswith("<")
