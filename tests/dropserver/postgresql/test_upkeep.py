"""Upkeep of the database: what goes, when, and that nobody waits for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from attrs import define

from qabel.dropserver.message_values import DAY as SECONDS
from qabel.dropserver.message_values import Post, Retention
from qabel.dropserver.postgresql import upkeep
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
from qabel.dropserver.postgresql.posting import Eviction, PostWriter
from qabel.dropserver.postgresql.reading import MessageReader
from qabel.dropserver.postgresql.schema import DAYS_AHEAD, bring_up_to_date, partitions
from qabel.dropserver.postgresql.upkeep import UPKEEP_LOCK, keep_up
from tests.dropserver.postgresql.cluster import Cluster
from tests.integration.processes import DEADLINE, wait_until

MANY = 1_000_000

WEEK = Retention(lifetime=7 * SECONDS)


@define(eq=False)
class Database:
    """A database with tables, in which days can be made to pass."""

    url: str
    link: DatabaseLink

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Execute a statement; return its rows."""
        with self.link.use() as connection:
            done = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []

    def one(self, statement: str, *values: object) -> object:
        """Return the first value of the first row."""
        return self.ask(statement, *values)[0][0]

    def go_to(self, day: float) -> None:
        """Set the clock, so many days from now, and have partitions there."""
        self.set_clock(day)
        with self.link.transaction() as connection:
            upkeep.add_partitions(connection)

    def set_clock(self, day: float) -> None:
        """Set the clock, so many days from now."""
        self.ask(
            "CREATE OR REPLACE FUNCTION now_stamp() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT"
            f" floor(extract(epoch FROM clock_timestamp() + interval ''{day} d'') * 1e6)::bigint'"
        )

    def post(self, *drops: str, source: int = 1) -> None:
        """Store a message in each of some drops."""
        posts = [Post(name * 43, b"body") for name in drops]
        PostWriter(self.link).store(posts, [source] * len(posts), drop_quota=MANY)

    def days(self) -> list[int]:
        """Return for which days there are partitions, counted from today."""
        with self.link.use() as connection:
            (today,) = connection.execute("SELECT stamp_day(now_stamp())").fetchone() or (0,)
            return [day - today for _, day in partitions(connection)]

    def tables(self) -> int:
        """Return how many tables there are for days, whether they are partitions or not."""
        found = self.one("SELECT count(*) FROM pg_class WHERE relname ~ '^message_[0-9]+$'")
        assert isinstance(found, int)
        return found

    def held(self, table: str = "held") -> list[tuple[object, ...]]:
        """Return what sources hold by the sums."""
        return self.ask(
            f"SELECT day, source, sum(messages)::bigint, sum(charged)::bigint FROM {table}"
            " GROUP BY 1, 2 HAVING sum(messages) <> 0 ORDER BY 1, 2"
        )

    def counted(self) -> list[tuple[object, ...]]:
        """Return what sources hold by a count of the messages."""
        return self.ask(
            "SELECT stamp_day(stamp), source, count(*), sum(charge(octet_length(body)))::bigint"
            " FROM message GROUP BY 1, 2 ORDER BY 1, 2"
        )

    @contextmanager
    def reader(self) -> Iterator[Callable[[], int]]:
        """Read for long, in one transaction; yield what counts the messages that it sees."""
        link = DatabaseLink(self.url)
        with link.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

            def count() -> int:
                row = connection.execute("SELECT count(*) FROM message").fetchone()
                return 0 if row is None else int(row[0])

            count()
            yield count
        link.close()


