"""What those who run a drop server can ask it, of real processes."""

import re
import shutil
import stat
from pathlib import Path

from tests.dropserver.small_disk import small_disk
from tests.integration.client import Api, Reply
from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, A, ask, drop_server, post
from tests.integration.test_dropserver_shares import Visitor
from tests.packaging.test_prometheus import FILES, promtool


class Admin(Api):
    """Its endpoint for those who run it."""

    @property
    def socket(self) -> Path:
        """Return the path of its socket."""
        return self.directory / "admin.sock"


def port_of(server: Twistd) -> int:
    """Wait until a drop server is ready, and return its port."""
    server.wait_for("qabel-drop [^ ]+ is ready")
    return server.port("qabel-drop")


def values(reply: Reply) -> dict[str, float]:
    """Return the values of metrics, by their names and labels."""
    lines = [line for line in reply.body.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_it_tells(tmp_path: Path) -> None:
    """Its health and its metrics, on a private socket; no address and no drop."""
    with drop_server(tmp_path, LISTEN, "--quota=1", "--burst=3", "--rate=0.01") as server:
        port = port_of(server)
        admin = Admin(tmp_path / "data")
        assert stat.S_IMODE(admin.socket.stat().st_mode) == 0o600
        assert admin.ask("GET", "/health").body == {"status": "ok"}
        before = values(admin.ask("GET", "/metrics"))
        assert (before["qabel_drop_messages"], before["qabel_drop_charged_bytes"]) == (0, 0)
        for address in ("127.1.0.1", "127.2.0.1"):
            visitor = Visitor(port, address)
            visitor._connection.request("GET", A)
            visitor._connection.getresponse().read()
            assert [visitor.post(A, b"x")[0] for _ in range(2)] == [200, 200]
        assert [visitor.post(A, b"x")[0] for _ in range(2)] == [200, 429]
        assert post(port, b"") == 400
        reply = admin.ask("GET", "/metrics")
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = values(reply)
        assert found["qabel_drop_messages"] == 5
        assert found["qabel_drop_charged_bytes"] == 5 * 2277
        assert found["qabel_drop_quota_bytes"] == 1_000_000
        assert found['qabel_drop_share_bytes{rank="1"}'] == 3 * 2277
        assert found['qabel_drop_share_bytes{rank="2"}'] == 2 * 2277
        assert found['qabel_drop_posted_total{outcome="stored"}'] == 5
        assert found['qabel_drop_posted_total{outcome="too_often"}'] == 1
        assert found['qabel_drop_posted_total{outcome="invalid"}'] == 1
        assert found['qabel_drop_got_total{outcome="messages"}'] == 1
        assert found['qabel_drop_got_total{outcome="nothing_new"}'] == 1
        assert found["qabel_drop_healthy"] == 1
        assert "127." not in reply.body
        assert A[1:] not in reply.body
        rules = (FILES / "qabel-drop.rules.yml").read_text()
        for name in re.findall(r"\bqabel_drop_\w+", rules):
            assert f"# TYPE {name} " in reply.body
        if shutil.which("promtool"):
            assert promtool("check", "metrics", text=reply.body) == ""


def test_what_is_not_there(tmp_path: Path) -> None:
    """Drops are not reached through it, nor it through the public endpoint."""
    with drop_server(tmp_path, LISTEN) as server:
        port = port_of(server)
        admin = Admin(tmp_path / "data")
        assert [admin.ask("GET", path).status for path in (A, "/", "/x")] == [404] * 3
        assert admin.ask("POST", "/health", {}).status == 405
        for path in ("/health", "/metrics"):
            assert ask(port, "GET", path=path)[0].status == 400


def test_a_full_disk(tmp_path: Path) -> None:
    """The health says so with 503, and the metrics count what could not be stored."""
    with (
        small_disk(tmp_path / "disk", 4) as disk,
        Twistd(
            tmp_path / "process", "qabel-drop", f"--data-dir={disk.path / 'data'}", LISTEN
        ) as server,
    ):
        port = port_of(server)
        admin = Admin(disk.path / "data")
        disk.fill()
        stored = 0
        while post(port, bytes(2500)) == 200:
            stored += 1
        reply = admin.ask("GET", "/health")
        assert (reply.status, reply.body["status"]) == (503, "unavailable")
        assert "disk is full" in reply.body["reason"]
        found = values(admin.ask("GET", "/metrics"))
        assert (found["qabel_drop_healthy"], found["qabel_drop_disk_full"]) == (0, 1)
        assert found['qabel_drop_posted_total{outcome="unavailable"}'] == 1
        assert found["qabel_drop_messages"] == stored
        assert stored > 0


def test_another_endpoint(tmp_path: Path) -> None:
    """It may be a port of this machine, as Prometheus needs it; not one of all networks."""
    with drop_server(tmp_path, LISTEN, "--admin=tcp:0:interface=127.0.0.1") as server:
        port_of(server)
        port = server.port(r"qabel-drop \(health and metrics\)")
        assert ask(port, "GET", path="/health")[0].status == 200
        assert ask(port, "POST", path="/purge")[0].status == 404
        assert Admin(tmp_path / "data").ask("GET", "/health").status == 200
    with drop_server(
        tmp_path, LISTEN, f"--admin=unix:{tmp_path / 'data' / 'admin.sock'}"
    ) as server:
        port_of(server)
        assert Admin(tmp_path / "data").ask("GET", "/health").status == 200
    with drop_server(tmp_path, LISTEN, "--admin=tcp:9698") as server:
        assert server.ended() == 1
    assert "--admin tcp:9698 is reachable from other hosts" in server.errors


def test_two_on_one_machine(tmp_path: Path) -> None:
    """Each has a socket of its own, and leaves none behind."""
    with (
        drop_server(tmp_path, LISTEN, data="one") as one,
        Twistd(tmp_path / "other", "qabel-drop", f"--data-dir={tmp_path / 'two'}", LISTEN) as two,
    ):
        for each, data in ((one, "one"), (two, "two")):
            port_of(each)
            assert Admin(tmp_path / data).ask("GET", "/health").status == 200
        one.stop()
        assert not (tmp_path / "one" / "admin.sock").exists()
