"""Acknowledgements go out when their time has come, whatever else happens."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.core.sending.acknowledgements import KEEP_WAITING, LATE, STORE_PAUSE
from qabel.core.service import CoreService
from qabel.crypto import PublicKey
from qabel.deferreds import result_of
from qabel.drop.message import DropMessage
from qabel.drop.transport import Opened, Opener
from qabel.drop.url import DropURL
from qabel.net.errors import ServerRefused
from qabel.store.database.errors import StoreFull
from qabel.store.outbox.acknowledgements import AcknowledgementCounts
from qabel.testing.correspondents import SERVER
from qabel.testing.drop_servers import MemoryDropServers
from tests.conftest import LoggedFailures
from tests.core.conftest import EPOCH, ClockedWorld


@define(eq=False)
class Friends:
    """Alice asks, and Bob acknowledges; each delay of his is the next of the test's draws."""

    world: ClockedWorld
    alice: CoreService
    bob: CoreService
    draws: list[float] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.set_draws()

    def set_draws(self) -> None:
        """Have Bob draw what the test says; a mean of 20 where it says nothing."""
        self.bob.acknowledgements._times._draw = lambda mean: (
            self.draws.pop(0) if self.draws else mean
        )

    def asks(self, *draws: float) -> None:
        """Have Bob receive a message for each draw of a delay."""
        self.draws += draws
        for _ in draws:
            self.world.run(self.world.say(self.alice, "There?", acknowledge_id="auto"))
        self.world.run(self.world.heard(self.bob))

    @property
    def sent(self) -> list[DropMessage]:
        """The acknowledgements that were posted."""
        opener = Opener([each.private_key for each in self.alice.synced.value.identities])
        found = opener.open_all([box for _, box in self.world.drop_servers.posted])
        return [each.message for each in found if isinstance(each, Opened)]

    def passes(self, *seconds: float) -> list[int]:
        """Let time pass, and return how many were posted after each step."""
        counts = []
        for each in seconds:
            self.world.clock.advance(each)
            counts.append(len(self.sent))
        return counts

    @property
    def counts(self) -> AcknowledgementCounts:
        """How many wait, and how many were given up."""
        found: AcknowledgementCounts = result_of(self.bob.acknowledgements._repository.counts())
        return found

    def restarts(self, *draws: float) -> None:
        """Stop both, and start them again: at the start Bob draws these."""
        self.world.run(self.world.close())
        start = CoreService.startService

        def begin(core: CoreService) -> None:
            if len(self.world.cores) == 2:
                self.bob, self.draws[:] = core, draws
                self.set_draws()
            start(core)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CoreService, "startService", begin)
            self.alice = self.world.run(self.world.core("Alice"))
            self.world.run(self.world.core("Bob"))


@pytest.fixture
def friends(clocked: ClockedWorld) -> Iterator[Friends]:
    """Return friends who poll seldom."""
    alice, bob = clocked.run(clocked.friends())
    for core in (alice, bob):
        clocked.run(core.local.set("poll_interval", 86_400))
    return Friends(clocked, alice, bob)


def test_each_is_sent_after_its_delay(friends: Friends) -> None:
    """Nothing goes out before the time that was drawn for it, and nothing waits longer."""
    friends.asks(30, 10, 20)
    assert friends.counts.waiting == 3
    assert friends.passes(9.9, 0.1, 9.9, 0.1, 10, 60) == [0, 1, 1, 2, 3, 3]
    assert friends.counts == AcknowledgementCounts(waiting=0, given_up=0)
    assert friends.bob.acknowledgements.counts["taken"] == 3
    friends.world.run(friends.world.heard(friends.alice))
    sends = friends.world.run(friends.alice.outbox.sends())
    assert all(each.recipients[0].acknowledged for each in sends)


def test_the_time_stamp_is_that_of_sending(friends: Friends) -> None:
    """It tells when the acknowledgement was sent, not when the message was received."""
    friends.asks(30)
    friends.passes(30)
    [answer] = friends.sent
    assert answer.time_stamp == round((EPOCH + friends.world.clock.seconds()) * 1000)


def test_without_a_delay(friends: Friends) -> None:
    """With a mean of 0, messages are acknowledged at once."""
    friends.world.run(friends.bob.local.set("privacy.acknowledge_delay", 0))
    friends.bob.acknowledgements._times._draw = lambda mean: mean
    friends.asks(1, 2)
    assert len(friends.sent) == 2


