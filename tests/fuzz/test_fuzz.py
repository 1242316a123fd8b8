"""A short run of the fuzzer; a long one is ``python -m tests.fuzz``."""

import os
import subprocess
import sys
from pathlib import Path

from tests.fuzz.run import HERE, fuzz


def test_fuzz(tmp_path: Path) -> None:
    """A daemon gives no answer that its contract does not know, and never fails."""
    result = fuzz(tmp_path, cases=160, seed=1)
    assert result.failures == 0, result.text
    assert result.requests >= 150
    assert {200, 201, 204, 400, 401, 404, 405} <= set(result.statuses)
    assert max(result.statuses) < 500


def test_confinement(tmp_path: Path) -> None:
    """A process of the fuzzer can call nobody but this machine, by address or by name."""
    script = """
import socket
for call in (
    lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    lambda: socket.getaddrinfo("drop.example", 80),
    lambda: socket.gethostbyname("drop.example"),
):
    try:
        call()
    except OSError as error:
        assert "kept within this machine" in str(error)
    else:
        raise SystemExit("it went out")
here = socket.create_server(("127.0.0.1", 0))
socket.create_connection(here.getsockname()).close()
"""
    env = {**os.environ, "PYTHONPATH": str(HERE / "confined")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
