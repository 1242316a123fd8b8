"""Tokens: when they were last used is told at once, and kept over restarts."""

import time

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from qabel.core.errors import Invalid
from qabel.settings.synced import SYNCED


@pytest_twisted.ensureDeferred
async def test_last_use(world) -> None:
    """It is unknown at first, told from the first use on, and known after a restart."""
    core = await world.core("Alice")
    token = (await core.tokens.add("bot", ["read"])).token
    [shown] = core.tokens.all()
    assert shown.last_used is None
    before = int(time.time() * 1000)
    assert core.tokens.check(token) is not None
    [shown] = core.tokens.all()
    assert before <= shown.last_used <= time.time() * 1000
    await world.close()
    core = await world.core("Alice")
    assert core.tokens.all() == [shown]


@pytest_twisted.ensureDeferred
async def test_use_while_it_is_kept(world) -> None:
    """A use that comes while earlier ones are written is not forgotten."""
    core = await world.core("Alice")
    token = (await core.tokens.add("bot", ["read"])).token
    core.tokens.check(token)
    keeping = core.tokens.keep_uses()
    waiting = keeping.send(None)
    core.tokens.check(token)
    later = core.tokens.all()[0].last_used
    await waiting
    try:
        keeping.send(None)
    except StopIteration:
        assert core.tokens.all()[0].last_used == later
        assert core.tokens._used
    else:
        raise AssertionError("it waits for more")


@pytest_twisted.ensureDeferred
async def test_wrong_tokens_leave_no_trace(world) -> None:
    """Neither a guess nor the main token is noted."""
    core = await world.core("Alice")
    assert core.tokens.check("guess") is None
    assert core.tokens.check(core.tokens.path.read_text().strip()) is not None
    assert not core.tokens._used


@pytest_twisted.ensureDeferred
async def test_it_ends_with_its_identity(world) -> None:
    """A token for a deleted identity is gone at once; others, and those for no identity, stay."""
    core = await world.person("Alice")
    await core.people.add_identity("Second")
    first, second, every = [await core.tokens.add("t", ["read"], each) for each in (1, 2, None)]
    heard: list[int] = []
    core.tokens.on_end(lambda: heard.append(len(core.tokens.all())))
    await core.people.delete_identity(1)
    assert heard == [2]
    assert core.tokens.check(first.token) is None
    assert not core.tokens.has(first.id)
    assert core.tokens.has(0)
    for each in (second, every):
        assert core.tokens.check(each.token) is not None


@pytest_twisted.ensureDeferred
async def test_purged_identities(world) -> None:
    """Tokens for a key whose rows are gone are forgotten, and no others."""
    core = await world.person("Alice")
    token = await core.tokens.add("t", ["read"], 1)
    key = core.people.find(1).public_key.raw
    core.tokens.forget_identity(bytes(32))
    assert core.tokens.check(token.token) is not None
    core.tokens.forget_identity(key)
    assert core.tokens.check(token.token) is None


@pytest_twisted.ensureDeferred
async def test_an_identity_that_was_lost_while_the_daemon_was_down(world) -> None:
    """A token whose identity is not there at the start is deleted."""
    core = await world.person("Alice")
    await core.people.add_identity("Second")
    await core.tokens.add("lost", ["read"], 1)
    kept = await core.tokens.add("kept", ["read"], 2)
    document = SYNCED.with_deleted_item(core.synced.value, "identities", 1, now=5)
    await core.synced._repository.save("synced", SYNCED.encode(document), event=False, now=5.0)
    await world.close()
    core = await world.core("Alice")
    assert [each.id for each in core.tokens.all()] == [kept.id]
    assert [each.id for each in await core.tokens._repository.all()] == [kept.id]


@pytest_twisted.ensureDeferred
async def test_an_identity_that_is_deleted_while_its_token_is_made(world) -> None:
    """No token comes into being for it."""
    core = await world.person("Alice")
    deleting = Deferred.fromCoroutine(core.people.delete_identity(1))
    with pytest.raises(Invalid):
        await core.tokens.add("t", ["read"], 1)
    await deleting
    assert core.tokens.all() == await core.tokens._repository.all() == []
