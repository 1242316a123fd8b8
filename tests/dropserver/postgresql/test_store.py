"""The storage in PostgreSQL when the database goes, hangs, comes back, and moves."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import quote

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from twisted.internet.task import deferLater

from qabel.dropserver.message_values import MEGABYTE, Post
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.notices import PREFIX_SIZE
from qabel.dropserver.postgresql.store import PostgresStore
from qabel.dropserver.storage import StoreUnavailable
from qabel.dropserver.wanted import Wanted
from qabel.host.start_errors import StartError
from tests.conftest import LoggedFailures
from tests.dropserver.postgresql.cluster import USER, Cluster, find_programs
from tests.dropserver.postgresql.databases import MISSING
from tests.integration.processes import wait_until

DROP = "a" * 43

WANTED = Wanted(quota=100 * MEGABYTE)

Running = Callable[..., AbstractAsyncContextManager[PostgresStore]]


@asynccontextmanager
async def opened(url: str, wanted: Wanted = WANTED) -> AsyncIterator[PostgresStore]:
    """Open a store for a while."""
    store = PostgresStore(url, wanted, reactor, on_refused=pytest.fail)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """Return a database server that the test may stop."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with Cluster(programs) as made:
        yield made


async def bodies(store: PostgresStore) -> list[bytes]:
    """Read the drop."""
    found = await store.open(DROP, None, 10_000)
    return [] if found is None else [body for _, body in found[1]]


async def insist(store: PostgresStore, body: bytes, most: int = 200) -> int:
    """Store a message, again and again as a client would."""
    for _ in range(most):
        try:
            return await store.append(Post(DROP, body))
        except StoreUnavailable:
            await deferLater(reactor, 0.05)
    raise AssertionError("the database did not come back")


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_away_at_first(
    own_cluster: Cluster, logged_failures: LoggedFailures
) -> None:
    """A front end starts without its database, says once that it is away, and finds it later."""
    own_cluster.stop()
    async with opened(own_cluster.url()) as store:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.append(Post(DROP, b"one"))
        with pytest.raises(StoreUnavailable):
            await store.open(DROP, None, 1)
        assert len(logged_failures.flush()) == 1
        own_cluster.start()
        await insist(store, b"two")
        assert await bodies(store) == [b"two"]


@pytest_twisted.ensureDeferred
async def test_a_database_that_is_killed_again_and_again(
    own_cluster: Cluster, logged_failures: LoggedFailures
) -> None:
    """What was stored is there after each power failure, once, and in order."""
    async with opened(own_cluster.url()) as store:
        stored: list[bytes] = []
        for blow in range(4):
            posts = [b"%d-%d" % (blow, number) for number in range(300)]
            waiting = [store.append(Post(DROP, body)) for body in posts]
            await waiting[40 * blow]
            own_cluster.kill()
            outcomes = await DeferredList(waiting, consumeErrors=True)
            own_cluster.start()
            for body, (succeeded, error) in zip(posts, outcomes, strict=True):
                if succeeded:
                    stored.append(body)
                else:
                    assert error.check(StoreUnavailable)
            await insist(store, b"after %d" % blow)
            stored.append(b"after %d" % blow)
        found = await bodies(store)
        assert len(found) == len(set(found))
        assert set(stored) <= set(found)
        logged_failures.flush()


@pytest_twisted.ensureDeferred
async def test_a_database_that_hangs(own_cluster: Cluster, logged_failures: LoggedFailures) -> None:
    """Nobody waits for a database that is frozen longer than some seconds."""
    async with opened(own_cluster.url()) as store:
        await store.append(Post(DROP, b"one"))
        own_cluster.freeze()
        try:
            began = reactor.seconds()  # type: ignore[attr-defined]
            waiting = [store.append(Post(DROP, b"two")), store.open(DROP, None, 1)]
            outcomes = await DeferredList(waiting, consumeErrors=True)
            assert [error.check(StoreUnavailable) for _, error in outcomes] == [
                StoreUnavailable
            ] * 2
            assert reactor.seconds() - began < 20  # type: ignore[attr-defined]
        finally:
            own_cluster.freeze(go_on=True)
        await insist(store, b"three")
        found = await bodies(store)
        assert found[0] == b"one"
        assert found[-1] == b"three"
        logged_failures.flush()


@pytest_twisted.ensureDeferred
async def test_other_limits_than_the_database_says(
    database: str, logged_failures: LoggedFailures
) -> None:
    """A front end that was started with other limits than the first says so, in one line."""
    refused: list[StartError] = []
    async with opened(database) as store:
        await store.append(Post(DROP, b"one"))
        other = PostgresStore(
            database, Wanted(quota=5 * MEGABYTE), reactor, on_refused=refused.append
        )
        with pytest.raises(StoreUnavailable):
            await other.append(Post(DROP, b"two"))
        await other.close()
        async with opened(database, Wanted()) as silent:
            assert await bodies(silent) == [b"one"]
            assert silent.retention.quota == 100 * MEGABYTE
    logged_failures.flush()
    assert "--quota 5 is not what the database says (100)" in str(refused[0])


