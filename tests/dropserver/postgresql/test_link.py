"""A connection to the database: made again, cancelled, cut; and what its errors say."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

import pytest
from psycopg import Connection
from twisted.internet.task import Clock

from qabel.dropserver.postgresql.link import (
    CUT_AFTER,
    PATIENCE,
    RETRY_INTERVAL,
    DatabaseAway,
    DatabaseLink,
    LinkWatchdog,
)
from tests.dropserver.postgresql.cluster import Cluster
from tests.integration.processes import DEADLINE

SECRET = "my-secret-word"

SILENT = """
import sys
from qabel.dropserver.postgresql.link import DatabaseAway, DatabaseLink
link = DatabaseLink(sys.argv[1])
try:
    with link.transaction() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
except DatabaseAway as error:
    print(error)
"""


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the links."""
    return Clock()


@pytest.fixture
def link(database: str, clock: Clock) -> Iterator[DatabaseLink]:
    """Return a link that is connected."""
    made = DatabaseLink(database, now=clock.seconds)
    ask(made)
    yield made
    made.close()


def ask(link: DatabaseLink, statement: str = "SELECT 1") -> object:
    """Ask for one value."""
    with link.use() as connection:
        row = connection.execute(statement).fetchone()
        return None if row is None else row[0]


def start(link: DatabaseLink, statement: str) -> "SimpleQueue[str]":
    """Ask for something that takes long, on a thread; return where its error will be."""
    begun = Event()
    errors: SimpleQueue[str] = SimpleQueue()

    def run() -> None:
        try:
            with link.use() as connection:
                begun.set()
                connection.execute(statement)
        except DatabaseAway as error:
            errors.put(str(error))

    Thread(target=run, daemon=True).start()
    assert begun.wait(DEADLINE)
    return errors


def test_what_takes_too_long_is_cancelled(link: DatabaseLink, clock: Clock) -> None:
    """After five seconds a statement ends with an error, and the connection serves the next."""
    backend = ask(link, "SELECT pg_backend_pid()")
    errors = start(link, "SELECT pg_sleep(60)")
    clock.advance(PATIENCE - 0.1)
    link.look()
    assert errors.empty()
    clock.advance(0.1)
    # The statement may not have come to the database yet, where nothing is to be cancelled then.
    while errors.empty():
        link.look()
        link.begin_anew()
        clock.advance(PATIENCE)
    assert errors.get(timeout=DEADLINE).startswith("QueryCanceled: canceling statement")
    assert ask(link, "SELECT pg_backend_pid()") == backend


def test_what_cannot_be_cancelled_is_cut(link: DatabaseLink, clock: Clock) -> None:
    """With a database that does not even cancel, the connection is given up, and made again."""
    backend = ask(link, "SELECT pg_backend_pid()")
    assert isinstance(backend, int)
    os.kill(backend, signal.SIGSTOP)
    try:
        errors = start(link, "SELECT 1")
        clock.advance(PATIENCE)
        link.look()
        clock.advance(CUT_AFTER - PATIENCE - 0.1)
        link.look()
        assert errors.empty()
        clock.advance(0.1)
        link.look()
        assert errors.get(timeout=DEADLINE).startswith("OperationalError: ")
    finally:
        os.kill(backend, signal.SIGCONT)
    assert ask(link, "SELECT pg_backend_pid()") != backend


def test_one_thing_after_another(link: DatabaseLink, clock: Clock) -> None:
    """Whoever asks for many things in turn has the whole time for each."""
    with link.use() as connection:
        for _ in range(3):
            clock.advance(PATIENCE - 1)
            link.look()
            link.begin_anew()
            connection.execute("SELECT pg_sleep(0.01)")
    assert ask(link) == 1


def test_links_are_looked_at(database: str) -> None:
    """A thread does so, until it is ended."""
    looked = Event()

    class Noting(DatabaseLink):
        def look(self) -> None:
            looked.set()

    watchdog = LinkWatchdog([Noting(database)])
    assert looked.wait(DEADLINE)
    watchdog.end()


