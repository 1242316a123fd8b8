"""Receiving: nothing is lost, nothing doubles, whatever a server does."""

import os
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import fail
from twisted.logger import globalLogPublisher

from qabel.core.errors import StoreError
from qabel.core.receiving.poll_errors import NotStored, ReadFailed
from qabel.crypto import PrivateKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import MESSAGE_SIZE, seal_message
from qabel.drop.url import DropURL
from qabel.store.inbox.repository import InboxRepository
from tests.core.conftest import ClockedWorld


def drop_of(core: Any) -> DropURL:
    """Return the drop of somebody's first identity."""
    return DropURL.parse(core.people.identities()[0].drops[0])


def sealed(core: Any, by: PrivateKey, text: str, **more: Any) -> bytes:
    """Seal a message to somebody's first identity, as a stranger would."""
    receiver = core.synced.value.living_identities[0].public_key
    data = b'{"msg":"%b"}' % text.encode()
    given: dict[str, Any] = {"sender": by.public_key, **more}
    message = DropMessage(time_stamp=1, model_object="chat", data=data, **given)
    return seal_message(by, receiver, encode(message))


@pytest_twisted.ensureDeferred
async def test_torn_answer_keeps_what_came(world) -> None:
    """What came whole before an answer tore is kept, and the rest comes with the next reading."""
    bob = await world.person("Bob")
    url, stranger = drop_of(bob), PrivateKey.generate()
    messages = [sealed(bob, stranger, str(number)) for number in range(7)]
    world.drop_servers.messages[str(url)] = messages
    world.drop_servers.torn_after = 3
    with pytest.raises(ReadFailed):
        await bob.receiver.read(url)
    assert bob.inbox.messages == 3
    world.drop_servers.torn_after = None
    await bob.receiver.read(url)
    assert world.drop_servers.fetched[-1] is None
    assert [each["data"]["msg"] for each in await world.heard(bob)] == list("0123456")


