"""Housekeeping: what is past its time is cleared every hour, and a failure ends one round only."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define
from twisted.internet.defer import Deferred, maybeDeferred

from qabel.core.errors import Gone, NotFound, StoreFull
from qabel.core.foundation import Foundation
from qabel.core.housekeeping import INTERVAL, KEEP_READERS, RETRY, Housekeeping
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.store.database.shrinking import KEEP_FREE, Shrinking
from qabel.store.journal.events import KEEP_EVENTS_FOR, JournalEvents
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.pace import FIRST
from tests.conftest import LoggedFailures
from tests.core.conftest import ClockedWorld


@define(eq=False)
class Due:
    """Stands for the posting of what is due: counts, fails or hangs as the test says."""

    count: int = 0
    error: Exception | None = None
    hanging: "Deferred[None] | None" = None

    async def __call__(self) -> None:
        """Count one round."""
        self.count += 1
        if self.hanging is not None:
            await self.hanging
        if self.error is not None:
            raise self.error


def housekeeping(core: CoreService, clocked: ClockedWorld, due: Due) -> Housekeeping:
    """Return housekeeping for a core, in place of its own."""
    result_of(maybeDeferred(core._parts.housekeeping.disownServiceParent))
    base = core._base
    return Housekeeping(
        journal=base.journal,
        events=JournalEvents(base.database),
        outbox=OutboxRepository(base.database),
        inbox=core.inbox,
        tokens=core.tokens,
        purging=core.purging,
        deleting=core.deleting,
        drops=core.drops,
        acknowledgements=core.acknowledgements,
        shrinking=Shrinking(base.database),
        post_due=due,
        keep_days=lambda: core.local.value.inbox.keep_days,
        clock=clocked.clock,
        now=clocked.now,
    )


def test_settled_sends_are_forgotten(clocked: ClockedWorld) -> None:
    """What was sent stays for ever, or for as many days as the settings say for messages."""
    alice, _ = clocked.run(clocked.friends())
    outcome = clocked.run(clocked.say(alice, "Hello"))
    clocked.clock.pump([100 * 24 * INTERVAL] * 10)
    assert clocked.run(alice.outbox.get(outcome.id)).id == outcome.id
    clocked.run(alice.local.set("inbox.keep_days", 2))
    young = clocked.run(clocked.say(alice, "Hello"))
    clocked.clock.pump([INTERVAL] * 3)
    assert [each.id for each in clocked.run(alice.outbox.sends())] == [young.id]
    with pytest.raises(NotFound):
        clocked.run(alice.outbox.get(outcome.id))


def test_readers_that_stay_away_are_forgotten(clocked: ClockedWorld) -> None:
    """A reader that was away for more than a year has all messages as new again."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    assert len(clocked.run(clocked.heard(bob))) == 1
    clocked.clock.advance(KEEP_READERS - 2 * INTERVAL)
    assert clocked.run(clocked.heard(bob, consumer="other")) != []
    assert clocked.run(clocked.heard(bob)) == []
    clocked.clock.advance(3 * INTERVAL)
    assert len(clocked.run(clocked.heard(bob))) == 1
    assert clocked.run(clocked.heard(bob, consumer="other")) == []


def test_old_messages_are_deleted(clocked: ClockedWorld) -> None:
    """Messages go once they are older than the settings say; younger ones stay."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(bob.local.set("inbox.keep_days", 2))
    for number in range(FIRST + 5):
        clocked.run(clocked.say(alice, f"old {number}"))
    clocked.run(clocked.heard(bob))
    clocked.clock.pump([INTERVAL] * 47)
    clocked.run(clocked.say(alice, "young"))
    clocked.run(clocked.heard(bob))
    assert bob.inbox.messages == FIRST + 6
    clocked.clock.pump([INTERVAL] * 2)
    assert bob.inbox.messages == 1
    [left] = clocked.run(clocked.heard(bob, consumer="other"))
    assert left["data"]["msg"] == "young"
    # They are still on the drop server, and do not come again.
    clocked.clock.pump([INTERVAL] * 2)
    clocked.run(clocked.heard(bob))
    assert bob.inbox.messages == 1


def test_messages_are_kept_for_ever(clocked: ClockedWorld) -> None:
    """Without a number of days no message is deleted."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob))
    clocked.clock.pump([100 * 24 * INTERVAL] * 10)
    assert bob.inbox.messages == 1


