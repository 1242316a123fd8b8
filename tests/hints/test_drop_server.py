"""What a drop server says to who runs it."""

import re
from pathlib import Path

from tests.dropserver.test_check_command import check
from tests.hints import printed
from tests.hints.printed import shows
from tests.integration.daemons import ANYWHERE, Daemon
from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, ask, drop_server

FROM_ELSEWHERE = {"Authorization": "Client Qabel", "Host": "drop.example.org"}


@shows(
    "dropserver/tap.py: If it is a reverse proxy, have it set X-Forwarded-For",
    "dropserver/check_command.py: Warning: requests come through a proxy",
)
def test_a_proxy_that_was_not_declared(tmp_path: Path) -> None:
    """The log says once what is missing, without whom it was for."""
    with drop_server(tmp_path) as server:
        for _ in range(3):
            response, _ = ask(server.port("qabel-drop"), "POST", FROM_ELSEWHERE, b"x")
            assert response.status == 200
        server.wait_for("trust-proxy")
        assert server.log.count("--trust-proxy 127.0.0.1") == 1
        assert "drop.example.org" not in server.log
        printed.printed.append(server.log)
    warning = check(f"--data-dir={tmp_path / 'data'}").stdout
    assert "--trust-proxy or --behind-tor" in warning
    printed.printed.append(warning)
    with drop_server(tmp_path, LISTEN, "--trust-proxy=unix", data="other") as told:
        response, _ = ask(told.port("qabel-drop"), "POST", FROM_ELSEWHERE, b"x")
        assert response.status == 200
        told.stop()
        assert "trust-proxy" not in told.log


@shows(
    "dropserver/server_limits.py: --max-listeners is X, but each listener has a connection",
    "dropserver/server_limits.py: --max-connections X needs X open files",
)
def test_limits_that_cannot_be(tmp_path: Path) -> None:
    """What can be done instead works: it is said with the number."""
    with drop_server(tmp_path, LISTEN, "--max-listeners=1500") as server:
        assert server.ended() == 1
    printed.printed.append(server.errors)
    with drop_server(tmp_path, LISTEN, "--max-connections=1501", "--max-listeners=1500") as server:
        server.wait_for("is ready")

    def start(connections: int, files: int) -> Twistd:
        arguments = [f"--data-dir={tmp_path / 'data'}", LISTEN, f"--max-connections={connections}"]
        under = ["prlimit", f"--nofile={files}"]
        return Twistd(tmp_path / "process", "qabel-drop", *arguments, under=under)

    with start(1000, 600) as server:
        assert server.ended() == 1
    printed.printed.append(server.errors)
    files = int(re.search(r"ulimit -n (\d+)", server.errors)[1])
    fewer = int(re.search(r"pass --max-connections (\d+)", server.errors)[1])
    for connections, allowed in ((1000, files), (fewer, 600)):
        with start(connections, allowed) as server:
            server.wait_for("is ready")


@shows("dropserver/closed_group.py: X is accessible to other users")
def test_a_group_token_that_others_can_read(tmp_path: Path) -> None:
    """The server does not start until nobody else can read the token."""
    token = tmp_path / "token"
    token.write_text("correct-horse-battery")
    token.chmod(0o644)
    with drop_server(tmp_path, LISTEN, f"--group-token-file={token}") as refused:
        assert refused.process.wait(20) != 0
        printed.printed.append(refused.errors)
        assert "correct-horse-battery" not in refused.errors + refused.log
    token.chmod(0o600)
    with drop_server(tmp_path, LISTEN, f"--group-token-file={token}") as server:
        assert ask(server.port("qabel-drop"), "GET")[0].status == 401


@shows("daemon.py: In place of --drop-server, run qabel-drop")
def test_a_proxy_of_the_drop_server_in_the_daemon(tmp_path: Path) -> None:
    """A drop server of its own goes on with the messages, and with what tells senders apart."""
    with Daemon(tmp_path, "me", f"--drop-server={ANYWHERE}") as me:
        port = me.up().process.port("qabel-drop")
        assert ask(port, "POST", FROM_ELSEWHERE, b"x")[0].status == 200
        me.process.wait_for("In place of --drop-server")
        printed.printed.append(me.process.log)
        me.process.stop()
    directory = me.directory / "drop-server"
    with drop_server(tmp_path, LISTEN, "--behind-tor", data=str(directory)) as own:
        response, body = ask(own.port("qabel-drop"), "GET")
        assert (response.status, b"x" in body) == (200, True)
        assert ask(own.port("qabel-drop"), "POST", FROM_ELSEWHERE, b"y")[0].status == 200
        own.stop()
        assert "come through a program" not in own.log
