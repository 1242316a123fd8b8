"""Notices of a real daemon, on a real message bus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import ANYWHERE, Daemon, eventually
from tests.integration.processes import Twistd
from tests.modules.notify.session import NEEDS_DBUS, FakeServer, message_bus_in, notice_server
from tests.modules.packages import installed

MODULES = ("--module=chat", "--module=notify")

pytestmark = NEEDS_DBUS


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """Run a message bus; return its address."""
    with message_bus_in(tmp_path) as (address, _):
        yield address


@pytest.fixture
def desktop(bus: str) -> Iterator[FakeServer]:
    """Run a server of notices."""
    with notice_server(bus) as server:
        yield server


@pytest.fixture
def me(tmp_path: Path, bus: str) -> Iterator[Daemon]:
    """Run a daemon in the session, with Alice and Bob, who know each other, and Eve."""
    env = {**installed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": bus}
    drops = ["qabel-drop", f"--data-dir={tmp_path / 'drops'}", f"--listen={ANYWHERE}"]
    with (
        Twistd(tmp_path / "drops.log", *drops) as server,
        Daemon(tmp_path, "me", *MODULES, env=env) as daemon,
    ):
        daemon.up()
        url = f"http://127.0.0.1:{server.port('qabel-drop')}"
        daemon.api.good("PUT", "/synced", {"key": "drop_servers", "value": [{"url": url}]})
        daemon.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
        made = [
            daemon.api.good("POST", "/identities", {"alias": each})
            for each in ("Alice", "Bob", "Eve")
        ]
        alice, bob, eve = made
        for mine, other in ((alice, bob), (bob, alice), (eve, bob)):
            card = daemon.api.good("GET", f"/identities/{other['id']}/contact")
            daemon.api.good("POST", f"/contacts/import?identity={mine['id']}", card)
        yield daemon


def say(daemon: Daemon, text: str, sender: str = "Alice") -> None:
    """Have somebody write to the only contact that they have."""
    [mine] = [each for each in daemon.api.good("GET", "/identities") if each["alias"] == sender]
    [contact] = daemon.api.good("GET", f"/contacts?identity={mine['id']}")
    message = {"model_object": "box_message", "data": {"msg": text}}
    body = {"sender": mine["id"], "recipients": [contact["id"]], "drop_message": message}
    daemon.api.good("POST", "/drop", body)


def conversation(daemon: Daemon) -> dict[str, Any]:
    """Return the conversation of Bob."""
    [bob] = [each for each in daemon.api.good("GET", "/identities") if each["alias"] == "Bob"]
    found = daemon.api.good("GET", f"/chat/conversations?identity={bob['id']}")["conversations"]
    made: dict[str, Any] = found[0]
    return made


def read(daemon: Daemon) -> None:
    """Read what was written to Bob."""
    found = conversation(daemon)
    path = f"/chat/conversations/{found['id']}/read"
    daemon.api.good("PUT", path, {"upto": found["last"]["cursor"]})


def unread(daemon: Daemon, count: int) -> None:
    """Wait until so many messages are unread."""
    eventually(lambda: daemon.api.good("GET", "/chat/unread")["total"] == count, "not unread")


def test_a_notice_comes_and_goes(me: Daemon, desktop: FakeServer) -> None:
    """It says who writes, not what; more messages replace it, and it goes when they are read."""
    say(me, "a secret <b>text</b>")
    eventually(lambda: desktop.open, "no notice")
    [first] = desktop.shown
    assert (first.title, first.body) == ("Alice", "New message")
    say(me, "another")
    eventually(lambda: len(desktop.shown) == 2, lambda: str(desktop.shown))
    assert (desktop.shown[1].replaced, desktop.shown[1].body) == (first.id, "2 new messages")
    read(me)
    eventually(lambda: not desktop.open, "it stays")
    me.api.good("PUT", "/settings", {"key": "module_data.notify.show", "value": "text"})
    say(me, "a secret <b>text</b>")
    eventually(lambda: desktop.open, "no notice")
    [third] = desktop.open.values()
    assert third.body == "a secret &lt;b&gt;text&lt;/b&gt;"
    desktop.dismiss(third.id)
    me.api.good("PUT", "/settings", {"key": "module_data.notify.show", "value": "nothing"})
    say(me, "again")
    eventually(lambda: desktop.open, "no notice")
    [fourth] = desktop.open.values()
    assert (fourth.replaced, fourth.title, fourth.body) == (0, "2 new messages", "")
    me.api.good("PUT", "/settings", {"key": "module_data.notify.desktop", "value": False})
    say(me, "and again")
    unread(me, 3)
    got = me.api.ask("PUT", "/settings", {"key": "module_data.notify.show", "value": "all"})
    assert got.body["errors"][0]["key"] == "module_data.notify.show"
    assert len(desktop.shown) == 4


def test_what_is_not_notified(me: Daemon, desktop: FakeServer) -> None:
    """Neither requests, nor own messages, nor muted conversations, nor what was there before."""
    say(me, "from a stranger", "Eve")
    eventually(lambda: me.api.good("GET", "/chat/requests")["requests"], "no request")
    say(me, "first")
    eventually(lambda: desktop.open, "no notice")
    read(me)
    eventually(lambda: not desktop.open, "it stays")
    path = f"/chat/conversations/{conversation(me)['id']}"
    me.api.good("PATCH", path, {"muted": True})
    say(me, "second")
    unread(me, 1)
    me.stop()
    me.again()
    me.api.good("PATCH", path, {"muted": False})
    say(me, "third")
    eventually(lambda: desktop.open, "no notice")
    assert [(each.title, each.body) for each in desktop.shown] == [
        ("Alice", "New message"),
        ("Alice", "2 new messages"),
    ]


def test_without_a_server_of_notices(me: Daemon) -> None:
    """That is said once, and all else works."""
    for text in ("one", "two"):
        say(me, text)
    unread(me, 2)
    said = "No notice could be shown on the desktop"
    eventually(lambda: said in me.process.log, "nothing said")
    say(me, "three")
    unread(me, 3)
    assert me.process.log.count(said) == 1
    module = me.api.good("GET", "/modules/notify")
    assert (module["state"], module["set_aside"]) == ("running", 0)


def test_without_a_session(tmp_path: Path) -> None:
    """A system service says that it has no desktop."""
    env = {**installed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""}
    with Daemon(tmp_path, "me", *MODULES, env=env) as daemon:
        daemon.up()
        eventually(lambda: "there is no session" in daemon.process.log, "nothing said")
        eventually(
            lambda: daemon.api.good("GET", "/modules/notify")["state"] == "running", "it fails"
        )
