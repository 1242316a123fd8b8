"""Sessions of the console: one code, one browser."""

import hmac
import time
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from qabel.core.console_sessions import CODE_SECONDS, IDLE, MOST_CODES
from qabel.core.errors import Conflict, Invalid

URL = "http://127.0.0.1:9696/"


async def served(world: Any) -> Any:
    """Return a core whose page is served."""
    core = await world.core("Alice")
    core.console.page_url = lambda: URL
    return core


@pytest_twisted.ensureDeferred
async def test_a_code_lets_in_once(world) -> None:
    """It is worth one session, which may do no more than the page does."""
    core = await served(world)
    code = core.console.new_code()
    assert code.url == f"{URL}#{code.code}"
    assert len(bytes.fromhex(code.code)) == 16
    session = await core.console.begin(code.code, "Firefox")
    access = core.tokens.check(session.token)
    assert access is not None
    assert access.scopes == set(session.scopes)
    assert access.scopes.isdisjoint({"admin", "keys", "settings"})
    with pytest.raises(Invalid, match="qabel open"):
        await core.console.begin(code.code, "Firefox")
    with pytest.raises(Invalid):
        await core.console.begin("0" * 32, "Firefox")


@pytest_twisted.ensureDeferred
async def test_it_may_do_what_modules_of_the_page_offer(world) -> None:
    """Scopes of chat and files, but not of other modules, are those of a session."""
    core = await served(world)
    core.tokens.module_scopes = frozenset({"chat:read", "chat:send", "other:read"})
    session = await core.console.begin(core.console.new_code().code, "Firefox")
    assert {"chat:read", "chat:send"} <= set(session.scopes)
    assert "other:read" not in session.scopes


@pytest_twisted.ensureDeferred
async def test_old_codes(world, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is worth nothing after a minute, and of very many the oldest."""
    core = await served(world)
    clock = Clock()
    monkeypatch.setattr(core.console, "_clock", clock)
    late = core.console.new_code().code
    clock.advance(CODE_SECONDS)
    with pytest.raises(Invalid):
        await core.console.begin(late, "Firefox")
    first, *others = (core.console.new_code().code for _ in range(MOST_CODES + 1))
    with pytest.raises(Invalid):
        await core.console.begin(first, "Firefox")
    assert await core.console.begin(others[0], "Firefox")


@pytest_twisted.ensureDeferred
async def test_nowhere(world) -> None:
    """Without a place where the page is served there is no code, and it says how to mend that."""
    core = await world.core("Alice")
    with pytest.raises(Conflict, match="--listen"):
        core.console.new_code()


@pytest_twisted.ensureDeferred
async def test_the_daemon_proves_itself_also_after_a_restart(world) -> None:
    """The key of a session holds for as long as the session."""
    core = await served(world)
    session = await core.console.begin(core.console.new_code().code, "Firefox")
    key = bytes.fromhex(session.proof_key)
    assert (
        core.console.proof("nönce").proof == hmac.new(key, "nönce".encode(), "sha256").hexdigest()
    )
    await world.close()
    core = await served(world)
    assert core.console.proof("x").proof == hmac.new(key, b"x", "sha256").hexdigest()
    assert core.tokens.check(session.token) is not None


@pytest_twisted.ensureDeferred
async def test_a_session_ends_without_use(world, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each use puts the end off; afterwards it is not valid, and not listed once that is noted."""
    core = await served(world)
    now = time.time()
    monkeypatch.setattr(core.tokens, "_now", lambda: now)
    session = await core.console.begin(core.console.new_code().code, "Firefox")
    kept = await core.tokens.add("bot", ["read"])
    assert core.tokens.all()[0].ends == int(now * 1000) + IDLE * 1000
    for _ in range(3):
        now += IDLE - 1
        assert core.tokens.check(session.token) is not None
        await core.tokens.end_idle()
        await core.tokens.keep_uses()
    now += IDLE - 1
    core.tokens.on_review(lambda: core.tokens.note_use(session.token))
    await core.tokens.end_idle()
    core.tokens._reviewers.clear()
    now += IDLE - 1
    assert core.tokens.check(session.token) is not None
    now += IDLE
    assert core.tokens.check(session.token) is None
    await core.tokens.end_idle()
    assert [each.id for each in core.tokens.all()] == [kept.id]
    assert core.tokens.check(kept.token) is not None


@pytest_twisted.ensureDeferred
async def test_a_machine_that_slept_with_the_page_open(
    world, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that comes before any review is one of a session in use: its stream is open."""
    core = await served(world)
    now = time.time()
    monkeypatch.setattr(core.tokens, "_now", lambda: now)
    session = await core.console.begin(core.console.new_code().code, "Firefox")
    assert core.tokens.check(session.token)
    core.tokens.on_review(lambda: core.tokens.note_use(session.token))
    now += 2 * IDLE
    assert core.tokens.check(session.token)
    other = await core.console.begin(core.console.new_code().code, "Chromium")
    assert core.tokens.check(other.token)
    now += 2 * IDLE
    assert core.tokens.check(other.token) is None
