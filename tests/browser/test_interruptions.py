"""What comes between the page and its daemon: the page says so, loses nothing, and goes on."""

import fcntl
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.browser.conftest import Come, Someone, moved
from tests.browser.people import bubble, pair
from tests.browser.scene import Api

PATIENCE = 30_000
"""Milliseconds in which the page has gone on: it tries at least every five seconds."""

WRITE_LOCK = 120
"""The byte of the -shm file that SQLite locks to write."""


@pytest.fixture
def alice(someone: Come, drop_server: str) -> Iterator[Someone]:
    """Return somebody with an identity."""
    one = someone("alice")
    prepare(one, drop_server)
    return one


def prepare(one: Someone, drop_server: str) -> None:
    """Add an identity."""
    api = Api(one.port, one.data)
    api("POST", "/servers", {"url": drop_server})
    api("POST", "/identities", {"alias": "Alice"})


def at(one: Someone, view: str) -> Any:
    """Open the page at a view."""
    page = one.page()
    page.locator("nav.nav").wait_for()
    page.evaluate("view => { location.hash = '#/' + view }", view)
    return page


def token_of(page: Any) -> str:
    """Return the token of the session of a page."""
    kept = "() => JSON.parse(sessionStorage.getItem('qabel.session')).token"
    return str(page.evaluate(kept))


def test_the_daemon_restarts(alice: Someone) -> None:
    """The page says that it waits, and goes on by itself with what has happened meanwhile."""
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    alice.dies()
    page.get_by_text("The daemon does not answer. This page goes on").wait_for()
    alice.starts()
    alice.command("settings", "set", "privacy.introduce", "never")
    page.get_by_text("The daemon does not answer.").wait_for(state="detached", timeout=PATIENCE)
    page.get_by_role("radio", name="Never", checked=True).wait_for()
    # It follows what happens again.
    alice.command("settings", "set", "privacy.introduce", "always")
    page.get_by_role("radio", name="Always", checked=True).wait_for()


def test_what_happens_while_the_page_is_cut_off(alice: Someone) -> None:
    """Events that were missed are caught up with."""
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    alice.context.set_offline(True)
    page.get_by_role("radio", name="Always").click()
    page.get_by_text("The daemon does not answer. Try again").wait_for()
    assert page.get_by_role("radio", name="Until they answer").is_checked()
    alice.command("settings", "set", "privacy.acknowledge", "never")
    alice.context.set_offline(False)
    page.get_by_role("radio", name="To nobody", checked=True).wait_for(timeout=PATIENCE)


