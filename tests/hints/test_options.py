"""What a daemon says that does not start, or rejects a request, helps when it is done."""

import os
import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hints import printed
from tests.hints.person import Person, Said
from tests.hints.printed import shows
from tests.integration.client import Api
from tests.integration.processes import ROOT

Come = Callable[..., Person]

LOCAL = "--listen tcp:0:interface=127.0.0.1"


def fails(who: Person, line: str) -> Said:
    """Start a daemon that cannot start."""
    said = who.types(line)
    assert said.status in (1, 2), said.text
    assert len(said.text.splitlines()) == 1
    return said


def starts_and_ends(who: Person, line: str) -> None:
    """Start a daemon that can start; it is ended when it says that it is ready."""
    ready = "for _ in $(seq 200); do grep -q 'is ready' out && break; sleep 0.1; done"
    said = who.types(f"{line} >out 2>&1 & {ready}; kill $!; wait $!; cat out")
    assert "is ready" in said.text, said.text


@shows("host/daemon_options.py: pass --allow-remoteX if that is intended")
def test_a_port_for_all(person: Come) -> None:
    """Both endpoints that are named work: for this machine, and for others."""
    me = person()
    said = fails(me, "qabel-drop --listen tcp:0")
    [local] = re.findall(r"use (\S+) for this machine only", said.text)
    starts_and_ends(me, f"qabel-drop --listen {local}")
    starts_and_ends(me, "qabel-drop --listen tcp:0 --allow-remote")
    said = fails(me, "qabel-rest --listen tcp:0")
    [local] = re.findall(r"use (\S+) for this machine only", said.text)
    starts_and_ends(me, f"qabel-rest --listen {local}")


@shows("tap.py: --drop-server X is reachable from other hosts; pass --allow-remote if that is")
def test_a_drop_server_for_all(person: Come) -> None:
    """The daemon's own drop server can be for other hosts, as is said."""
    me = person()
    fails(me, "qabel-rest --port 0 --drop-server tcp:0")
    starts_and_ends(me, "qabel-rest --port 0 --drop-server tcp:0 --allow-remote")


@shows(
    "host/daemon_options.py: --port and --listen cannot be combined;",
    "host/daemon_options.py: X (see --help)",
    "host/daemon_options.py: --X cannot be combined with twistd's --syslog or --logger",
)
def test_options_that_make_no_sense(person: Come) -> None:
    """Each is one line, with the options that do the same."""
    me = person()
    said = fails(me, "qabel-rest --port 0 --listen unix:socket")
    [option] = re.findall(r"use (--listen \S+)", said.text)
    starts_and_ends(me, f"qabel-rest --listen unix:socket {option}")
    assert "--help" in fails(me, "qabel-rest --nonsense").text
    assert "--listen" in me.types("qabel-rest --help").text
    me.environment = {"PYTHONPATH": str(ROOT)}
    me.types("twistd -n --syslog qabel-rest --log file --port 0")


@shows("host/listening.py: ; stop the program that uses it, or choose another port: --port or")
@pytest.mark.parametrize("program", ["qabel-rest", "qabel-drop", "qabel-block"])
def test_a_port_that_is_taken(person: Come, program: str) -> None:
    """Another port is chosen with either option that is named."""
    me = person()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        said = me.types(f"{program} --port {taken}")
        assert said.status == 1
        assert said.text.count("--port or --listen") == 1
    starts_and_ends(me, f"{program} --port 0")
    starts_and_ends(me, f"{program} {LOCAL}")


@shows("host/data_directory.py: the data directory X contains other files")
def test_a_directory_that_is_shared(person: Come) -> None:
    """A directory with other files is used after one of both that is said, and not before."""
    me = person()
    shared = me.home / "my files"
    shared.mkdir(mode=0o755)
    (shared / "letter").touch()
    said = fails(me, "qabel-rest --port 0 --data-dir 'my files'")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    [own] = re.findall(r"such as (.*?), or", said.text)
    starts_and_ends(me, f"qabel-rest --port 0 --data-dir '{own}'")
    [command] = re.findall(r"run: (chmod .*)", said.text)
    assert me.types(command).status == 0
    starts_and_ends(me, "qabel-rest --port 0 --data-dir 'my files'")


CLASH = """
from qabel.modules.api import Module, Prepared
one, two = (
    Module(name=name, summary="Clashes", kinds={"clash"}, prepare=lambda *_: Prepared())
    for name in ("one", "two")
)
"""


