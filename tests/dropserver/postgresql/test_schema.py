"""The tables in PostgreSQL: created once, brought up to date, refused if they are not ours."""

from collections.abc import Iterator
from threading import Thread

import pytest

from qabel.dropserver.postgresql import schema
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.schema import (
    DAY,
    DAYS_AHEAD,
    LOCK,
    VERSION,
    add_partitions,
    bring_up_to_date,
    check_version,
    partitions,
)
from qabel.host.start_errors import StartError
from tests.dropserver.postgresql.cluster import USER, Cluster


@pytest.fixture
def link(database: str) -> Iterator[DatabaseLink]:
    """Return a link to an empty database."""
    made = DatabaseLink(database)
    yield made
    made.close()


def days(link: DatabaseLink) -> list[int]:
    """Return the days of the partitions, counted from today."""
    with link.use() as connection:
        (today,) = connection.execute("SELECT stamp_day(now_stamp())").fetchone() or (0,)
        return [day - today for _, day in partitions(connection)]


def run(link: DatabaseLink, *statements: str) -> None:
    """Execute statements."""
    with link.use() as connection:
        for each in statements:
            connection.execute(each)


def refusal(link: DatabaseLink) -> str:
    """Return why a database cannot be used, after making sure that nothing was changed."""
    with link.use() as connection:
        tables = "SELECT count(*) FROM pg_class"
        before = connection.execute(tables).fetchone()
        with pytest.raises(StartError) as caught:
            bring_up_to_date(connection)
        assert connection.execute(tables).fetchone() == before
    return str(caught.value)


def test_an_empty_database_gets_tables(link: DatabaseLink) -> None:
    """They are created with partitions from yesterday on; a second time nothing happens."""
    with link.use() as connection:
        assert not check_version(connection)
        bring_up_to_date(connection)
        assert check_version(connection)
        bring_up_to_date(connection)
    assert days(link) == list(range(-1, DAYS_AHEAD + 1))


def test_two_at_the_same_time(database: str) -> None:
    """Of several front ends that start together, one creates the tables, and all can use them."""
    links = [DatabaseLink(database, bring_up_to_date) for _ in range(4)]
    failures: list[DatabaseAway] = []

    def use(link: DatabaseLink) -> None:
        try:
            with link.use() as connection:
                connection.execute("SELECT FROM message")
        except DatabaseAway as error:
            failures.append(error)

    threads = [Thread(target=use, args=(each,)) for each in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert days(links[0]) == list(range(-1, DAYS_AHEAD + 1))
    for each in links:
        each.close()


def test_partitions_have_what_the_table_has(link: DatabaseLink) -> None:
    """Each partition has both indexes, the key with the source, and bodies within its rows."""
    with link.use() as connection:
        bring_up_to_date(connection)
        for name, _ in partitions(connection):
            rows = connection.execute(
                "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
                (name,),
            ).fetchall()
            forms = sorted(text.partition(" btree ")[2] for (text,) in rows)
            assert forms == ["(place, stamp) INCLUDE (source)", "(source, stamp)"]
            storage = connection.execute(
                "SELECT attstorage FROM pg_attribute WHERE attname = 'body'"
                " AND attrelid = %s::regclass",
                (name,),
            ).fetchone()
            assert storage == ("p",)


def test_other_days(link: DatabaseLink) -> None:
    """Partitions are added for other days, too, and each stamp finds the one of its day."""
    with link.use() as connection:
        bring_up_to_date(connection)
        with connection.transaction():
            add_partitions(connection, [50_000, 3])
        with connection.transaction():
            add_partitions(connection, [50_000])
        for stamp in (3 * DAY, 4 * DAY - 1, 50_000 * DAY):
            connection.execute("INSERT INTO message VALUES ('a', %s, 1, 'b')", (stamp,))
        found = connection.execute(
            "SELECT tableoid::regclass::text, stamp_day(stamp) FROM message ORDER BY stamp"
        ).fetchall()
        assert found == [("message_3", 3), ("message_3", 3), ("message_50000", 50_000)]
        there = [day for _, day in partitions(connection)]
        assert {3, 50_000} < set(there)


def test_partitions_are_added_while_messages_are_stored(link: DatabaseLink, database: str) -> None:
    """Neither waits for the other."""
    with link.use() as connection:
        bring_up_to_date(connection)
    other = DatabaseLink(database)
    with link.transaction() as storing:
        storing.execute("INSERT INTO message VALUES ('a', now_stamp(), 1, 'b')")
        with other.transaction() as adding:
            adding.execute("SET LOCAL lock_timeout = '1s'")
            add_partitions(adding, [50_000])
            storing.execute("INSERT INTO message VALUES ('a', now_stamp(), 1, 'b')")
    other.close()


def test_the_lock_is_waited_for(link: DatabaseLink, database: str) -> None:
    """Whoever creates tables has a lock; it is not taken by anything else."""
    other = DatabaseLink(database)
    with other.transaction() as holding:
        holding.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        run(link, "SET lock_timeout = '50ms'")
        with pytest.raises(DatabaseAway, match="lock timeout"), link.use() as connection:
            bring_up_to_date(connection)
    other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE message (number integer)",
        "CREATE TABLE usage (number integer)",
        "CREATE VIEW held AS SELECT 1",
        "CREATE TABLE server (name text)",
        "CREATE FUNCTION charge(size integer) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ],
)
def test_a_database_of_another_program(link: DatabaseLink, statement: str) -> None:
    """It is refused, and stays as it is."""
    run(link, statement)
    assert "of another program" in refusal(link)


def test_a_newer_version(link: DatabaseLink) -> None:
    """A database that a newer version has changed is refused, with both versions."""
    with link.use() as connection:
        bring_up_to_date(connection)
        connection.execute("INSERT INTO server VALUES (1, %s, 1, 1, 1, 256)", (VERSION + 1,))
    assert f"schema version {VERSION + 1}" in refusal(link)


def test_an_older_server(link: DatabaseLink, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PostgreSQL that lacks what is needed is refused."""
    monkeypatch.setattr(schema, "OLDEST_SERVER", 990_000)
    assert "PostgreSQL 99 or later is needed, not 1" in refusal(link)


def test_a_user_who_may_not(cluster: Cluster, link: DatabaseLink, database: str) -> None:
    """A user who does not own the database, or its tables, is told so."""
    run(link, "CREATE ROLE stranger LOGIN")
    try:
        stranger = DatabaseLink(database.replace(USER, "stranger", 1))
        assert "must own the database" in refusal(stranger)
        with link.use() as connection:
            bring_up_to_date(connection)
        assert "permission denied" in refusal(stranger)
        run(link, "GRANT SELECT ON server TO stranger")
        with link.use() as connection:
            *_, (name, _) = partitions(connection)
            connection.execute(f"DROP TABLE {name}")
        assert "permission denied" in refusal(stranger)
        stranger.close()
    finally:
        run(link, "DROP OWNED BY stranger", "DROP ROLE stranger")
