"""Two people exchange messages: cores with real databases, drop servers in memory."""

import pytest
import pytest_twisted

from qabel.core.sending import send_schedule
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
async def test_queued_message_goes_out_after_restart(
    world, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that no server took is kept, and posted byte for byte after a restart."""
    monkeypatch.setattr(send_schedule, "exponential", lambda mean, draw: mean / 100)
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
