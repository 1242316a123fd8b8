"""Two people exchange messages: cores with real databases, drop servers in memory."""

import json

import pytest
import pytest_twisted
from attrs import evolve

from qabel.core.errors import Conflict, Invalid, NotFound, TooLarge
from qabel.core.sending.compose import Draft
from qabel.crypto import PrivateKey
from qabel.drop.transport import MESSAGE_SIZE


@pytest_twisted.ensureDeferred
async def test_message_arrives(world) -> None:
    """What one sends, the other finds in the inbox, once, with who it is from."""
    alice, bob = await world.friends()
    outcome = await world.say(alice, "Hello")
    assert outcome.is_complete
    assert len(world.drop_servers.posted[0][1]) == MESSAGE_SIZE
    [message] = await world.heard(bob)
    identity, contact = world.ids(bob)
    assert message["data"] == {"msg": "Hello"}
    assert (message["identity_id"], message["contact_id"]) == (identity, contact)
    assert message["sender"] == alice.people.identities()[0].public_key
    assert await world.heard(bob) == []


@pytest_twisted.ensureDeferred
async def test_restart_shows_nothing_twice(world) -> None:
    """After a restart the server gives all again, and nobody sees any of it."""
    alice, bob = await world.friends()
    await world.say(alice, "one")
    assert len(await world.heard(bob)) == 1
    await world.close()
    bob = await world.core("Bob", full_read_interval=0.0)
    assert world.drop_servers.messages
    assert await world.heard(bob) == []
    assert world.drop_servers.fetched[-1] is None
    assert len(await world.heard(bob, since="0")) == 1


@pytest_twisted.ensureDeferred
async def test_drops_of_deleted_identities_are_forgotten(world) -> None:
    """Nothing tells any more what an identity read, and its messages do not come twice."""
    alice, bob = await world.friends()
    await world.say(alice, "one")
    assert len(await world.heard(bob)) == 1
    saved = bob.cards.export_identity(world.ids(bob)[0])
    await bob.people.delete_identity(world.ids(bob)[0])
    await world.close()
    bob = await world.core("Bob")

    async def known() -> int:
        rows = await bob._base.database.run(
            lambda c: c.execute("SELECT count(*) FROM drops").fetchall()
        )
        return rows[0][0]

    for _ in range(100):
        if not await known():
            break
    else:
        raise AssertionError("it is not forgotten")
    before = len(world.drop_servers.fetched)
    await bob.cards.import_identity(saved)
    assert await world.heard(bob) == []
    assert world.drop_servers.fetched[before] is None


@pytest_twisted.ensureDeferred
async def test_queued_message_goes_out_after_restart(world) -> None:
    """A message that no server took is kept, and posted byte for byte after a restart."""
    alice, bob = await world.friends()
    world.drop_servers.is_away = True
    outcome = await world.say(alice, "later")
    assert not outcome.is_complete
    assert outcome.recipients[0].state == "queued"
    await world.close()
    world.drop_servers.is_away = False
    alice, bob = await world.core("Alice"), await world.core("Bob")
    while not world.drop_servers.posted:
        await alice.journal.changed()
    [message] = await world.heard(bob)
    assert message["data"] == {"msg": "later"}


@pytest_twisted.ensureDeferred
async def test_refused_message_fails(world) -> None:
    """A message that the server refuses for good is failed, with the reason."""
    alice, _ = await world.friends()
    world.drop_servers.is_refusing = True
    outcome = await world.say(alice, "no")
    assert outcome.recipients[0].state == "failed"
    record = await alice.outbox.get(outcome.id)
    assert record.recipients[0].state == "failed"
    assert "400" in record.recipients[0].reason
    assert json.loads(bytes(record.message))["data"] == {"msg": "no"}