@shows("modules/loading.py: The modules X and X both own messages of the kind X. Switch one off")
def test_two_modules_that_do_the_same(person: Come) -> None:
    """The daemon starts once one of both is switched off."""
    me = person()
    (me.home / "clash.py").write_text(CLASH)
    information = me.home / "clash-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: clash\nVersion: 1\n")
    (information / "entry_points.txt").write_text(
        "[qabel.modules]\none = clash:one\ntwo = clash:two\n"
    )
    me.environment = {"PYTHONPATH": f"{ROOT}:{me.home}"}
    line = "qabel-rest --port 0 --module one --module two"
    fails(me, line)
    starts_and_ends(me, f"{line} --no-module two")


@shows("dropserver/onion.py: # Append this to /etc/tor/torrc, and run: systemctl reload tor")
def test_an_onion_service(person: Come) -> None:
    """What is to be appended is comments and three lines of Tor's."""
    said = person().types("qabel-drop --onion --listen tcp:9697:interface=127.0.0.1")
    assert said.status == 0
    lines = [each.split()[0] for each in said.text.splitlines() if not each.startswith("#")]
    assert lines == [
        "HiddenServiceDir",
        "HiddenServicePort",
        "HiddenServicePoWDefensesEnabled",
    ]


@shows("net/route.py: X is an onion service, which can only be reached through a proxy such as Tor")
def test_a_server_that_is_an_onion_service(person: Come) -> None:
    """The setting and the option that are named are there."""
    me = person()
    me.starts()
    assert "onion service" in me.runs("server", "test", f"http://{'o' * 56}.onion").text
    assert me.runs("settings", "set", "privacy.proxy", "socks5://127.0.0.1:9050").status == 0
    assert "--proxy" in me.types("qabel-rest --help").text


@shows(
    "core/people/new_drops.py: No active drop server to create a drop on.",
    "core/people/references.py: No identity exists yet. Create one first",
)
def test_an_identity_first(person: Come, drop_server: str) -> None:
    """Programs and commands are told what has to be there first, with the command for it."""
    me = person()
    me.starts()
    me.asks("POST", "/identities", {"alias": "Alice"})
    (me.home / "bob.qco").write_text('{"contacts": []}')
    said = me.runs("contact", "import", "bob.qco")
    assert me.runs("server", "add", drop_server).status == 0
    me.follows(said.hint("qabel", "identity", "new"), ALIAS="Alice")
    assert me.runs("contact", "import", "bob.qco").status == 0


@shows(
    "core/journal/webhooks.py: is not on this machine; allow its origin with --allow-webhook",
    "rest/http/access_control.py: The Host header must be localhost",
    "rest/http/access_control.py: Requests from web pages of other origins are rejected.",
)
def test_requests_that_are_rejected(person: Come) -> None:
    """Each option that is named lets the request in."""
    me = person()
    hook = {"url": "https://hooks.example.org/x", "kinds": ["drop"]}
    site = {"Origin": "https://app.example.org", "Sec-Fetch-Site": "cross-site"}
    me.starts()
    assert "--allow-webhook" in me.asks("POST", "/webhooks", hook)
    for headers in ({"Host": "qabel.example.org"}, site):
        assert asks(me, headers) == 403
    me.stops()
    options = ["--allow-webhook", "https://hooks.example.org", "--allow-host", "qabel.example.org"]
    options += ["--allow-origin", "https://app.example.org"]
    me.starts(options=options)
    assert '"url"' in me.asks("POST", "/webhooks", hook)
    for headers in ({"Host": "qabel.example.org"}, site):
        assert asks(me, headers) == 200


def port(who: Person) -> int:
    """Return the port of a daemon."""
    found = re.findall(r"listens on 127.0.0.1:(\d+)", (who.home / "daemon.log").read_text())
    return int(found[-1])


def asks(who: Person, headers: dict[str, str]) -> int:
    """Send a request over TCP, and return the status."""
    reply = Api(who.directory, port(who)).ask("GET", "/status", headers=headers)
    printed.printed.append(str(reply.body))
    return reply.status


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_directory_of_somebody_else(person: Come, tmp_path: Path) -> None:
    """Another user's directory is not used; one of one's own is."""
    me = person()
    other = me.home / "other"
    other.mkdir(mode=0o700)
    os.chown(other, 65534, 65534)
    said = fails(me, "qabel-rest --port 0 --data-dir other")
    assert "chown" not in said.text
    starts_and_ends(me, "qabel-rest --port 0 --data-dir own")
