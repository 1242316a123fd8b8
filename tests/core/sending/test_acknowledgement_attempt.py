"""Attempts: an acknowledgement is sealed, and posted to one drop of whoever may get it then."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred, execute, succeed

from qabel.core.sending.acknowledgement_attempt import (
    MOST_REFUSALS,
    NOBODY,
    AcknowledgementAttempts,
    Attempted,
    recipients,
)
from qabel.core.sending.post_result import PostOutcome
from qabel.crypto import PublicKey
from qabel.deferreds import result_of
from qabel.drop.acknowledgement import acknowledgement
from qabel.drop.transport import MESSAGE_SIZE, Opened, Opener
from qabel.drop.url import DropURL
from qabel.net.errors import ConnectFailed, ServerRefused
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.acknowledgement_turns import DueAcknowledgement
from tests.conftest import LoggedFailures
from tests.core.items import contact, drop, identity, key

ME, FRIEND = 1, 5
DROPS = tuple(drop(number) for number in range(100, 164))
SYNCED = SyncedSettings(
    identities=(identity(ME),), contacts=(contact(FRIEND, ME, drop_urls=DROPS),)
)
DUE = DueAcknowledgement(
    id=1,
    pair_id=1,
    identity=key(ME).public_key.raw,
    contact=key(FRIEND).public_key.raw,
    acknowledge_id="please",
    time_stamp=17,
    failures=0,
    refusals=0,
)


@define(eq=False)
class World:
    """A daemon whose drop server does as the test says."""

    synced: SyncedSettings = SYNCED
    blocked: set[bytes] = field(factory=set)
    are_wanted: bool = True
    no_drop_server: str | None = None
    answer: Callable[[], Awaitable[None]] = field(default=lambda: succeed(None))
    while_sealing: Callable[[], object] = field(default=lambda: None)
    posted: list[tuple[DropURL, bytes]] = field(factory=list)

    @property
    def attempts(self) -> AcknowledgementAttempts:
        """What makes attempts in this world."""
        return AcknowledgementAttempts(
            client=self,
            workers=self,
            synced=lambda: self.synced,
            blocked=lambda: self.blocked,
            are_wanted=lambda: self.are_wanted,
            no_drop_server=lambda owner, server: self.no_drop_server,
        )

    def run(self, function: Any, *args: Any) -> "Deferred[Any]":
        """Do some work; meanwhile something else may happen."""
        self.while_sealing()
        return execute(function, *args)

    def post(self, url: DropURL, message: bytes) -> Awaitable[None]:
        """Take what is posted."""
        self.posted.append((url, message))
        return self.answer()

    def attempt(self, due: DueAcknowledgement = DUE) -> Attempted:
        """Make an attempt that takes no time."""
        return result_of(Deferred.fromCoroutine(self.attempts.make(due)))


def fails(error: Exception) -> Callable[[], Awaitable[None]]:
    """Return a server that fails."""

    async def answer() -> None:
        raise error

    return answer


def refusing(*, permanent: bool, retry_after: float | None = None) -> ServerRefused:
    """Return the error of a server that refuses."""
    return ServerRefused("no", status=400, permanent=permanent, retry_after=retry_after)


def test_it_goes_to_one_drop() -> None:
    """Of a contact with 64 drops one is drawn, and it gets what the contact can open."""
    world = World()
    assert world.attempt() == Attempted(PostOutcome.TAKEN)
    [(url, box)] = world.posted
    assert url in DROPS
    [opened] = Opener([key(FRIEND)]).open_all([box])
    assert isinstance(opened, Opened)
    assert opened.message == acknowledgement("please", key(ME).public_key, 17)


def test_a_refusal_says_that_there_is_no_module() -> None:
    """What is to be sent instead of an acknowledgement is sent like one."""
    world = World()
    assert world.attempt(evolve(DUE, is_refusal=True)) == Attempted(PostOutcome.TAKEN)
    [opened] = Opener([key(FRIEND)]).open_all([world.posted[0][1]])
    assert isinstance(opened, Opened)
    assert opened.message == acknowledgement("please", key(ME).public_key, 17, is_refusal=True)


def test_another_attempt_is_drawn_and_sealed_again() -> None:
    """Attempts are spread over the drops, and no two of them have the same bytes."""
    world = World()
    for _ in range(300):
        world.attempt()
    assert len({url for url, _ in world.posted}) > 32
    assert len({box for _, box in world.posted}) == 300


FRIENDS_KEY = key(FRIEND).public_key.raw


@pytest.mark.parametrize(
    "changes",
    [
        {"are_wanted": False},
        {"blocked": {FRIENDS_KEY}},
        {"synced": evolve(SYNCED, contacts=())},
        {"synced": evolve(SYNCED, contacts=(contact(FRIEND, ME, deleted=5),))},
        {"synced": evolve(SYNCED, contacts=(contact(FRIEND, ME, blocked=True),))},
        {"synced": evolve(SYNCED, contacts=(contact(FRIEND, ME, drop_urls=()),))},
        {"synced": evolve(SYNCED, identities=(identity(ME, deleted=5),))},
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_nobody_is_to_get_it(changes: dict[str, Any], is_late: bool) -> None:
    """Who was blocked or deleted gets none, even if that happens in the last moment."""
    world = World()

    def change() -> None:
        for name, value in changes.items():
            setattr(world, name, value)

    if is_late:
        world.while_sealing = change
    else:
        change()
    assert world.attempt() == NOBODY
    assert world.posted == []


@pytest.mark.parametrize(
    ("acknowledge_id", "friend"),
    [("x" * MESSAGE_SIZE, key(FRIEND).public_key), ("please", PublicKey(bytes(32)))],
    ids=["id too long", "key of low order"],
)
def test_what_cannot_be_sealed(acknowledge_id: str, friend: PublicKey) -> None:
    """What does not fit, or cannot be sealed for anybody, is not posted."""
    synced = evolve(SYNCED, contacts=(contact(FRIEND, ME, public_key=friend),))
    world = World(synced)
    due = evolve(DUE, acknowledge_id=acknowledge_id, contact=friend.raw)
    assert world.attempt(due) == NOBODY
    assert world.posted == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectFailed("away"), Attempted(PostOutcome.FAILED)),
        (refusing(permanent=False), Attempted(PostOutcome.FAILED)),
        (refusing(permanent=False, retry_after=60), Attempted(PostOutcome.FAILED, 60)),
        (refusing(permanent=True), Attempted(PostOutcome.REFUSED)),
    ],
)
def test_failures(error: Exception, expected: Attempted) -> None:
    """What a drop server did is told apart: it may work later, or never take this one."""
    assert World(answer=fails(error)).attempt() == expected


def test_refusals_come_to_an_end() -> None:
    """A few other drops are tried, but not more than the contact has."""
    world = World(answer=fails(refusing(permanent=True)))
    last = Attempted(PostOutcome.REFUSED, is_last=True)
    assert world.attempt(evolve(DUE, refusals=MOST_REFUSALS - 1)) == last
    world.synced = evolve(SYNCED, contacts=(contact(FRIEND, ME),))
    assert world.attempt() == last


def test_what_is_no_drop_server_has_taken_nothing() -> None:
    """What responds in place of a drop server neither takes nor refuses anything."""
    assert World(no_drop_server="A page.").attempt() == Attempted(PostOutcome.FAILED)
    world = World(no_drop_server="A page.", answer=fails(refusing(permanent=True)))
    assert world.attempt() == Attempted(PostOutcome.FAILED)


def test_an_unexpected_error(logged_failures: LoggedFailures) -> None:
    """Whatever goes wrong is logged, and there is another attempt."""
    assert World(answer=fails(ValueError("odd"))).attempt() == Attempted(PostOutcome.FAILED)
    [logged] = logged_failures.flush()
    assert logged["log_failure"].check(ValueError)


def test_cancelling() -> None:
    """A cancelled attempt ends at once, and says nothing of the server."""
    hanging: Deferred[None] = Deferred()
    attempt = Deferred.fromCoroutine(World(answer=lambda: hanging).attempts.make(DUE))
    attempt.cancel()
    with pytest.raises(CancelledError):
        result_of(attempt)


def test_who_may_get_any() -> None:
    """Of all contacts only those that are neither deleted nor blocked, nor their identities."""
    synced = SyncedSettings(
        identities=(identity(ME), identity(2, deleted=3)),
        contacts=(
            contact(FRIEND, ME),
            contact(6, ME, blocked=True),
            contact(7, ME, deleted=3),
            contact(8, 2),
            contact(9, ME),
            contact(10, ME, drop_urls=()),
        ),
    )
    allowed = recipients(synced, {key(9).public_key.raw})
    assert [each.id for each in allowed.values()] == [FRIEND]
    world = World(synced)
    assert world.attempts.allowed() == recipients(synced, set()).keys()
    world.are_wanted = False
    assert world.attempts.allowed() is None