@pytest_twisted.ensureDeferred
async def test_acknowledgement(world) -> None:
    """A message that asks for it is acknowledged once, and the outbox shows it."""
    alice, bob = await world.friends()
    outcome = await world.say(alice, "did it come?", acknowledge_id="auto")
    assert len(await world.heard(bob)) == 1
    while len(world.drop_servers.posted) < 2:
        await world.heard(bob)
    assert await world.heard(alice) == []
    record = await alice.outbox.get(outcome.id)
    assert record.recipients[0].acknowledged
    assert len(world.drop_servers.posted) == 2


@pytest_twisted.ensureDeferred
async def test_idempotency_key(world) -> None:
    """The same key again gives the same answer, and sends nothing; for another message, 409."""
    alice, _ = await world.friends()
    identity, contact = world.ids(alice)
    message = Draft("chat", {})
    first = await alice.outbox.send([contact], identity, message, idempotency_key="k")
    again = await alice.outbox.send([contact], identity, message, idempotency_key="k")
    assert first == again
    assert len(world.drop_servers.posted) == 1
    with pytest.raises(Conflict):
        await alice.outbox.send([contact], identity, Draft("chat", {"a": 1}), idempotency_key="k")


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_sent(world) -> None:
    """Each thing that is wrong with a send has its error, and nothing leaves."""
    alice, _ = await world.friends()
    identity, contact = world.ids(alice)
    message = Draft("chat", {})
    cases = [
        ([], identity, message, Invalid),
        ([contact], 99, message, Invalid),
        ([99], identity, message, NotFound),
        ([contact, 99], identity, message, NotFound),
        ([contact], identity, Draft("chat", {"a": "x" * 2048}), TooLarge),
        ([contact], identity, evolve(message, receiver="0" * 64), Invalid),
        ([contact], identity, evolve(message, sender="0" * 64), Invalid),
        ([PrivateKey.generate().public_key.hex], identity, message, NotFound),
    ]
    for recipients, sender, given, error in cases:
        with pytest.raises(error):
            await alice.outbox.send(recipients, sender, given)
    assert world.drop_servers.posted == []


@pytest_twisted.ensureDeferred
async def test_follower_sees_everything_in_order(world) -> None:
    """Messages, and changes of settings, are told in the order of their commits."""
    alice, bob = await world.friends()
    follower = bob.events.follow(None)
    await world.say(alice, "one")
    await bob.poller.poll_now()
    await bob.local.set("poll_interval", 7)
    seen = []
    while len(seen) < 2:
        seen += [entry.kind for entry in await follower.next()]
    assert seen == ["drop", "settings"]
    again = bob.events.follow("0")
    kinds = []
    while not kinds or kinds[-1] != "settings" or len(kinds) < 5:
        kinds += [entry.kind for entry in await again.next(2)]
    assert kinds.count("drop") == 1


@pytest_twisted.ensureDeferred
async def test_rubbish_is_passed_over(world) -> None:
    """Other people's messages and rubbish of any size harm nothing, and are looked at once."""
    alice, bob = await world.friends()
    url = bob.people.identities()[0].drops[0]
    rubbish = [b"", b"x", bytes(MESSAGE_SIZE), b"\1" * MESSAGE_SIZE, b"\0" + b"7" * 2148]
    world.drop_servers.messages[url] = [*rubbish * 100]
    await world.say(alice, "between")
    assert len(await world.heard(bob)) == 1
    counts = bob.receiver.counts
    assert counts.received == 1
    assert counts.rubbish == 0
    assert counts.passed_over >= 500 - 198


@pytest_twisted.ensureDeferred
async def test_status_is_honest(world) -> None:
    """The status tells of a failing server and of waiting messages."""
    alice, _ = await world.friends()
    world.drop_servers.is_away = True
    await world.say(alice, "waits")
    await alice.poller.poll_now()
    status = await alice.status()
    assert status.outbox.queued == 1
    assert status.drop_servers[0].failures == 1
    assert status.troubles
    assert await alice.health() == []
