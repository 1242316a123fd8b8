"""The module of the documentation: a package of its own, installed beside the daemon."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.integration.client import Api
from tests.integration.daemons import SOON, Daemon, eventually
from tests.integration.processes import ROOT
from tests.modules.conftest import PACKAGE


def test_the_module_of_the_documentation(site: Path, tmp_path: Path) -> None:
    """It is found, keeps notes, tells of them, offers them to its tokens, and can be rebuilt."""
    options = "--drop-server=tcp:0:interface=127.0.0.1", "--module=notes"
    env = {"PYTHONPATH": f"{site}:{ROOT}"}
    with Daemon(tmp_path, "me", *options, env=env) as me:
        me.up()
        send_note(me.api, "Milk")
        eventually(lambda: me.api.good("GET", "/notes"), "no note")
        [found] = me.api.good("GET", "/notes")
        assert found["text"] == "Milk"
        [_, module] = me.api.good("GET", "/modules")
        assert (module["name"], module["state"], module["set_aside"]) == ("notes", "running", 0)
        assert "/notes" in me.api.good("GET", "/openapi.json")["paths"]
        new = {"name": "reader", "scopes": ["notes:read"]}
        token = {"Authorization": f"Bearer {me.api.good('POST', '/tokens', new)['token']}"}
        port = me.process.port("qabel-rest")
        over_tcp = Api(me.directory, port)
        assert over_tcp.ask("GET", "/notes", headers=token).status == 200
        assert over_tcp.ask("GET", "/drop", headers=token).status == 403
        unknown = {"name": "x", "scopes": ["nots:read"]}
        assert me.api.ask("POST", "/tokens", unknown).status == 400
        assert "Keeps notes that people send." in qabel(me, "module", "list")
        assert "Milk" in qabel(me, "notes", env=env)
        assert "List the notes." in qabel(me, "--help", env=env)
        assert "Rebuilding notes." in qabel(me, "module", "rebuild", "notes")
        eventually(lambda: me.api.good("GET", "/modules/notes")["state"] == "running", "building")
        assert me.api.good("GET", "/notes") == [found]
        me.api.good("DELETE", f"/drop/{found['id']}")
        assert me.api.good("GET", "/notes") == []
        me.stop()
        # Its tables stay while it is switched off, and it goes on where it was.
        me.again()
        assert me.api.good("GET", "/notes") == []


def test_its_own_tests(tmp_path: Path) -> None:
    """The tests of the documentation, which kill the module at each step, succeed."""
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path}", "--rootdir=."]
    env = {**os.environ, "PYTHONPATH": f"{PACKAGE}:{ROOT}"}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "test_qabel_notes.py"],
        cwd=PACKAGE,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_module_that_is_not_installed(tmp_path: Path) -> None:
    """The daemon does not start without a module that was asked for, and says which there are."""
    with Daemon(tmp_path, "me", "--module=caht") as me:
        me.process.process.wait(SOON)
        assert "There is no module 'caht'" in me.process.errors


def test_a_command_of_a_module_that_is_off(site: Path, tmp_path: Path) -> None:
    """It says so, and how to switch the module on."""
    env = {"PYTHONPATH": f"{site}:{ROOT}"}
    with Daemon(tmp_path, "me", "--no-module=notes", env=env) as me:
        me.up()
        done = run_qabel(me, "notes", env=env)
        assert done.returncode == 1
        assert done.stderr.startswith("qabel: The module notes does not run in the daemon. ")
        assert done.stderr.endswith(" --module notes\n")


def qabel(daemon: Daemon, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run the command, which must succeed, and return its output."""
    done = run_qabel(daemon, *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_qabel(
    daemon: Daemon, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "qabel", f"--data-dir={daemon.directory}", *arguments]
    return subprocess.run(
        command, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )


def send_note(api: Api, text: str) -> None:
    """Have one identity send a note to another one of the same daemon."""
    api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.2})
    alice = api.good("POST", "/identities", {"alias": "Alice"})
    bob = api.good("POST", "/identities", {"alias": "Bob"})
    card = api.good("GET", f"/identities/{bob['id']}/contact")
    api.good("POST", f"/contacts/import?identity={alice['id']}", card)
    [contact] = api.good("GET", "/contacts")
    message = {"model_object": "note", "data": {"text": text}}
    body = {"sender": alice["id"], "recipients": [contact["id"]], "drop_message": message}
    api.good("POST", "/drop", body)