@pytest_twisted.ensureDeferred
async def test_a_failing_database_is_not_blamed_on_the_server(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be stored is an error of its own, and comes when the database works again."""
    bob = await world.person("Bob")
    url, stranger = drop_of(bob), PrivateKey.generate()
    world.drop_servers.messages[str(url)] = [sealed(bob, stranger, "hello")]
    with monkeypatch.context() as failing:
        failing.setattr(InboxRepository, "keep", lambda *_, **__: fail(StoreError("Full.")))
        with pytest.raises(NotStored, match=r"Full\."):
            await bob.receiver.read(url)
        await bob.poller.poll_now()
        [server] = (await bob.status()).drop_servers
        assert (server.failures, server.last_error) == (0, None)
    await bob.poller.poll_now()
    assert [each["data"]["msg"] for each in await world.heard(bob)] == ["hello"]


@pytest_twisted.ensureDeferred
async def test_full_reading_finds_what_the_cursor_straddled(world) -> None:
    """A message that the server never gives after the cursor is found by reading everything."""
    bob = await world.person("Bob", full_read_interval=0.05)
    url, stranger = drop_of(bob), PrivateKey.generate()
    world.drop_servers.messages[str(url)] = [sealed(bob, stranger, "first")]
    await bob.receiver.read(url)
    # It came in before the newest one, as far as the server's cursor goes.
    world.drop_servers.messages[str(url)].insert(0, sealed(bob, stranger, "straddled"))
    while bob.inbox.messages < 2:
        await bob.receiver.read(url)
    assert {each["data"]["msg"] for each in await world.heard(bob)} == {"first", "straddled"}


@pytest_twisted.ensureDeferred
async def test_given_twice_and_in_two_drops(world) -> None:
    """A message is in the inbox once, however often and wherever a server gives it."""
    bob = await world.person("Bob")
    [first] = bob.people.identities()[0].drops
    second = str(DropURL.on_server("http://drop.example"))
    await bob.people.change_identity("1", {"drops": [first, second]})
    message = sealed(bob, PrivateKey.generate(), "once")
    world.drop_servers.messages[first] = [message] * 5
    world.drop_servers.messages[second] = [message] * 5
    assert len(await world.heard(bob)) == 1


@pytest_twisted.ensureDeferred
async def test_new_owner_sees_old_messages(world) -> None:
    """When another identity begins to read a drop, what was foreign in it may be its own."""
    bob, key = await world.person("Bob"), PrivateKey.generate()
    url, stranger = drop_of(bob), PrivateKey.generate()
    text = encode(DropMessage(1, stranger.public_key, "chat", b"{}"))
    world.drop_servers.messages[str(url)] = [seal_message(stranger, key.public_key, text)]
    assert await world.heard(bob) == []
    document = (f'{{"alias":"Bobby","private_key":"{key.hex}","drop_urls":["{url}"]}}').encode()
    await bob.cards.import_identity(document)
    [message] = await world.heard(bob)
    assert message["receiver"] == key.public_key.hex


@pytest_twisted.ensureDeferred
async def test_spoofed_and_introduced(world) -> None:
    """A message in another's name is passed over; meta data about others are not shown."""
    bob = await world.person("Bob")
    url, stranger, victim = drop_of(bob), PrivateKey.generate(), PrivateKey.generate()

    def card(key: PrivateKey) -> bytes:
        return (
            f'{{"alias":"x","drop_url":"{url}","public_key":'
            f'{{"public_key":"{key.public_key.hex}"}},"phone":"","email":""}}'
        ).encode()

    world.drop_servers.messages[str(url)] = [
        sealed(bob, stranger, "spoofed", sender=victim.public_key),
        sealed(bob, stranger, "false card", meta_data=card(victim)),
        sealed(bob, stranger, "true card", meta_data=card(stranger)),
    ]
    first, second = await world.heard(bob)
    assert (first["data"]["msg"], "meta_data" in first) == ("false card", False)
    assert second["meta_data"]["public_key"]["public_key"] == stranger.public_key.hex
    assert bob.receiver.counts.spoofed == 1


def test_spoofed_messages_do_not_fill_the_log(clocked: ClockedWorld) -> None:
    """However many there are, there is one line a minute, and the status has their number."""
    bob, stranger = clocked.run(clocked.person("Bob")), PrivateKey.generate()
    lying = clocked.drop_servers.messages[str(drop_of(bob))]
    victim, lines = PrivateKey.generate().public_key, []
    globalLogPublisher.addObserver(lines.append)
    try:
        for _ in range(2):
            lying += [sealed(bob, stranger, "spoofed", sender=victim) for _ in range(100)]
            clocked.run(clocked.heard(bob))
            clocked.clock.advance(1)
    finally:
        globalLogPublisher.removeObserver(lines.append)
    warnings = [each for each in lines if "another sender" in str(each["log_format"])]
    assert len(warnings) == 1
    assert clocked.run(bob.status()).received.spoofed == 200


@pytest_twisted.ensureDeferred
async def test_strangers_get_no_acknowledgement(world) -> None:
    """Whoever is no contact learns nothing, and messages about messages are never answered."""
    _, bob = await world.friends()
    url = drop_of(bob)
    world.drop_servers.messages[str(url)] = [
        sealed(bob, PrivateKey.generate(), "hello", acknowledge_id="please"),
    ]
    assert len(await world.heard(bob)) == 1
    assert world.drop_servers.posted == []


@pytest_twisted.ensureDeferred
async def test_a_large_drop(world) -> None:
    """One's own messages are found among many of others, in their order."""
    bob = await world.person("Bob")
    url, stranger = drop_of(bob), PrivateKey.generate()
    foreign = [b"\0" + os.urandom(MESSAGE_SIZE - 1) for _ in range(1200)]
    own = [sealed(bob, stranger, str(number)) for number in range(3)]
    world.drop_servers.messages[str(url)] = [
        *foreign[:500],
        own[0],
        *foreign[500:900],
        own[1],
        *foreign[900:],
        own[2],
    ]
    assert [each["data"]["msg"] for each in await world.heard(bob)] == ["0", "1", "2"]
    assert bob.receiver.counts.passed_over == 1200


@pytest_twisted.ensureDeferred
async def test_server_without_cursors(world) -> None:
    """A server that always gives everything has it opened once, and told apart by hash then."""
    bob = await world.person("Bob")
    url = drop_of(bob)
    world.drop_servers.has_cursors = False
    world.drop_servers.messages[str(url)] = [
        *(b"\0" + os.urandom(MESSAGE_SIZE - 1) for _ in range(20)),
        sealed(bob, PrivateKey.generate(), "once"),
    ]
    for _ in range(4):
        await bob.receiver.read(url)
    counts = bob.receiver.counts
    # The poller may have been there too.
    assert (counts.received, counts.passed_over) == (1, 20)
    assert counts.seen_before >= 3 * 21


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


def test_sealed_for_each_drop(clocked: ClockedWorld) -> None:
    """A message in boxes of its own for each drop is shown and acknowledged once."""
    alice, bob = clocked.run(clocked.friends())
    [first] = bob.people.identities()[0].drops
    second = str(DropURL.on_server("http://drop.example"))
    clocked.run(bob.people.change_identity("1", {"drops": [first, second]}))
    key = alice.synced.value.living_identities[0].private_key
    for url in (first, second):
        clocked.drop_servers.messages[url] += [
            sealed(bob, key, "both", acknowledge_id=each) for each in ("one", "two")
        ]
    assert len(clocked.run(clocked.heard(bob))) == 2
    clocked.clock.advance(60)
    assert len(clocked.drop_servers.posted) == 2