@pytest.fixture
def database(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Return a database with tables, and no patience."""
    monkeypatch.setattr(upkeep, "_LOCK_PATIENCE", "200ms")
    link = DatabaseLink(database, bring_up_to_date)
    yield Database(database, link)
    link.close()


def test_changes_are_summed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are added to the sums, however many there are; both say what there is."""
    monkeypatch.setattr(upkeep, "_FOLD_BATCH", 2)
    for source in (1, 2, 1, 3, 1):
        database.post("a", "b", source=source)
    assert database.held() == database.counted()
    assert keep_up(database.link, WEEK)
    assert database.ask("SELECT FROM usage_change") == []
    assert database.held("usage") == database.counted()
    writer = PostWriter(database.link)
    writer.store([Post("a" * 43, bytes(2500))], [2], evictions=[Eviction(1, 4)], drop_quota=MANY)
    assert database.held() == database.counted()
    assert keep_up(database.link, WEEK)
    assert database.held("usage") == database.counted()
    assert [messages for _, _, messages, _ in database.held()] == [2, 3, 2]


def test_old_days_go(database: Database) -> None:
    """What is older than its lifetime goes with its day and its sums; new days come."""
    for day in (-10, -9, -6, 0):
        database.go_to(day)
        database.post("a", "b", source=day + 20)
    before = database.counted()
    assert keep_up(database.link, WEEK)
    assert min(database.days()) == -7
    assert max(database.days()) == DAYS_AHEAD
    assert database.tables() == len(database.days())
    assert database.held() == database.counted() == before[2:]
    database.go_to(3)
    assert keep_up(database.link, WEEK)
    assert database.held() == database.counted() == before[3:]
    assert not keep_up_elsewhere(database)


def test_a_front_end_that_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait until all is done; another one, or the next, goes on."""
    monkeypatch.setattr(upkeep, "_FOLD_BATCH", 1)
    database.go_to(-10)
    database.go_to(0)
    for _ in range(5):
        database.post("a")
    assert keep_up(database.link, WEEK, lambda: True)
    assert database.one("SELECT count(*) FROM usage_change") == 4
    ending = iter([False] * 4 + [True] * 99)
    assert keep_up(database.link, WEEK, lambda: next(ending))
    assert database.held("usage") == database.counted()
    assert min(database.days()) == -11
    assert keep_up(database.link, WEEK)
    assert min(database.days()) == -7


def keep_up_elsewhere(database: Database) -> bool:
    """Try the upkeep while somebody else does it."""
    other = DatabaseLink(database.url)
    with other.use() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (UPKEEP_LOCK,))
        done = keep_up(database.link, WEEK)
        # Otherwise it would be free some time after the connection is closed.
        connection.execute("SELECT pg_advisory_unlock(%s)", (UPKEEP_LOCK,))
    other.close()
    return done


def test_one_front_end_does_it(database: Database) -> None:
    """The others do nothing; and once it is done, or has failed, any can do it again."""
    database.go_to(-10)
    database.go_to(0)
    assert not keep_up_elsewhere(database)
    assert min(database.days()) < -7
    for _ in range(2):
        assert keep_up(database.link, WEEK)
    assert min(database.days()) == -7
    other = DatabaseLink(database.url)
    assert keep_up(other, WEEK)
    other.close()


def posting(database: Database, ended: Event) -> list[float]:
    """Post and read until it ends; return how long each of it took."""
    link, times = DatabaseLink(database.url), []
    writer, reader = PostWriter(link), MessageReader(link, lambda: WEEK)
    while not ended.is_set() or not times:
        began = time.monotonic()
        writer.store([Post("c" * 43, b"new")], [9], drop_quota=MANY)
        found = reader.open("c" * 43, None, MANY)
        times.append(time.monotonic() - began)
        assert found is not None
        assert len(found[1]) >= len(times)
    link.close()
    return times


def test_nobody_waits_for_a_long_reader(database: Database) -> None:
    """While a backup reads all, posts and reads go on; the partitions go when it is done."""
    database.go_to(-10)
    database.post("a")
    database.go_to(0)
    tables = database.tables()
    ended = Event()
    times: list[float] = []
    thread = Thread(target=lambda: times.extend(posting(database, ended)))
    with database.reader() as count:
        thread.start()
        for _ in range(2):
            assert keep_up(database.link, WEEK)
            assert database.tables() == tables
            # It has its partition still, and nobody else reads it.
            assert count() == 1
            assert database.ask("SELECT FROM message WHERE source = 1") == []
        ended.set()
        thread.join()
    assert max(times) < 1
    assert keep_up(database.link, WEEK)
    assert min(database.days()) == -7
    assert database.tables() == len(database.days())
    assert database.held() == database.counted()


def test_new_days_come_beside_a_long_reader(database: Database) -> None:
    """A partition that cannot go yet is no reason for others not to come."""
    database.go_to(-10)
    database.go_to(0)
    with database.reader():
        assert keep_up(database.link, WEEK)
        database.set_clock(2)
        assert max(database.days()) == DAYS_AHEAD - 2
        assert keep_up(database.link, WEEK)
        assert max(database.days()) == DAYS_AHEAD


def test_a_front_end_that_is_killed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has begun, another finishes."""
    monkeypatch.setattr(upkeep, "_LOCK_PATIENCE", "20s")
    database.go_to(-10)
    database.post("a")
    database.go_to(0)
    failures: list[str] = []

    def run() -> None:
        link = DatabaseLink(database.url)
        try:
            keep_up(link, WEEK)
        except DatabaseAway as error:
            failures.append(str(error))

    with database.reader():
        thread = Thread(target=run)
        thread.start()
        wait_until(lambda: database.ask(upkeep._PENDING) or None, "a partition that goes")
        killed = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE objid = %s"
        assert database.one(killed, UPKEEP_LOCK)
        thread.join(DEADLINE)
    [failure] = failures
    assert failure.startswith("AdminShutdown")
    assert database.ask(upkeep._PENDING)
    assert keep_up(database.link, WEEK)
    assert database.ask(upkeep._PENDING) == []
    assert database.tables() == len(database.days())
    assert min(database.days()) == -7
    assert database.held() == database.counted() == []


def test_a_partition_that_was_only_detached(database: Database) -> None:
    """A table that is no partition any more goes with its sums; one that is not old stays."""
    for back in (-10, -4):
        database.go_to(back)
        database.post("a")
        day = database.one("SELECT stamp_day(now_stamp())")
        database.ask(f"ALTER TABLE message DETACH PARTITION message_{day} CONCURRENTLY")
    database.go_to(0)
    assert keep_up(database.link, WEEK)
    assert [day for day, *_ in database.held()] == [day]
    assert database.one("SELECT to_regclass(%s) IS NOT NULL", f"message_{day}")


def test_keys_of_past_days_are_deleted(database: Database, cluster: Cluster) -> None:
    """Nothing of them stays on the disk, and none is in a log; the key of today is kept."""
    today = int(str(database.one("SELECT stamp_day(now_stamp())")))
    keys = {day: b"a key of the day %d, as bytes" % day for day in (today - 1, today, today + 1)}
    for day, key in keys.items():
        database.ask("INSERT INTO source_key VALUES (%s, %s)", day, key)
    file = cluster.data / str(database.one("SELECT pg_relation_filepath('source_key')"))
    assert keep_up(database.link, WEEK)
    assert dict(database.ask("SELECT * FROM source_key")) == {
        day: key for day, key in keys.items() if day >= today
    }
    # The file is empty until it is deleted, at the next checkpoint.
    assert not file.exists() or file.stat().st_size == 0
    logs = list((cluster.data / "pg_wal").glob("0*"))
    assert logs
    assert not any(key in each.read_bytes() for key in keys.values() for each in logs)


def test_keys_that_are_read(database: Database) -> None:
    """A backup that has the keys keeps nothing else from going; they go when it is done."""
    database.go_to(-10)
    database.go_to(0)
    database.ask("INSERT INTO source_key VALUES (1, 'old')")
    other = DatabaseLink(database.url)
    with other.transaction() as connection:
        connection.execute("SELECT FROM source_key")
        assert keep_up(database.link, WEEK)
        assert database.one("SELECT count(*) FROM source_key") == 1
    assert min(database.days()) == -7
    other.close()
    assert keep_up(database.link, WEEK)
    assert database.one("SELECT count(*) FROM source_key") == 0


def test_drops_are_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of a drop goes two days after its last message, a few pages at a time."""
    monkeypatch.setattr(upkeep, "_FORGET_PAGES", 2)
    database.go_to(-10)
    database.ask(
        "INSERT INTO drops SELECT decode(md5(n::text), 'hex'), now_stamp(), 1"
        " FROM generate_series(1, 2000) n"
    )
    database.post("a")
    database.go_to(-8.5)
    database.post("b")
    database.go_to(0)
    database.post("c")
    assert int(str(database.one(upkeep._DROP_PAGES))) > 8
    assert keep_up(database.link, WEEK)
    places = {each for (each,) in database.ask("SELECT place FROM drops")}
    assert places == {Post(name * 43, b"").place for name in "bc"}


def test_a_drop_that_is_written_to(database: Database) -> None:
    """A row that somebody has locked is not waited for, and stays."""
    database.go_to(-10)
    database.post("a", "b")
    database.go_to(0)
    other = DatabaseLink(database.url)
    with other.transaction() as connection:
        connection.execute(
            "SELECT FROM drops WHERE place = %s FOR UPDATE", (Post("a" * 43, b"").place,)
        )
        began = time.monotonic()
        assert keep_up(database.link, WEEK)
        assert time.monotonic() - began < 1
    other.close()
    assert database.ask("SELECT place FROM drops") == [(Post("a" * 43, b"").place,)]


def test_pages_of_drops_are_found_at_once(database: Database) -> None:
    """Going through the drops reads each page once."""
    with database.link.use() as connection:
        rows = connection.execute("EXPLAIN " + upkeep._FORGET_DROPS, (0, 500, 1)).fetchall()
    assert any("Tid Range Scan on drops" in line for (line,) in rows)