def test_a_contact_with_many_drops(friends: Friends) -> None:
    """Each acknowledgement is posted once, to one of the contact's 64 drops."""
    [contact] = friends.bob.people.contacts()
    drops = [DropURL.parse(f"http://host{each}.example/{each:043}") for each in range(64)]
    friends.world.run(friends.bob.people.change_contact(contact.id, {"drop_urls": drops}))
    friends.asks(*[1.0] * 20)
    friends.passes(1)
    posted = [url for url, _ in friends.world.drop_servers.posted if "//host" in url]
    assert len(posted) == 20
    assert len(set(posted)) > 5


def test_a_flood(friends: Friends) -> None:
    """After 60 there is one each 5 seconds."""
    friends.asks(*[0.0] * 63)
    assert friends.passes(0, 4.9, 0.1, 5, 5, 5) == [60, 60, 61, 62, 63, 63]


def changes_contact(friends: Friends) -> None:
    """Move Alice to another drop."""
    [contact] = friends.bob.people.contacts()
    moved = DropURL.parse(f"{SERVER}/{7:043}")
    friends.world.run(friends.bob.people.change_contact(contact.id, {"drop_urls": [moved]}))


def adds_server(friends: Friends) -> None:
    """Add a drop server."""
    servers = [{"url": url, "auth": ""} for url in (SERVER, "http://more.example")]
    friends.world.run(friends.bob.synced.set("drop_servers", servers))


def fills_disk(friends: Friends) -> None:
    """Have the disk be full for a moment."""
    friends.bob._base.database.on_failure(StoreFull("full"))
    friends.world.clock.advance(1)


def sends(friends: Friends) -> None:
    """Send Alice a message."""
    friends.world.run(friends.world.say(friends.bob, "Hello"))


def tries_again(friends: Friends) -> None:
    """Have everything else tried again."""
    friends.bob.poster.try_again()
    friends.world.run(friends.bob._wiring.post_due())
    friends.bob._wiring.server_works(b"", SERVER, had_failed=True)


def changes_delay(friends: Friends) -> None:
    """Have later acknowledgements go out at once."""
    friends.world.run(friends.bob.local.set("privacy.acknowledge_delay", 0))


@pytest.mark.parametrize(
    "happens", [changes_contact, adds_server, fills_disk, sends, tries_again, changes_delay]
)
def test_nothing_hurries_it(friends: Friends, happens: Callable[[Friends], None]) -> None:
    """Whatever happens meanwhile, an acknowledgement goes out at its time."""
    friends.asks(50)
    happens(friends)
    before = len(friends.world.drop_servers.posted)
    friends.passes(25, 23.9)
    assert len(friends.world.drop_servers.posted) == before
    friends.passes(1.1)
    assert len(friends.world.drop_servers.posted) == before + 1


def never(friends: Friends) -> None:
    """Have nothing acknowledged, and then again."""
    for value in ("never", "contacts"):
        friends.world.run(friends.bob.local.set("privacy.acknowledge", value))


def deletes_and_adds(friends: Friends) -> None:
    """Delete the contact, and add it again."""
    [contact] = friends.bob.people.contacts()
    [identity] = friends.alice.people.identities()
    friends.world.run(friends.bob.people.delete_contact(contact.id))
    card = friends.alice.cards.contact_file(identity.id)
    friends.world.run(friends.bob.cards.import_contacts(None, card))


def blocks_contact(friends: Friends) -> None:
    """Block the contact, and unblock it."""
    [contact] = friends.bob.people.contacts()
    for value in (True, False):
        friends.world.run(friends.bob.people.change_contact(contact.id, {"blocked": value}))


def blocks_key(friends: Friends) -> None:
    """Block the key of the contact, and unblock it."""
    [contact] = friends.bob.people.contacts()
    key = PublicKey.from_hex(contact.public_key)
    blocked = friends.world.run(friends.bob.blocked.add(key))
    friends.world.run(friends.bob.blocked.remove(blocked.id))


def deletes_identity(friends: Friends) -> None:
    """Delete the identity that was written to."""
    [identity] = friends.bob.people.identities()
    friends.world.run(friends.bob.people.delete_identity(identity.id))


def purges_identity(friends: Friends) -> None:
    """Remove the identity that was written to, for good."""
    [identity] = friends.bob.people.identities()
    friends.world.run(friends.bob.purging.purge(identity.id))


ENDS = [never, deletes_and_adds, blocks_contact, blocks_key, deletes_identity, purges_identity]