class Thief(BaseHTTPRequestHandler):
    """Another program on the port, which answers everything, and notes what it is sent."""

    heard: ClassVar[list[str]]
    status: ClassVar[int]
    missing: ClassVar[int]
    """Bytes of each answer that never come."""

    def do_GET(self) -> None:
        """Note a request, and answer."""
        size = int(self.headers.get("Content-Length") or 0)
        self.heard.append(f"{self.requestline}\n{self.headers}\n{self.rfile.read(size)!r}")
        body = b'{"proof": "' + b"0" * 64 + b'"}'
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + self.missing))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_PATCH = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def thief(port: int, status: int, missing: int = 0) -> Iterator[list[str]]:
    """Take a port, and return what comes there."""
    heard: list[str] = []
    kind = type("OneThief", (Thief,), {"heard": heard, "status": status, "missing": missing})
    with ThreadingHTTPServer(("127.0.0.1", port), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield heard
        server.shutdown()


@pytest.mark.parametrize("status", [200, 401])
def test_another_program_takes_the_port(alice: Someone, status: int) -> None:
    """It never gets the token; the page says so, and goes on with the daemon."""
    alice.refused = {status}
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    token = token_of(page)
    alice.dies()
    with thief(alice.port, status) as heard:
        said = page.get_by_role("heading", name="Something else answers here")
        said.wait_for(timeout=PATIENCE)
        # What the user does does not lead the token astray either.
        page.evaluate("() => { location.hash = '#/settings/sessions' }")
        page.wait_for_timeout(1_000)
        assert any("/console/proof" in each for each in heard)
        assert not [each for each in heard if token in each or "uthorization" in each]
        # Who looks at the page of the other program takes no session there.
        assert page.evaluate("() => sessionStorage.getItem('qabel.session')") is None
    alice.starts()
    said.wait_for(state="detached", timeout=PATIENCE)
    page.get_by_text("This browser").wait_for()
    assert token_of(page) == token


def test_an_answer_breaks_off(alice: Someone) -> None:
    """As when the daemon is killed, or the page reloaded: the session is none the worse for it."""
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    token = token_of(page)
    alice.dies()
    with thief(alice.port, 200, missing=1) as heard:
        page.get_by_text("The daemon does not answer").wait_for()
        for _ in range(100):
            if sum("/console/proof" in each for each in heard) > 1:
                break
            page.wait_for_timeout(100)
        assert token_of(page) == token
        assert not [each for each in heard if token in each]
    alice.starts()
    page.get_by_text("The daemon does not answer").wait_for(state="detached", timeout=PATIENCE)
    page.reload()
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()


def test_a_conversation_that_could_not_be_read(someone: Come, drop_server: str) -> None:
    """It is read once the daemon answers again, though nobody asks a second time."""
    alice, _ = pair(someone, drop_server)
    alice.says("Here I am")
    page = alice.one.page()
    page.locator(".entry").wait_for()
    tries: list[str] = []

    def refuse(route: Any) -> None:
        tries.append(route.request.url)
        route.abort() if len(tries) == 1 else route.continue_()

    page.route("**/messages?**", refuse)
    page.locator(".entry").click()
    bubble(page, "Here I am").wait_for(timeout=PATIENCE)
    assert len(tries) > 1


def test_a_session_is_revoked_elsewhere(alice: Someone) -> None:
    """The page says so at once, and forgets the session."""
    alice.refused = {401}
    page = at(alice, "chat")
    api = Api(alice.port, alice.data)
    [session] = api("GET", "/tokens")
    api("DELETE", f"/tokens/{session['id']}")
    page.get_by_role("heading", name="This session has ended").wait_for(timeout=3_000)
    assert page.get_by_text("qabel open").is_visible()
    assert page.evaluate("() => sessionStorage.length") == 0


def test_two_tabs_and_a_code_that_was_used(alice: Someone, someone: Come) -> None:
    """Each tab has a session of its own; a used code lets nobody in, and the page says how."""
    first, second = at(alice, "settings/sessions"), at(alice, "chat")
    assert token_of(first) != token_of(second)
    url = alice.command("open", "--print")
    third = alice.context.new_page()
    third.goto(url)
    third.locator("nav.nav").wait_for()
    stranger = alice.context.browser.new_context(locale="en")
    try:
        other = stranger.new_page()
        other.goto(url)
        other.get_by_role("heading", name="Come in from the terminal").wait_for()
        assert other.get_by_text("qabel open").is_visible()
        assert other.get_by_text("it was used already").is_visible()
        assert other.evaluate("() => [location.hash, sessionStorage.length]") == ["", 0]
    finally:
        stranger.close()


def test_without_the_page(someone: Come) -> None:
    """With --no-console there is none, and qabel open says so."""
    one = someone("alice", "--no-console")
    page = one.context.new_page()
    answer = page.goto(f"http://127.0.0.1:{one.port}/")
    assert answer.status in (401, 404)
    assert "script" not in answer.text()
    with pytest.raises(AssertionError, match="without --no-console"):
        one.command("open", "--print")


def test_without_conversations(someone: Come, drop_server: str) -> None:
    """A daemon without the module chat has a page too, which says how to have conversations."""
    alice = someone("alice", "--no-module=chat")
    alice.refused = {403, 404}
    prepare(alice, drop_server)
    page = at(alice, "health")
    page.get_by_text("All is well").wait_for()
    page.evaluate("() => { location.hash = '#/chat' }")
    page.get_by_text("--no-module chat").wait_for()


def limit_files(one: Someone, size: int) -> None:
    """Let no file of a daemon grow past a size."""
    assert one.daemon is not None
    _, hard = resource.prlimit(one.daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(one.daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_the_disk_is_full(alice: Someone) -> None:
    """What cannot be stored is said at the field, and works once there is room."""
    alice.refused = {507}
    page = at(alice, "settings/privacy")
    delay = page.get_by_label("On average")
    delay.fill("31")
    limit_files(alice, (alice.data / "qabel.db-wal").stat().st_size)
    delay.press("Enter")
    # A log that has some room left takes a few more.
    error = page.locator("[id='privacy.acknowledge_delay-saved'] .error")
    for number in range(32, 60):
        page.wait_for_timeout(150)
        if error.is_visible():
            break
        delay.fill(str(number))
        delay.press("Enter")
    assert "disk" in error.inner_text()
    typed = delay.input_value()
    page.evaluate("() => { location.hash = '#/health' }")
    page.get_by_role("heading", name="The disk is full").wait_for(timeout=PATIENCE)
    limit_files(alice, resource.RLIM_INFINITY)
    page.get_by_text("All is well").wait_for(timeout=PATIENCE)
    page.evaluate("() => { location.hash = '#/settings/privacy' }")
    delay.fill(typed)
    delay.press("Enter")
    page.get_by_text("Saved.").wait_for()


def test_the_database_is_locked(alice: Someone) -> None:
    """Another program holds it: that is said, and the choice shown is the one that counts."""
    alice.refused = {503}
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    with (alice.data / "qabel.db-shm").open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, WRITE_LOCK, os.SEEK_SET)
        page.get_by_role("radio", name="Never").click()
        page.locator("[id='privacy.introduce-saved'] .error").wait_for(timeout=PATIENCE)
        assert page.get_by_role("radio", name="Until they answer").is_checked()
    page.get_by_role("radio", name="Never").click()
    page.get_by_text("Saved.").wait_for(timeout=PATIENCE)


def test_twelve_hours(someone: Come, drop_server: str, tmp_path: Path) -> None:
    """A page that stays open stays in; one that was away for longer has to come in again."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    alice = someone("alice", environment=moved(clock))
    prepare(alice, drop_server)
    alice.refused = {401}
    page = at(alice, "settings/sessions")
    page.get_by_text("This browser").wait_for()
    clock.write_text(str(13 * 3600))
    page.evaluate("() => { location.hash = '#/settings/privacy' }")
    page.get_by_role("radio", name="Until they answer", checked=True).wait_for()
    page.goto("about:blank")
    clock.write_text(str(26 * 3600))
    page.go_back()
    page.get_by_role("heading", name="This session has ended").wait_for()
