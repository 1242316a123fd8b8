"""Sockets of the service manager: their own address says who can reach them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from qabel.host.inherited_sockets import inherited_socket
from qabel.host.start_errors import StartError
from tests.integration.processes import ROOT

CHILD = """
import fcntl, json, os, sys
moved = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 100) for each in sys.argv[1].split(",")]
for number, each in enumerate(moved):
    os.dup2(each, 3 + number)
os.environ["LISTEN_PID"] = str(os.getpid())
from qabel.host.endpoints import parse_endpoint
from qabel.host.start_errors import StartError
for description in sys.argv[2:]:
    try:
        made = parse_endpoint(description)
        print(json.dumps([made.reachable, made.loopback]))
    except StartError as error:
        print(json.dumps(str(error)))
"""
"""Puts sockets where services look for them, and says what the endpoints are."""


def look(sockets: Mapping[str, socket.socket], *descriptions: str) -> list[Any]:
    """Start a process with sockets, by name, and return what it says of descriptions."""
    numbers = [each.fileno() for each in sockets.values()]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, ",".join(map(str, numbers)), *descriptions],
        cwd=ROOT,
        env={
            **os.environ,
            "LISTEN_FDS": str(len(numbers)),
            "LISTEN_FDNAMES": ":".join(sockets),
        },
        pass_fds=numbers,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_who_can_reach_them(tmp_path: Path) -> None:
    """Loopback and Unix sockets are private whatever the description claims; others are not."""
    with ExitStack() as stack:

        def opened(family: int, address: Any, kind: int = socket.SOCK_STREAM) -> socket.socket:
            made = stack.enter_context(socket.socket(family, kind))
            made.bind(address)
            return made

        sockets = {
            "local": opened(socket.AF_INET, ("127.0.0.1", 0)),
            "local6": opened(socket.AF_INET6, ("::1", 0)),
            "mapped": opened(socket.AF_INET6, ("::ffff:127.0.0.1", 0)),
            "all": opened(socket.AF_INET, ("0.0.0.0", 0)),  # noqa: S104 - this is what is tested
            "all6": opened(socket.AF_INET6, ("::", 0)),
            "unix": opened(socket.AF_UNIX, str(tmp_path / "s")),
        }
        for each in sockets.values():
            each.listen()
        sockets["deaf"] = opened(socket.AF_INET, ("127.0.0.1", 0))
        sockets["datagrams"] = opened(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)
        port = sockets["local"].getsockname()[1]
        found = look(
            sockets,
            "systemd:domain=INET:name=local",
            "systemd:INET:index=0",
            "systemd:name=local",
            "systemd:domain=INET6:name=local6",
            "systemd:domain=INET6:name=mapped",
            "systemd:domain=INET:name=all",
            "systemd:domain=UNIX:name=all",
            "systemd:domain=INET6:name=all6",
            "systemd:domain=UNIX:name=unix",
            "systemd:domain=INET:name=unix",
            "systemd:name=deaf",
            "systemd:name=datagrams",
            "systemd:name=other",
            "systemd:index=50",
            "systemd:index=x",
            "systemd:domain=INET",
        )
    port6 = found[3][1][1]
    mapped = found[4][1][1]
    assert found[:10] == [
        [False, ["127.0.0.1", port]],
        [False, ["127.0.0.1", port]],
        [False, ["127.0.0.1", port]],
        [False, ["::1", port6]],
        [False, ["::ffff:127.0.0.1", mapped]],
        [True, None],
        [True, None],
        [True, None],
        [False, None],
        [False, None],
    ]
    assert all("does not accept connections" in each for each in found[10:12])
    assert all("did not pass this socket" in each for each in found[12:15])
    assert "expected, for example, systemd:name=NAME" in found[15]


def test_without_a_service_manager() -> None:
    """A socket that was not passed is an error that says so."""
    with pytest.raises(StartError, match="did not pass this socket"):
        inherited_socket("systemd:name=rest", index=None, name="rest")
