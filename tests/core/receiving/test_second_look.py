"""Strangers fill what is kept of them and no more; what was refused comes once it can be kept."""

import json
from typing import Any

import pytest

from qabel.core.inbox.message_query import MessageQuery
from qabel.core.receiving.owned_drops import LONGEST_PAUSE
from qabel.core.receiving.second_look import INTERVAL, stranger_limits
from qabel.core.service import CoreService
from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.cards import ContactCard, write_meta_data
from qabel.settings.local import InboxSettings
from qabel.store.inbox.refused import Reason
from tests.core.conftest import ClockedWorld
from tests.core.receiving.test_receiver import drop_of, sealed

TEXT = "x" * 1700
FITTING = 516
"""How many messages with that text fit in a quota of 1 MiB."""


@pytest.fixture
def bob(clocked: ClockedWorld) -> CoreService:
    """Return a core that keeps 1 MiB of strangers, and polls every 2 s."""
    core = clocked.run(clocked.person("Bob"))
    clocked.run(core.local.set("inbox.stranger_quota", 1))
    clocked.run(core.local.set("poll_interval", 2))
    return core


@pytest.fixture
def eve() -> PrivateKey:
    """Return the key of a stranger."""
    return PrivateKey.generate()


def flood(clocked: ClockedWorld, bob: CoreService, by: PrivateKey, count: int) -> None:
    """Post messages of a stranger, and have them read."""
    server = clocked.drop_servers.messages[str(drop_of(bob))]
    server += [sealed(bob, by, TEXT, acknowledge_id=f"{number:04}") for number in range(count)]
    clocked.run(clocked.heard(bob))


def refused(clocked: ClockedWorld, core: CoreService) -> int:
    """Return how many messages of strangers were not kept, as the status says."""
    return strangers(clocked, core).refused


def strangers(clocked: ClockedWorld, core: CoreService) -> Any:
    """Return what the status says about strangers."""
    return clocked.run(core.status()).strangers


def messages(clocked: ClockedWorld, core: CoreService) -> list[int]:
    """Return the ids of all messages in the inbox."""
    page = clocked.run(core.inbox.read(MessageQuery(since="0", limit=10_000)))
    return [] if page.body is None else [each["id"] for each in json.loads(page.body)]


def pass_time(clocked: ClockedWorld, seconds: float = 30.0) -> None:
    """Have time pass, in steps so small that everything due happens."""
    clocked.clock.pump([1.0] * int(seconds))


