"""What is found in a database by looking at it."""

import pytest

from qabel.dropserver.message_values import charge
from qabel.dropserver.postgresql.inspecting import inspect_database
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.posting import PostWriter
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.host.start_errors import StartError
from tests.dropserver.postgresql.test_posting import DROP, MANY, OTHER, posts


def test_what_is_there_is_counted(database: str) -> None:
    """Messages, drops, what they are charged, and how much the tables take."""
    link = DatabaseLink(database, bring_up_to_date)
    given = [*posts(b"1", b"2"), *posts(b"3", drop=OTHER)]
    PostWriter(link).store(given, [1, 1, 1], drop_quota=MANY)
    found = inspect_database(database)
    assert (found.messages, found.drops, found.charged) == (3, 2, 3 * charge(1))
    assert found.size > 0
    assert found.free is None
    assert found.oldest is not None
    assert found.newest is not None
    assert found.oldest <= found.newest
    assert DROP != OTHER


def test_what_no_server_can_use(database: str) -> None:
    """An empty database, one without partitions for today, and one that is away."""
    with pytest.raises(StartError, match="is empty: no drop server has used it"):
        inspect_database(database)
    link = DatabaseLink(database)
    with link.use() as connection:
        bring_up_to_date(connection)
        for (name,) in connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message'::regclass"
        ).fetchall():
            connection.execute(f"DROP TABLE {name}")
    with pytest.raises(StartError, match="no partitions for today"):
        inspect_database(database)
    with pytest.raises(StartError, match="cannot use the database"):
        inspect_database("postgresql:///x?host=/nowhere")
