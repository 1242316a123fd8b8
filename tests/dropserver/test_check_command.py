"""``qabel-drop check``: a file that is whole, damaged, in use, missing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dropserver.small_disk import damage_page
from tests.integration.processes import DEADLINE
from tests.integration.test_dropserver import LISTEN, ask, drop_server, post

DROP = "import sys; sys.argv[0] = 'qabel-drop'; from qabel.daemon_commands import drop; drop()"


def drop_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the drop server."""
    return subprocess.run(
        [sys.executable, "-c", DROP, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )


def check(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``qabel-drop check``."""
    return drop_command("check", *arguments)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the data directory of a server that has run, with three messages in two drops."""
    with drop_server(tmp_path, LISTEN) as server:
        port = server.port("qabel-drop")
        for number, drop in enumerate((1, 2, 2)):
            assert post(port, b"message %d:" % number + bytes(2000), f"/{drop:043d}") == 200
        server.stop()
    return tmp_path / "data"


def test_a_whole_file(tmp_path: Path, data: Path) -> None:
    """It says what is in it, also while a server runs, and changes nothing."""
    before = (data / "drops.sqlite").read_bytes()
    done = check(f"--data-dir={data}")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third, fourth = done.stdout.splitlines()
    assert first == f"{data / 'drops.sqlite'} is whole."
    assert second == "It has 3 messages in 2 drops, which are charged 0.0 MB."
    assert re.fullmatch(r"The oldest message arrived \d+ seconds? ago, the newest .* ago\.", third)
    assert re.fullmatch(r"The file takes 0\.0 MB; the disk has [\d,]+ MB free\.", fourth)
    assert (data / "drops.sqlite").read_bytes() == before
    with drop_server(tmp_path, LISTEN) as server:
        assert post(server.port("qabel-drop"), b"more") == 200
        done = check(f"--data-dir={data}")
        assert (done.returncode, "4 messages in 3 drops" in done.stdout) == (0, True)


@pytest.mark.parametrize("content", [b"message 1:", b"CREATE TABLE"])
def test_a_damaged_file(data: Path, content: bytes) -> None:
    """The status is 1, and what is wrong is said in a line."""
    damage_page(data / "drops.sqlite", content)
    done = check(f"--data-dir={data}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"qabel-drop check: {data / 'drops.sqlite'} ")
    assert done.stderr.count("\n") == 1


def test_no_file(tmp_path: Path) -> None:
    """Where no server has run, that is what it says; a file of others is left alone."""
    done = check(f"--data-dir={tmp_path}")
    assert done.returncode == 1
    assert "no drop server has run with this data directory" in done.stderr
    (tmp_path / "drops.sqlite").write_text("precious" * 1000)
    done = check(f"--data-dir={tmp_path}")
    assert done.returncode == 1
    assert "cannot be read: file is not a database" in done.stderr
    (tmp_path / "drops.sqlite").write_text("")
    assert "is empty" in check(f"--data-dir={tmp_path}").stderr


def test_a_proxy_that_was_not_declared(tmp_path: Path) -> None:
    """It warns, also once the server was stopped, until the proxy is declared."""
    with drop_server(tmp_path, LISTEN) as server:
        port = server.port("qabel-drop")
        headers = {"Authorization": "Client Qabel", "Host": "drop.example.org"}
        assert ask(port, "POST", headers, b"x")[0].status == 200
        server.stop()
    directory = f"--data-dir={tmp_path / 'data'}"
    done = check(directory)
    assert (done.returncode, "Warning: " in done.stdout) == (0, True)
    with drop_server(tmp_path, LISTEN, "--trust-proxy=127.0.0.1") as server:
        server.wait_for("is ready")
    assert "Warning: " not in check(directory).stdout