def test_what_is_kept_of_strangers_is_bounded(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """What does not fit is not kept but counted, and a sentence says what to do."""
    flood(clocked, bob, eve, FITTING + 20)
    found = strangers(clocked, bob)
    assert bob.inbox.messages == FITTING
    assert (found.refused, found.quota_bytes) == (20, 2**20)
    assert 2**20 - 2200 < found.kept_bytes <= 2**20
    status = clocked.run(bob.status())
    assert (status.healthy, status.received.refused) == (True, 20)
    [trouble] = [each for each in status.troubles if "not kept" in each]
    assert trouble.startswith("20 messages were not kept: strangers' messages take 1 of 1 MiB.")


def test_what_was_being_opened_when_a_contact_was_added(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """What was classified before, and stored after the check that follows, is the contact's too."""
    card = write_meta_data(ContactCard("Eve", eve.public_key, (drop_of(bob),)))
    server = clocked.drop_servers.messages[str(drop_of(bob))]
    server.append(sealed(bob, eve, "first", meta_data=card))
    [first] = clocked.run(clocked.heard(bob))
    pass_time(clocked, INTERVAL)
    strange = bob.synced.value
    added = clocked.run(bob.accepting.accept(first["id"]))
    pass_time(clocked, INTERVAL)
    server.append(sealed(bob, eve, "second", acknowledge_id="2"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bob.receiver._intake, "_synced", lambda: strange)
        [second] = clocked.run(clocked.heard(bob))
    assert second["contact_id"] is None
    pass_time(clocked, INTERVAL)
    assert clocked.run(bob.inbox.message(second["id"])).contact_id == added.id


def test_deleted_messages_make_room(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """As many come as were deleted, though they were refused before."""
    flood(clocked, bob, eve, FITTING + 3)
    for message in messages(clocked, bob)[:2]:
        clocked.run(bob.inbox.delete(message))
    pass_time(clocked)
    assert (bob.inbox.messages, refused(clocked, bob)) == (FITTING, 1)
    assert len(messages(clocked, bob)) == FITTING


def test_a_larger_quota(clocked: ClockedWorld, bob: CoreService, eve: PrivateKey) -> None:
    """With a larger quota, what was refused comes, and nothing is wrong any more."""
    flood(clocked, bob, eve, FITTING + 3)
    clocked.run(bob.local.set("inbox.stranger_quota", 2))
    pass_time(clocked)
    assert (bob.inbox.messages, refused(clocked, bob)) == (FITTING + 3, 0)
    assert clocked.run(bob.status()).troubles == []


def test_after_a_restart(clocked: ClockedWorld, bob: CoreService, eve: PrivateKey) -> None:
    """What was refused before a restart comes after it, if there is room now."""
    flood(clocked, bob, eve, FITTING + 3)
    clocked.run(bob.local.set("inbox.stranger_quota", 2))
    clocked.run(bob.close())
    clocked.cores.remove(bob)
    again = clocked.run(clocked.core("Bob"))
    clocked.run(again.local.set("poll_interval", 2))
    pass_time(clocked)
    assert again.inbox.messages == FITTING + 3


def test_only_strangers_with_introductions(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """They must introduce themselves; the others' messages come once all strangers are kept."""
    clocked.run(bob.local.set("inbox.strangers", "introduced"))
    url, other = drop_of(bob), PrivateKey.generate()
    card = write_meta_data(ContactCard("Eve", eve.public_key, (url,)))
    clocked.drop_servers.messages[str(url)] += [
        sealed(bob, eve, "introduced", meta_data=card),
        sealed(bob, other, "with another's card", meta_data=card),
        sealed(bob, other, "without a word"),
    ]
    assert [each["data"]["msg"] for each in clocked.run(clocked.heard(bob))] == ["introduced"]
    assert refused(clocked, bob) == 2
    assert clocked.run(bob.status()).troubles == []
    clocked.run(bob.local.set("inbox.strangers", "keep"))
    pass_time(clocked)
    assert len(clocked.run(clocked.heard(bob))) == 2


def test_no_strangers(clocked: ClockedWorld, bob: CoreService, eve: PrivateKey) -> None:
    """Nothing is kept of strangers, and nothing of that is a problem; contacts are heard."""
    clocked.run(bob.local.set("inbox.strangers", "refuse"))
    friend = PrivateKey.generate()
    add_contact(clocked, bob, friend.public_key)
    flood(clocked, bob, eve, 2)
    flood(clocked, bob, friend, 2)
    assert (bob.inbox.messages, refused(clocked, bob)) == (2, 2)
    assert clocked.run(bob.status()).troubles == []


def test_a_stranger_becomes_a_contact(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """All of the new contact's messages come, and those that were kept take no room any more."""
    flood(clocked, bob, eve, FITTING + 3)
    add_contact(clocked, bob, eve.public_key)
    pass_time(clocked)
    assert bob.inbox.messages == FITTING + 3
    found = strangers(clocked, bob)
    assert (found.kept_bytes, found.refused) == (0, 0)


def test_each_deletion_does_not_cost_a_full_reading(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """However long a full reading takes, it is repeated only after a multiple of that time."""
    flood(clocked, bob, eve, FITTING + 20)
    [drop] = bob.drops._drops.values()
    bob.drops.ended_full_read(drop, 60.0)
    before = len(clocked.drop_servers.fetched)
    for message in messages(clocked, bob)[:10]:
        clocked.run(bob.inbox.delete(message))
        pass_time(clocked, 50.0)
    assert clocked.drop_servers.fetched[before:].count(None) == 0
    pass_time(clocked, LONGEST_PAUSE - 500.0 + INTERVAL + 2.0)
    assert clocked.drop_servers.fetched[before:].count(None) == 1
    assert (bob.inbox.messages, refused(clocked, bob)) == (FITTING, 10)


def test_without_refused_messages_nothing_is_read(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """Deleting alone is no reason to read a drop in full."""
    flood(clocked, bob, eve, 3)
    pass_time(clocked)
    before = len(clocked.drop_servers.fetched)
    clocked.run(bob.inbox.delete(messages(clocked, bob)[0]))
    pass_time(clocked)
    assert clocked.drop_servers.fetched[before:].count(None) == 0


def test_blocked_keys_are_passed_over(
    clocked: ClockedWorld, bob: CoreService, eve: PrivateKey
) -> None:
    """A blocked sender's messages are counted and not kept; they come once he is unblocked."""
    blocked = clocked.run(bob.blocked.add(eve.public_key))
    flood(clocked, bob, eve, 2)
    status = clocked.run(bob.status())
    assert (bob.inbox.messages, status.received.blocked, status.strangers.refused) == (0, 2, 0)
    pass_time(clocked)
    assert bob.inbox.messages == 0
    clocked.run(bob.blocked.remove(blocked.id))
    pass_time(clocked)
    assert bob.inbox.messages == 2


def test_settings_as_limits() -> None:
    """The quota is in mebibytes; each choice keeps what it says."""
    limits = stranger_limits(InboxSettings(strangers="introduced", stranger_quota=3))
    assert (limits.quota, limits.reasons) == (3 * 2**20, {Reason.INTRODUCED})
    assert stranger_limits(InboxSettings(strangers="refuse")).reasons == set()
    assert stranger_limits(InboxSettings()).reasons == {Reason.STRANGER, Reason.INTRODUCED}


def add_contact(clocked: ClockedWorld, core: CoreService, key: PublicKey) -> None:
    """Add somebody to the contacts of a core's only identity."""
    clocked.run(core.people.add_contact(None, "Eve", key, ()))
