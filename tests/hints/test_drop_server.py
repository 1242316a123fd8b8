"""What a drop server says to who runs it."""

from pathlib import Path

from tests.hints import printed
from tests.hints.printed import shows
from tests.integration.test_dropserver import LISTEN, ask, drop_server
from tests.integration.test_dropserver_check import check

FROM_ELSEWHERE = {"Authorization": "Client Qabel", "Host": "drop.example.org"}


@shows(
    "dropserver/visitors.py: Requests from elsewhere come through a program",
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