def test_a_database_that_is_missing(cluster: Cluster, clock: Clock) -> None:
    """It is asked for again after a second, not for each message, and found once it is there."""
    link = DatabaseLink(cluster.url("late"), now=clock.seconds)
    reason = 'database "late" does not exist'
    with pytest.raises(DatabaseAway, match=reason):
        ask(link)
    cluster.asks("CREATE DATABASE late")
    clock.advance(RETRY_INTERVAL - 0.1)
    with pytest.raises(DatabaseAway, match=reason):
        ask(link)
    clock.advance(0.1)
    assert ask(link) == 1
    link.close()


def test_a_connection_that_ended_meanwhile(link: DatabaseLink, database: str) -> None:
    """It is noticed before something is asked on it."""
    backend = ask(link, "SELECT pg_backend_pid()")
    other = DatabaseLink(database)
    assert ask(other, f"SELECT pg_terminate_backend({backend}, 5000)")
    other.close()
    assert ask(link, "SELECT pg_backend_pid()") != backend


def test_a_notice_is_no_end(link: DatabaseLink, database: str) -> None:
    """A connection on which something came that nobody asked for is kept."""
    backend = ask(link, "SELECT pg_backend_pid()")
    with link.use() as connection:
        connection.execute("LISTEN something")
    other = DatabaseLink(database)
    ask(other, "SELECT pg_notify('something', '')")
    other.close()
    assert ask(link, "SELECT pg_backend_pid()") == backend


def test_a_server_with_many_connections(database: str) -> None:
    """A connection works whatever the number of its file is."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < 1200:
        pytest.skip("too few files can be open")
    null = os.open(os.devnull, os.O_RDONLY)
    files = [null]
    try:
        while files[-1] < 1100:
            files.append(os.dup(null))
        link = DatabaseLink(database)
        assert ask(link) == ask(link) == 1
        link.close()
    finally:
        for each in files:
            os.close(each)


def test_a_new_connection_is_prepared_first(database: str) -> None:
    """One that cannot be prepared is not used."""
    done: list[str] = []

    def prepare(connection: "Connection[object]") -> None:
        done.append("prepared")
        if len(done) == 1:
            connection.execute("SELECT x")

    clock = Clock()
    link = DatabaseLink(database, prepare, now=clock.seconds)
    with pytest.raises(DatabaseAway, match='column "x" does not exist'):
        ask(link)
    clock.advance(RETRY_INTERVAL)
    assert ask(link) == ask(link) == 1
    assert len(done) == 2
    link.close()


@pytest.mark.parametrize(
    "fail",
    [
        lambda connection: connection.execute("SELECT %s::integer", (SECRET,)),
        lambda connection: connection.execute("INSERT INTO one VALUES (%s)", (SECRET,)),
    ],
)
def test_errors_do_not_say_what_was_asked(
    link: DatabaseLink, fail: "Callable[[Connection[object]], object]"
) -> None:
    """An error has no data in it."""
    with link.use() as connection:
        connection.execute("CREATE TABLE one (word text PRIMARY KEY)")
        connection.execute("INSERT INTO one VALUES (%s)", (SECRET,))
    with pytest.raises(DatabaseAway) as caught, link.use() as connection:
        fail(connection)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "place", ["@/drops?host=/nonexistent", "@127.0.0.1:1/drops", "@/drops?host=/nonexistent&x=y"]
)
def test_errors_do_not_say_the_password(place: str) -> None:
    """Neither does a connection that fails, nor its repr."""
    link = DatabaseLink(f"postgresql://user:{SECRET}{place}")
    with pytest.raises(DatabaseAway) as caught:
        ask(link)
    assert SECRET not in str(caught.value) + repr(link)


def test_nothing_is_written_but_the_log(database: str) -> None:
    """What psycopg ignores does not go to the standard error."""
    done = subprocess.run(
        [sys.executable, "-c", SILENT, database],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("AdminShutdown: ")
