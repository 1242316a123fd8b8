"""Modules of a third party in real daemons: what they get, and what holds whatever they do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import SOON, Daemon, eventually
from tests.modules.packages import installed

SERVER = "--drop-server=tcp:0:interface=127.0.0.1"


@pytest.fixture
def me(tmp_path: Path) -> Iterator[Daemon]:
    """Run a daemon with the modules, whose user has two identities that know each other."""
    env = installed(tmp_path)
    with Daemon(tmp_path, "me", SERVER, "--module=probe", "--module=helper", env=env) as daemon:
        daemon.up()
        befriend(daemon)
        yield daemon


def befriend(daemon: Daemon) -> None:
    """Add two identities that know each other."""
    api = daemon.api
    api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
    api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
    made = [api.good("POST", "/identities", {"alias": each}) for each in ("Alice", "Bob")]
    for mine, other in (made, made[::-1]):
        card = api.good("GET", f"/identities/{other['id']}/contact")
        api.good("POST", f"/contacts/import?identity={mine['id']}", card)


def write(daemon: Daemon, kind: str, text: str) -> dict[str, Any]:
    """Have Alice write to Bob."""
    [alice, _] = daemon.api.good("GET", "/identities")
    [contact] = daemon.api.good("GET", f"/contacts?identity={alice['id']}")
    message = {
        "model_object": kind,
        "data": {"text": text, "msg": text},
        "acknowledge_id": "auto",
    }
    body = {"sender": alice["id"], "recipients": [contact["id"]], "drop_message": message}
    sent: dict[str, Any] = daemon.api.good("POST", "/drop", body)
    return sent


def seen(daemon: Daemon) -> list[str]:
    """Return what the module has seen."""
    found: list[str] = daemon.api.good("GET", "/probe")
    return found


def test_what_it_gets(me: Daemon) -> None:
    """Messages, settings, other modules and their events, people; its own events it never sees."""
    write(me, "probe", "one")
    eventually(lambda: "received one True" in seen(me), lambda: str(seen(me)))
    me.api.good("PUT", "/settings", {"key": "module_data.probe.sound", "value": "none"})
    eventually(lambda: "settings none" in seen(me), lambda: str(seen(me)))
    write(me, "helper", "two")
    eventually(lambda: "heard helper.done True" in seen(me), lambda: str(seen(me)))
    assert not [each for each in seen(me) if "probe.new" in each]
    assert me.api.good("GET", "/probe/now") == ["none", "Hello from helper", "Alice", "Bob"]
    module = me.api.good("GET", "/modules/probe")
    assert module["slow_calls"] >= 1
    metrics = me.api.ask("GET", "/metrics").body
    assert f'qabel_module_slow_calls_total{{module="probe"}} {module["slow_calls"]}.0' in metrics


def test_what_it_stores_is_checked(me: Daemon, tmp_path: Path) -> None:
    """Every way in has all errors with whole keys; what does not fit later is used as defaults."""
    api, bad = me.api, {"sound": "drum", "n": 10, "more": 1}
    expected = {f"module_data.probe.{each}" for each in bad}
    for method, body in (
        ("PUT", {"key": "module_data.probe", "value": bad}),
        ("PATCH", {"module_data": {"probe": bad}}),
        ("POST", {"settings": {"module_data": {"probe": bad}}}),
    ):
        got = api.ask(method, "/settings", body)
        assert got.status == 400
        assert {each["key"].removeprefix("settings.") for each in got.body["errors"]} >= expected
    command = [sys.executable, "-m", "qabel", f"--data-dir={me.directory}"]
    command += ["settings", "set", "module_data.probe.sound", "drum"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "module_data.probe.sound" in done.stderr) == (1, True)
    wrong = {"module_data": {"probe": {"pinned": 1}}}
    [contact, *_] = api.good("GET", "/contacts")
    got = api.ask("PATCH", f"/contacts/{contact['id']}", wrong)
    assert got.body["errors"][0]["key"] == "module_data.probe.pinned"
    new = {"alias": "Eve", "public_key": "09" + 62 * "0", "identity": 1, **wrong}
    got = api.ask("POST", "/contacts", new)
    assert "module_data.probe.pinned" in {each["key"] for each in got.body["errors"]}
    got = api.ask("PUT", "/synced", {"key": f"contacts.{contact['id']}.module_data",
                                     "value": wrong["module_data"]})  # fmt: skip
    key = f"contacts.{contact['id']}.module_data.probe.pinned"
    assert [each["key"] for each in got.body["errors"]] == [key]
    api.good("PUT", "/settings", {"key": "module_data.other.any", "value": [1]})
    assert "ProbeModuleSettings" in api.good("GET", "/openapi.json")["components"]["schemas"]
    me.stop()
    # Without the module anything may be stored.
    with Daemon(tmp_path, "me", env=installed(tmp_path / "again")) as plain:
        plain.up()
        plain.api.good("PUT", "/settings", {"key": "module_data.probe", "value": bad})
        plain.stop()
    me.again()
    assert me.api.good("GET", "/probe/now")[0] == "bell"
    assert me.api.good("GET", "/settings")["module_data"] == {"other": {"any": [1]}, "probe": bad}
    eventually(lambda: "module probe has stored in the local settings" in me.troubles(), "fine")
    me.api.good("PATCH", "/settings", {"module_data": {"probe": None}})
    eventually(lambda: "has stored" not in me.troubles(), "still wrong")


def state_of(daemon: Daemon, sent: dict[str, Any]) -> tuple[str, str | None, bool]:
    """Return what became of a message to its only recipient."""
    [delivery] = daemon.api.good("GET", f"/outbox/{sent['id']}")["recipients"]
    return delivery["state"], delivery["reason"], delivery["acknowledged"] is not None


def test_kinds_that_nobody_owns(tmp_path: Path) -> None:
    """They are kept and acknowledged, and shown in chat; or refused, and not shown there."""
    env = installed(tmp_path)
    with Daemon(tmp_path, "me", SERVER, "--module=chat", "--module=probe", env=env) as me:
        me.up()
        befriend(me)
        kept = write(me, "alien", "first")
        eventually(lambda: state_of(me, kept)[2], lambda: str(state_of(me, kept)))
        eventually(lambda: "first" in shown(me), lambda: shown(me))
        me.api.good("PUT", "/settings", {"key": "inbox.unknown_kinds", "value": "refuse"})
        refused, owned = write(me, "alien", "second"), write(me, "probe", "third")
        eventually(lambda: state_of(me, refused)[0] == "failed", "not refused")
        assert "UNKNOWN_MODULE" in str(state_of(me, refused)[1])
        eventually(lambda: state_of(me, owned)[2], "not acknowledged")
        assert me.heard() == ["first", "second", "third"]
        said = write(me, "box_message", "fourth")
        eventually(lambda: state_of(me, said)[2], "not acknowledged")
        eventually(lambda: "fourth" in shown(me), lambda: shown(me))
        assert "second" not in shown(me)


def shown(daemon: Daemon) -> str:
    """Return all conversations and their messages as text."""
    found = daemon.api.good("GET", "/chat/conversations")["conversations"]
    return json.dumps(
        [daemon.api.good("GET", f"/chat/conversations/{each['id']}/messages") for each in found]
    )


def test_two_modules_with_one_kind(tmp_path: Path) -> None:
    """The daemon does not start, and names both in one line."""
    env = installed(tmp_path)
    with Daemon(tmp_path, "me", "--module=probe", "--module=rival", env=env) as me:
        me.process.process.wait(SOON)
        [line] = [each for each in me.process.errors.splitlines() if "kind" in each]
        assert "probe and rival" in line


@pytest.mark.parametrize("option", ["--module=caht", "--no-module=caht"])
def test_a_name_that_is_not_installed(tmp_path: Path, option: str) -> None:
    """The daemon does not start, and says so in one line."""
    with Daemon(tmp_path, "me", option, env=installed(tmp_path)) as me:
        me.process.process.wait(SOON)
        [line] = me.process.errors.splitlines()
        assert "There is no module 'caht'. Installed: chat, helper, notify, probe, rival." in line


def test_a_module_that_hangs(me: Daemon) -> None:
    """It holds up modules for a while, and nothing else; then the others go on without it."""
    sent = write(me, "probe", "hang")
    eventually(lambda: state_of(me, sent)[2], "not received")
    other = write(me, "helper", "two")
    eventually(lambda: state_of(me, other)[2], "not received")
    for _ in range(5):
        assert me.api.ask("GET", "/settings").status == 200
        assert me.api.ask("GET", "/probe").status == 200
    eventually(lambda: "The module probe does not run" in me.troubles(), "it is fine")
    module = me.api.good("GET", "/modules/probe")
    assert (module["state"], module["reason"]) == ("failed", "It did not return within 30 s.")

    def is_done(name: str) -> bool:
        module = me.api.good("GET", f"/modules/{name}")
        return (module["state"], module["done"]) == ("running", 1.0)

    eventually(lambda: is_done("helper") and is_done("chat"), "others do not go on")
    assert me.stop() < 5