def test_a_clock_that_is_wrong_deletes_nothing(clocked: ClockedWorld) -> None:
    """A clock that is a year ahead during one round makes no message old."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob))
    clocked.run(bob.local.set("inbox.keep_days", 2))
    service = housekeeping(bob, clocked, Due())
    ahead = 0.0
    service._now = lambda: clocked.now() + ahead
    service.startService()
    ahead = 365 * 24 * INTERVAL
    clocked.clock.advance(INTERVAL)
    ahead = 0.0
    clocked.clock.pump([INTERVAL] * 3)
    assert bob.inbox.messages == 1
    clocked.clock.pump([INTERVAL] * 48)
    assert bob.inbox.messages == 0
    result_of(service.stopService())


def test_old_events_are_forgotten(clocked: ClockedWorld) -> None:
    """Events are kept for some days; who comes with an older cursor is told that they are gone."""
    core = clocked.run(clocked.core("me"))
    cursor = core.journal.cursor(1)
    clocked.run(core.local.set("poll_interval", 100))
    clocked.run(core.local.set("poll_interval", 200))
    assert len(clocked.run(core.events.follow(cursor).next())) > 0
    clocked.clock.advance(KEEP_EVENTS_FOR / 1000 + INTERVAL)
    with pytest.raises(Gone):
        core.events.follow(cursor)


def test_uses_of_tokens_are_kept(clocked: ClockedWorld) -> None:
    """When a token was last used is on the disk after the next round."""
    core = clocked.run(clocked.core("me"))
    token = clocked.run(core.tokens.add("bot", ["read"]))
    core.tokens.check(token.token)
    clocked.clock.advance(INTERVAL)
    [kept] = result_of(core.tokens._repository.all())
    assert kept.last_used == core.tokens.all()[0].last_used is not None


def test_drops_that_are_nobodys_are_forgotten(clocked: ClockedWorld) -> None:
    """How far the drop of a deleted identity was read is forgotten with the next round."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob))
    assert known_drops(bob) == 1
    clocked.run(bob.people.delete_identity(1))
    clocked.clock.advance(INTERVAL)
    assert known_drops(bob) == 0


def test_each_round_posts_what_is_due(clocked: ClockedWorld) -> None:
    """The first round is at the start, and there is one every hour."""
    due = Due()
    service = housekeeping(clocked.run(clocked.core("me")), clocked, due)
    service.startService()
    assert due.count == 1
    clocked.clock.pump([INTERVAL / 2] * 4)
    assert due.count == 3
    result_of(service.stopService())


def test_a_failure_puts_a_round_off(clocked: ClockedWorld) -> None:
    """What a round could not do because of the disk, the next one does."""
    bob = clocked.run(clocked.person("Bob"))
    clocked.run(clocked.heard(bob))
    clocked.run(bob.people.delete_identity(1))
    due = Due(error=StoreFull("There is no space."))
    service = housekeeping(bob, clocked, due)
    service.startService()
    assert known_drops(bob) == 1
    due.error = None
    clocked.clock.advance(INTERVAL)
    assert (due.count, known_drops(bob)) == (2, 0)
    result_of(service.stopService())


def test_an_unexpected_error_is_logged(
    clocked: ClockedWorld, logged_failures: LoggedFailures
) -> None:
    """An error that is not the disk's is logged with its traceback, and stopping works."""
    due = Due(error=ZeroDivisionError())
    service = housekeeping(clocked.run(clocked.core("me")), clocked, due)
    service.startService()
    [logged] = logged_failures.flush()
    assert logged["log_failure"].check(ZeroDivisionError)
    result_of(service.stopService())


def test_stopping_waits_for_the_round(clocked: ClockedWorld) -> None:
    """A round under way is ended before the service is, and none follows."""
    due = Due(hanging=Deferred())
    service = housekeeping(clocked.run(clocked.core("me")), clocked, due)
    service.startService()
    stopped = service.stopService()
    assert not stopped.called
    assert due.hanging is not None
    due.hanging.callback(None)
    result_of(stopped)
    clocked.clock.advance(3 * INTERVAL)
    assert due.count == 1


def known_drops(core: CoreService) -> int:
    """Return of how many drops it is kept how far they were read."""
    counted = core._base.database.run(
        lambda connection: connection.execute("SELECT count(*) FROM drops").fetchall()
    )
    [(count,)] = result_of(counted)
    return int(count)


@pytest.mark.parametrize("error", [StoreFull("There is no space."), ValueError("odd")])
def test_a_round_that_failed_is_repeated_soon(
    clocked: ClockedWorld, error: Exception, logged_failures: LoggedFailures
) -> None:
    """Whatever the error, it is known until a round succeeds, which is tried within a minute."""
    bob = clocked.run(clocked.person("Bob"))
    due = Due(error=error)
    service = housekeeping(bob, clocked, due)
    service.startService()
    assert service.failure is not None
    assert "odd" not in service.failure
    clocked.clock.advance(RETRY)
    assert due.count == 2
    due.error = None
    clocked.clock.advance(RETRY)
    assert (due.count, service.failure) == (3, None)
    clocked.clock.advance(INTERVAL)
    assert due.count == 4
    due.error = error
    clocked.clock.advance(INTERVAL)
    result_of(service.stopService())
    logged_failures.flush()


def test_free_space_is_given_back(clocked: ClockedWorld) -> None:
    """After much was deleted, a round leaves few free pages in the database."""
    core = clocked.run(clocked.core("Alice"))
    base = core._base
    pairs = [(f"{number}", b"x" * 3000) for number in range(1000)]

    def count(connection: Any) -> int:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    def work(connection: Any) -> None:
        connection.executemany("INSERT INTO documents VALUES (?, ?)", pairs)
        connection.execute("DELETE FROM documents WHERE name BETWEEN '0' AND '999'")

    clocked.run(run_in(base, work))
    assert clocked.run(run_in(base, count)) > 500
    clocked.clock.advance(INTERVAL)
    assert clocked.run(run_in(base, count)) <= KEEP_FREE


async def run_in(base: Foundation, work: Callable[[Any], Any]) -> Any:
    """Run a transaction."""
    return await base.database.run(work)
