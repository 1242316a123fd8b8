"""Which drops were asked for: gathered in memory, and marked now and then."""

import pytest

from qabel.dropserver.message_values import Retention, hash_drop_id
from qabel.dropserver.postgresql.asking import AskedPlaces
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.posting import PostWriter
from qabel.dropserver.postgresql.reading import MessageReader
from qabel.dropserver.postgresql.schema import bring_up_to_date
from tests.dropserver.postgresql.test_posting import DROP, MANY, OTHER, posts


def marked(link: DatabaseLink) -> set[bytes]:
    """Return the drops that are marked."""
    with link.use() as connection:
        rows = connection.execute("SELECT place FROM drops WHERE is_asked").fetchall()
    return {place for (place,) in rows}


def test_who_reads_a_drop_asks_for_it(database: str) -> None:
    """A drop that was read is marked; others, and made-up ones, are not."""
    link = DatabaseLink(database, bring_up_to_date)
    given = [*posts(b"1"), *posts(b"2", drop=OTHER)]
    PostWriter(link).store(given, [1, 1], drop_quota=MANY)
    asked = AskedPlaces()
    reader = MessageReader(link, Retention, asked)
    reader.open(DROP, None, 1)
    reader.open("c" * 43, None, 1)
    assert marked(link) == set()
    assert not asked.store(link)
    assert marked(link) == {hash_drop_id(DROP)}
    assert not asked.store(link)


def test_many_are_marked_in_parts(database: str) -> None:
    """It says whether there are more."""
    link = DatabaseLink(database, bring_up_to_date)
    asked = AskedPlaces()
    asked.note(b"%020d" % number for number in range(1500))
    assert asked.store(link)
    assert not asked.store(link)


def test_nothing_is_forgotten_while_the_database_is_away(database: str) -> None:
    """What could not be marked is marked later."""
    link = DatabaseLink(database, bring_up_to_date)
    PostWriter(link).store(posts(b"1"), [1], drop_quota=MANY)
    asked = AskedPlaces()
    asked.note([hash_drop_id(DROP)])
    with pytest.raises(DatabaseAway):
        asked.store(DatabaseLink("postgresql:///x?host=/nowhere"))
    assert not asked.store(link)
    assert marked(link) == {hash_drop_id(DROP)}
