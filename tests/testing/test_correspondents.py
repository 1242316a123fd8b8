"""Correspondents: cores of people who write to each other over the same drop servers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.core.errors import Conflict
from qabel.testing.correspondents import RARELY, SERVER, Correspondents
from qabel.testing.drop_servers import MemoryDropServers


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> AsyncIterator[Correspondents]:
    """Provide correspondents whose cores are closed after the test."""
    made = Correspondents(tmp_path, reactor)
    yield made
    await made.close()


@pytest_twisted.ensureDeferred
async def test_a_new_core_is_empty_and_runs(world: Correspondents, tmp_path: Path) -> None:
    """A core in a new directory is started, and its user has neither identity nor server."""
    core = await world.core("new")
    assert core.running
    assert core.people.identities() == []
    assert core.synced.value.active_drop_servers == ()
    assert core.local.value.poll_interval == RARELY
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    with pytest.raises(Conflict):
        await core.people.add_identity("me")


@pytest_twisted.ensureDeferred
async def test_a_core_takes_options(world: Correspondents) -> None:
    """Push is off unless it is asked for, and other options reach the core."""
    plain = await world.core("plain")
    await world.use_server(plain)
    await plain.people.add_identity("plain")
    listening = await world.person("listening", push=True, stale_after=7)
    await deferLater(reactor, 0)
    assert (plain.push_watch.connected, listening.push_watch.connected) == (0, 1)
    assert listening._base.options.stale_after == 7


@pytest_twisted.ensureDeferred
async def test_a_person_has_an_identity_on_the_server(world: Correspondents) -> None:
    """A person has one identity of that name, whose drop is on the server that all use."""
    alice = await world.person("Alice")
    [identity] = alice.people.identities()
    assert identity.alias == "Alice"
    [drop] = identity.drops
    assert drop.startswith(f"{SERVER}/")


@pytest_twisted.ensureDeferred
async def test_friends_know_each_other(world: Correspondents) -> None:
    """Each of two friends has the other as the only contact, with the right key and drop."""
    alice, bob = await world.friends()
    for one, other in ((alice, bob), (bob, alice)):
        [contact], [identity] = one.people.contacts(), other.people.identities()
        assert contact.alias == identity.alias
        assert (contact.public_key, contact.drop_urls) == (identity.public_key, identity.drops)
        assert world.ids(one) == (one.people.identities()[0].id, contact.id)


@pytest_twisted.ensureDeferred
async def test_what_one_says_the_other_hears_once(world: Correspondents) -> None:
    """A message is posted when it is said, heard with the next poll, and then not new any more."""
    alice, bob = await world.friends()
    outcome = await world.say(alice, "Hello", acknowledge_id="7")
    assert outcome.is_complete
    assert outcome.acknowledge_id == "7"
    [message] = await world.heard(bob)
    assert (message["model_object"], message["data"]) == ("chat", {"msg": "Hello"})
    assert await world.heard(bob) == []
    assert await world.heard(alice) == []


@pytest_twisted.ensureDeferred
async def test_readers_hear_for_themselves(world: Correspondents) -> None:
    """What one reader has heard is new to another, and a query narrows what is heard."""
    alice, bob = await world.friends()
    await world.say(alice, "Hello")
    assert len(await world.heard(bob)) == 1
    assert await world.heard(bob, consumer="other", model_object="picture") == []
    assert len(await world.heard(bob, consumer="other")) == 1


@pytest_twisted.ensureDeferred
async def test_nobody_hears_without_asking(world: Correspondents) -> None:
    """Drops are not read again before somebody asks for it."""
    alice, bob = await world.friends()
    fetched = len(world.drop_servers.fetched)
    await world.say(alice, "Hello")
    assert len(world.drop_servers.fetched) == fetched
    assert bob.inbox.messages == 0


@pytest_twisted.ensureDeferred
async def test_a_core_opens_again_after_close(world: Correspondents) -> None:
    """After close no core runs; the same name opens what was there, with what servers hold."""
    alice, bob = await world.friends()
    await world.say(alice, "Hello")
    await world.close()
    assert not alice.running
    assert not bob.running
    assert world.cores == []
    again = await world.core("Bob")
    assert [each.alias for each in again.people.identities()] == ["Bob"]
    [message] = await world.heard(again)
    assert message["data"] == {"msg": "Hello"}


@pytest_twisted.ensureDeferred
async def test_servers_in_trouble_leave_messages_waiting(world: Correspondents) -> None:
    """What is said while servers are away waits, and is posted when they are back."""
    alice, bob = await world.friends()
    world.drop_servers.is_away = True
    outcome = await world.say(alice, "Hello")
    assert [each.state for each in outcome.recipients] == ["queued"]
    world.drop_servers.is_away = False
    follower = alice.events.follow(None, kinds=frozenset({"outbox"}))
    alice.poster.try_again()
    await follower.next()
    assert [each["data"] for each in await world.heard(bob)] == [{"msg": "Hello"}]


@pytest_twisted.ensureDeferred
async def test_two_worlds_are_apart(world: Correspondents, tmp_path: Path) -> None:
    """Drop servers can be given, and those of one world know nothing of another's."""
    servers = MemoryDropServers()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere = Correspondents(folder, reactor, drop_servers=servers)
    alice, _ = await world.friends()
    carol, _ = await elsewhere.friends()
    await world.say(alice, "Hello")
    assert servers.posted == []
    await elsewhere.say(carol, "Hello")
    assert len(servers.posted) == 1
    await elsewhere.close()