@pytest_twisted.ensureDeferred
async def test_messages_that_can_only_be_read(
    database: str, logged_failures: LoggedFailures
) -> None:
    """While nothing can be stored this is logged once, however often something is read."""
    async with opened(database) as store:
        stamp = await store.append(Post(DROP, b"one"))
        link = DatabaseLink(database)
        for failures in (1, 2):
            with link.use() as connection:
                connection.execute("ALTER TABLE message RENAME COLUMN source TO other")
            for _ in range(3):
                with pytest.raises(StoreUnavailable, match=r"^the database cannot be used$"):
                    await store.append(Post(DROP, b"two"))
                assert await store.latest(DROP) == stamp
            assert len(logged_failures.events) == failures
            with link.use() as connection:
                connection.execute("ALTER TABLE message RENAME COLUMN other TO source")
            stamp = await store.append(Post(DROP, b"three"))
        link.close()
    logged_failures.flush()


@pytest_twisted.ensureDeferred
async def test_the_last_messages_are_told(database: str) -> None:
    """What is stored while a front end ends is told to the others."""
    heard: set[bytes] = set()
    changes: list[bool] = []
    async with opened(database) as other:
        other.notices.start(on_news=heard.update, on_listening=changes.append)
        while not changes:
            await deferLater(reactor, 0.01)
        store = PostgresStore(database, WANTED, reactor, on_refused=pytest.fail)
        store.notices.start(on_news=lambda _: None, on_listening=lambda _: None)
        posts = [Post(f"{number:043}", b"body") for number in range(600)]
        waiting = [store.append(each) for each in posts]
        await store.close()
        assert all([await each for each in waiting])
        while len(heard) < len(posts):
            await deferLater(reactor, 0.01)
        assert heard == {each.place[:PREFIX_SIZE] for each in posts}


@pytest_twisted.ensureDeferred
async def test_all_threads_end(database: str) -> None:
    """A store that is closed leaves no threads, and no connections."""
    before = set(threading.enumerate())
    async with opened(database) as store:
        store.notices.start(on_news=lambda _: None, on_listening=lambda _: None)
        await store.append(Post(DROP, b"one"))
        await store.expire()
        await bodies(store)
    for _ in range(500):
        if not set(threading.enumerate()) - before:
            break
        await deferLater(reactor, 0.01)
    assert {each.name for each in set(threading.enumerate()) - before} == set()
    link = DatabaseLink(database)
    with link.use() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchone()
    link.close()
    assert row == (1,)


@pytest.fixture
def pair(own_cluster: Cluster) -> Iterator[tuple[Cluster, Cluster]]:
    """Return a database server, and its synchronous standby."""
    standby = Cluster(own_cluster.programs)
    try:
        standby.copy_of(own_cluster)
        standby.start()
        own_cluster.asks("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        own_cluster.asks("SELECT pg_reload_conf()")
        wait_until(
            lambda: (
                own_cluster.asks("SELECT sync_state FROM pg_stat_replication") == "sync" or None
            ),
            "the standby",
        )
        yield own_cluster, standby
    finally:
        standby.remove()


@pytest_twisted.ensureDeferred
async def test_a_standby_that_is_gone(
    pair: tuple[Cluster, Cluster], logged_failures: LoggedFailures
) -> None:
    """Without the standby nothing is confirmed, and nobody waits for it; with it all goes on."""
    primary, standby = pair
    async with opened(primary.url()) as store:
        await store.append(Post(DROP, b"one"))
        standby.stop()
        began = reactor.seconds()  # type: ignore[attr-defined]
        with pytest.raises(StoreUnavailable):
            await store.append(Post(DROP, b"two"))
        assert 4 < reactor.seconds() - began < 15  # type: ignore[attr-defined]
        standby.start()
        await insist(store, b"three")
        assert (await bodies(store))[-1] == b"three"
        [logged] = logged_failures.flush()
        assert "standby" in logged["said"]


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_lost_while_the_standby_is_gone(
    own_cluster: Cluster, logged_failures: LoggedFailures
) -> None:
    """What is on the disk of the primary alone is not said to be stored."""
    async with opened(own_cluster.url()) as store:
        await store.append(Post(DROP, b"one"))
        own_cluster.asks("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        own_cluster.asks("SELECT pg_reload_conf()")
        stored = store.append(Post(DROP, b"two"))
        waits = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while not own_cluster.asks(f"SELECT pg_terminate_backend(pid) {waits}"):
            await deferLater(reactor, 0.05)
        with pytest.raises(StoreUnavailable):
            await stored
        assert await bodies(store) == [b"one", b"two"]
    logged_failures.flush()


@pytest_twisted.ensureDeferred
async def test_a_standby_that_is_promoted(
    pair: tuple[Cluster, Cluster], logged_failures: LoggedFailures
) -> None:
    """All that was answered is there after a failover, once, and cursors go on."""
    primary, standby = pair
    async with opened(both(primary, standby)) as store:
        waiting = [store.append(Post(DROP, b"%d" % number)) for number in range(600)]
        newest = await waiting[200]
        primary.kill()
        outcomes = await DeferredList(waiting, consumeErrors=True)
        standby.asks("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.promote()
        stamp = await insist(store, b"after")
        # What was waited for has no result any more.
        assert stamp > max(newest, *(each for succeeded, each in outcomes if succeeded and each))
        found = await bodies(store)
        assert len(found) == len(set(found))
        stored = {b"%d" % n for n, (succeeded, _) in enumerate(outcomes) if succeeded}
        assert stored <= set(found)
        assert len(stored) > 200
        logged_failures.flush()


def both(primary: Cluster, standby: Cluster) -> str:
    """Return a URL that names both: whichever is the primary is used."""
    hosts = ",".join(quote(str(each.folder), safe="") for each in (primary, standby))
    return f"postgresql://{USER}@/postgres?host={hosts}"