@pytest.mark.parametrize("ends", ENDS)
def test_what_waits_is_dropped(friends: Friends, ends: Callable[[Friends], None]) -> None:
    """Who is not to get any more gets none that waits, even if that is taken back."""
    friends.asks(50, 60)
    ends(friends)
    assert friends.counts == AcknowledgementCounts(waiting=0, given_up=0)
    assert friends.passes(50, 50) == [0, 0]


@pytest.mark.parametrize("ends", ENDS)
def test_what_is_on_its_way_is_broken_off(
    friends: Friends, ends: Callable[[Friends], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection for somebody who is not to get any more is given up at once."""
    ended: list[object] = []
    hanging: list[Deferred[None]] = []

    def post(_: object, url: DropURL, message: bytes) -> "Deferred[None]":
        hanging.append(Deferred(ended.append))
        return hanging[-1]

    friends.asks(5)
    monkeypatch.setattr(MemoryDropServers, "post", post)
    friends.passes(5)
    assert (len(hanging), ended) == (1, [])
    ends(friends)
    assert ended == hanging
    assert friends.counts.waiting == 0


def test_never(friends: Friends) -> None:
    """With ``never``, messages are received, and nothing is acknowledged, nor later."""
    friends.world.run(friends.bob.local.set("privacy.acknowledge", "never"))
    friends.asks(5)
    assert friends.bob.inbox.messages == 1
    friends.world.run(friends.bob.local.set("privacy.acknowledge", "contacts"))
    assert friends.passes(50) == [0]


def test_never_is_kept_over_a_kill(friends: Friends) -> None:
    """The setting and what waits change in one transaction: no kill comes between them."""
    friends.asks(50)
    repository = friends.bob.acknowledgements._repository
    waits: list[int] = []
    friends.bob.local._listeners.insert(
        0, lambda *_: waits.append(result_of(repository.counts()).waiting)
    )
    friends.world.run(friends.bob.local.set("privacy.acknowledge", "never"))
    assert waits == [0]


def test_what_is_added_while_that_is_set(friends: Friends) -> None:
    """What a batch added after the setting was made is dropped when its time has come."""
    friends.asks(5)
    friends.bob.local._listeners.clear()
    friends.bob.local._follow = lambda *_: None
    friends.world.run(friends.bob.local.set("privacy.acknowledge", "never"))
    assert friends.passes(10) == [0]
    assert friends.counts.waiting == 0


def test_strangers_get_none_later_either(friends: Friends) -> None:
    """What was received from a stranger is not acknowledged when he becomes a contact."""
    [contact] = friends.bob.people.contacts()
    [identity] = friends.alice.people.identities()
    friends.world.run(friends.bob.people.delete_contact(contact.id))
    friends.asks(1)
    card = friends.alice.cards.contact_file(identity.id)
    friends.world.run(friends.bob.cards.import_contacts(None, card))
    friends.world.run(friends.world.heard(friends.bob))
    assert friends.passes(60, 60) == [0, 0]


def test_a_restart(friends: Friends) -> None:
    """Times survive a restart, moved by a draw each; nothing goes out at the start itself."""
    friends.asks(20, 5, 40)
    friends.passes(4)
    friends.restarts(3, 9, 1)
    assert friends.passes(0, 9.9, 0.1, 8.9, 0.1, 17.9, 0.1) == [0, 0, 1, 1, 2, 2, 3]


def test_a_long_stop(friends: Friends) -> None:
    """What became due while the daemon was off goes out one by one, after a draw each."""
    friends.asks(1, 2, 3)
    friends.world.run(friends.world.close())
    friends.world.clock.advance(86_400)
    friends.restarts(30, 10, 20)
    assert friends.passes(9.9, 0.1, 10, 10) == [0, 1, 2, 3]


def test_a_restart_with_nothing_wanted(friends: Friends) -> None:
    """What waits in spite of the setting, or for somebody deleted, goes at the start."""
    friends.asks(5)
    friends.bob.local._follow = lambda *_: None
    friends.bob.acknowledgements.people_changed = lambda: None  # type: ignore[method-assign]
    friends.world.run(friends.bob.local.set("privacy.acknowledge", "never"))
    assert friends.counts.waiting == 1
    friends.restarts()
    assert friends.counts.waiting == 0


def test_a_stop_while_one_is_on_its_way(friends: Friends, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no server has taken when the daemon stops is sent again after the next start."""
    friends.asks(5)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryDropServers, "post", lambda *_: Deferred())
        friends.passes(5)
        friends.restarts(8)
    assert friends.passes(7.9, 0.1) == [0, 1]


def test_a_server_that_is_away(friends: Friends) -> None:
    """It is tried again after pauses that grow, and no success of anything else shortens them."""
    friends.asks(1)
    friends.world.drop_servers.is_away = True
    friends.draws += [100.0]
    friends.passes(1)
    assert friends.bob.acknowledgements.counts["failed"] == 1
    friends.world.drop_servers.is_away = False
    friends.world.run(friends.world.say(friends.bob, "Hello"))
    before = len(friends.sent)
    assert friends.passes(50, 50.9, 1.1) == [before, before, before + 1]


def test_a_server_that_asks_for_patience(friends: Friends, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is not asked again before the time that it names."""
    friends.asks(1)
    busy = ServerRefused("busy", status=503, retry_after=300)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryDropServers, "post", fails_with(busy))
        friends.draws += [10.0]
        friends.passes(1)
    assert friends.passes(*[31] * 9, 30.9, 0.1) == [*[0] * 10, 1]


def test_a_server_that_refuses(friends: Friends) -> None:
    """What the contact's only drop refuses for good is given up, which the status counts."""
    friends.asks(1)
    friends.world.drop_servers.is_refusing = True
    friends.passes(1)
    status = friends.world.run(friends.bob.status())
    assert status.acknowledgements is not None
    assert (status.acknowledgements.waiting, status.acknowledgements.given_up) == (0, 1)
    assert status.posted.refused == 1


def test_a_jump_of_the_time_of_day(friends: Friends) -> None:
    """No jump of the time of day has anything sent, and none holds it up."""
    friends.asks(20, 30)
    for core in (friends.alice, friends.bob):
        assert core._base.now is friends.world.now
    offset = [86_400.0]
    friends.bob.acknowledgements._times._now = lambda: EPOCH + offset[0]
    assert friends.passes(19) == [0]
    offset[0] = -86_400.0
    assert friends.passes(1, 10) == [1, 2]


def test_a_process_that_stood_still(friends: Friends) -> None:
    """After a long standstill, or a jump of the clock of timers, times are drawn again."""
    friends.asks(1, 2, 3)
    friends.draws += [30, 10, 20]
    assert friends.passes(LATE + 10) == [0]
    assert friends.passes(10, 10, 10) == [1, 2, 3]


def test_a_database_that_fails(friends: Friends, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing can be stored nothing is sent; then times are drawn again."""
    friends.asks(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(
            "qabel.store.outbox.acknowledgement_turns.begin", fails_with(StoreFull("full"))
        )
        assert friends.passes(2) == [0]
        friends.draws += [7, 9]
    assert friends.passes(STORE_PAUSE, 6.9, 0.1, 2) == [0, 0, 1, 2]


def test_an_end_that_cannot_be_stored(friends: Friends, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is not sent again while that cannot be stored."""
    friends.asks(1)
    with monkeypatch.context() as patch:
        patch.setattr(
            "qabel.store.outbox.acknowledgement_turns.sent", fails_with(StoreFull("full"))
        )
        assert friends.passes(1, STORE_PAUSE, 50) == [1, 1, 1]
        assert friends.counts.waiting == 1
    assert friends.passes(STORE_PAUSE) == [1]
    assert friends.counts.waiting == 0


def test_an_unexpected_error(
    friends: Friends, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    """Whatever goes wrong is logged, and does not end the sending."""
    friends.asks(1)
    with monkeypatch.context() as patch:
        patch.setattr(
            "qabel.store.outbox.acknowledgement_turns.begin", fails_with(ValueError("odd"))
        )
        friends.passes(1)
    [logged] = logged_failures.flush()
    assert logged["log_failure"].check(ValueError)
    assert friends.passes(STORE_PAUSE) == [1]


def fails_with(error: Exception) -> Callable[..., Any]:
    """Return a function that raises an error."""

    def fail(*_: object) -> None:
        raise error

    return fail


def test_what_is_too_old_is_given_up(friends: Friends) -> None:
    """What could not be sent for long is given up by the housekeeping, and counted."""
    friends.asks(10 * KEEP_WAITING)
    friends.world.run(friends.bob.acknowledgements.expire())
    assert friends.counts.waiting == 1
    friends.world.clock.advance(KEEP_WAITING + 1)
    friends.world.run(friends.bob.acknowledgements.expire())
    assert friends.counts == AcknowledgementCounts(waiting=0, given_up=1)
