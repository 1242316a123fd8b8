"""``qabel-drop purge``: of a server that runs, and of one that is stopped."""

import json
import os
import re
import socket
from pathlib import Path

import pytest

from qabel.dropserver.purge_command import parser
from tests.dropserver.test_check_command import drop_command
from tests.dropserver.test_message_purge import made_up
from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, A, drop_server, get, post

FLOODED = 300


def purge(data: Path, *arguments: str, since: str = "1h") -> tuple[int, str, str]:
    """Run the command; return its status, and what it says on either stream."""
    done = drop_command(
        "purge", f"--data-dir={data}", "--never-asked", f"--since={since}", *arguments
    )
    return done.returncode, done.stdout, done.stderr


def flooded(server: Twistd) -> int:
    """Have a drop that somebody reads, and post a flood; return the port."""
    port = server.port("qabel-drop")
    assert get(port)[0] == []
    for number in range(FLOODED):
        assert post(port, b"x" * 2149, f"/{made_up(number)}") == 200
    assert post(port, b"to a friend") == 200
    return port


def test_a_running_server(tmp_path: Path) -> None:
    """It says what it would delete, deletes that and no more, and the server goes on."""
    data = tmp_path / "data"
    with drop_server(tmp_path) as server:
        port = flooded(server)
        status, said, errors = purge(data, "--dry-run")
        assert (status, errors) == (0, "")
        assert said.startswith(
            "Would delete 300 messages of 300 drops, which are charged 0.7 MB:\n"
        )
        assert "Kept 1 message since then, of drops that are asked for.\n" in said
        assert len(get(port, path=f"/{made_up(7)}")[0]) == 1
        status, said, errors = purge(data)
        assert (status, errors) == (0, "")
        assert said.startswith("Deleted 299 messages of 299 drops, which were charged 0.7 MB:\n")
        assert re.search(r"they arrived since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d, ", said)
        assert get(port)[0] == [b"to a friend"]
        assert re.match(
            r"No message that arrived since 2.* is in a drop that nobody", purge(data)[1]
        )
        assert "2 messages in 2 drops" in drop_command("check", f"--data-dir={data}").stdout
        assert "Purged 299 messages of 299 drops that nobody has asked for." in server.log
        assert server.log.count("Purged") == 2


def test_a_stopped_server(tmp_path: Path) -> None:
    """What was asked for is known from the file, and nothing is left behind beside it."""
    data = tmp_path / "data"
    with drop_server(tmp_path) as server:
        flooded(server)
        server.stop()
    assert purge(data, "--dry-run")[1].startswith("Would delete 300 messages")
    assert purge(data)[1].startswith("Deleted 300 messages")
    assert sorted(each.name for each in data.iterdir()) == ["drops.reserve", "drops.sqlite", "lock"]
    with drop_server(tmp_path) as server:
        port = server.port("qabel-drop")
        assert get(port)[0] == [b"to a friend"]
        assert get(port, path=f"/{made_up(7)}")[0] == []


def test_nothing_since_then(tmp_path: Path) -> None:
    """What is older than the time stays."""
    with drop_server(tmp_path) as server:
        flooded(server)
        assert purge(tmp_path / "data", since="0s")[1].startswith("No message that arrived since")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--never-asked", "--since=soon"], 2, "--since 'soon' is not a time; write 2h, 3d, "),
        (["--never-asked", "--since=2999-01-01"], 2, "is in the future"),
        (["--since=2h"], 2, "required: --never-asked"),
        (["--never-asked"], 2, "required: --since"),
        (["--never-asked", "--since=2h"], 1, "no drop server has run with this data directory"),
    ],
)
def test_what_is_wrong(tmp_path: Path, arguments: list[str], status: int, reason: str) -> None:
    """It is said in a line, and nothing is created."""
    done = drop_command("purge", f"--data-dir={tmp_path}", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_listen(tmp_path: Path) -> None:
    """One whose socket is gone is not disturbed; a socket that is no server's is an error."""
    with drop_server(tmp_path) as server:
        flooded(server)
        server.wait_for("is ready")
        (tmp_path / "data" / "admin.sock").unlink()
        status, _, errors = purge(tmp_path / "data")
        assert (status, "is in use by another process (process " in errors) == (1, True)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(tmp_path / "data" / "admin.sock"))
            other.listen()
            other.settimeout(20)
            reading = os.fork()
            if reading == 0:
                other.accept()[0].close()
                os._exit(0)
            status, _, errors = purge(tmp_path / "data")
            os.waitpid(reading, 0)
        assert (status, "the server has not answered" in errors) == (1, True)


def test_what_else_is_on_the_socket(tmp_path: Path) -> None:
    """What is no purge is refused; where --admin says, there is only what can be read."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        admin = free.getsockname()[1]
    with drop_server(tmp_path, LISTEN, f"--admin=tcp:{admin}:interface=127.0.0.1") as server:
        port = flooded(server)
        body = json.dumps({"since": 0, "dry_run": False}).encode()
        assert post(admin, body, "/purge") == 404
        assert len(get(port)[0]) == 1
        assert purge(tmp_path / "data", "--dry-run")[1].startswith("Would delete 300")
        assert A not in server.log


def test_its_parser() -> None:
    """Options have to be written in full."""
    with pytest.raises(SystemExit):
        parser().parse_args(["--never", "--since=2h"])
