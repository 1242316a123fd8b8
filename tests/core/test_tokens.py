"""Tokens: when they were last used is told at once, and kept over restarts."""

import time

import pytest_twisted


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
