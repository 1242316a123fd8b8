"""What a drop server says to who runs it."""

from http.client import HTTPConnection
from pathlib import Path

from tests.hints import printed
from tests.hints.printed import shows
from tests.integration.daemons import ANYWHERE
from tests.integration.processes import Twistd

DROP = "/" + "aB3-_" * 8 + "xyz"


@shows("dropserver/visitors.py: Requests from elsewhere come through a program")
def test_a_proxy_that_was_not_declared(tmp_path: Path) -> None:
    """The log says once what is missing, without whom it was for."""
    data, listen = f"--data-dir={tmp_path / 'drops'}", f"--listen={ANYWHERE}"
    with Twistd(tmp_path / "log", "qabel-drop", data, listen) as server:
        port = server.port("qabel-drop")
        for _ in range(3):
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            headers = {"Authorization": "Client Qabel", "Host": "drop.example.org"}
            connection.request("POST", DROP, b"x", headers)
            assert connection.getresponse().status == 200
            connection.close()
        server.wait_for("trust-proxy")
        assert server.log.count("--trust-proxy 127.0.0.1") == 1
        assert "drop.example.org" not in server.log
        printed.printed.append(server.log)
    with Twistd(tmp_path / "log2", "qabel-drop", data, listen, "--trust-proxy=unix") as told:
        connection = HTTPConnection("127.0.0.1", told.port("qabel-drop"), timeout=20)
        connection.request("POST", DROP, b"x", headers)
        assert connection.getresponse().status == 200
        connection.close()
        told.stop()
        assert "trust-proxy" not in told.log
