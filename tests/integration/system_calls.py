"""What a process connects to and sends to, as the system sees it: with strace."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

_CALLS = "connect,sendto,sendmsg,sendmmsg"
_INET = re.compile(r"sin6?_port=htons\((\d+)\).*?inet_(?:addr\(|pton\(AF_INET6, )\"([^\"]+)\"")
_RESOLVER = re.compile(r"nscd|io\.systemd\.Resolve|resolv")


@cache
def why_not() -> str | None:
    """Return why system calls cannot be traced here; None if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={_CALLS}", "-o", os.devnull, "true"],
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else "this machine does not allow strace"


def needs_strace() -> None:
    """Skip the test if system calls cannot be traced here."""
    reason = why_not()
    if reason is not None:
        pytest.skip(f"What goes out cannot be seen: {reason}.")


def tracing(file: Path) -> Sequence[str]:
    """Return the command line that runs a program and writes what it connects to into a file."""
    return ["strace", "-f", "-qq", "-s", "512", "-e", f"trace={_CALLS}", "-o", str(file)]


def destinations(file: Path) -> set[tuple[str, int]]:
    """Return the hosts and ports that anything was sent to; a resolver's socket has port 53."""
    found = set()
    for line in file.read_text(errors="replace").splitlines():
        for port, host in _INET.findall(line):
            found.add((host, int(port)))
        if "AF_UNIX" in line and "connect(" in line and _RESOLVER.search(line):
            found.add((line, 53))
    return found


def end_traced(pid_file: Path) -> None:
    """End the process that a traced twistd is: its tracer passes no signals on."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
