"""The rest of the resources: status, health, backups, webhooks, tokens, the contract."""

from pathlib import Path
from typing import Any

import pytest_twisted

from qabel.contract.routes import Route
from qabel.rest.app import SUBJECTS


@pytest_twisted.ensureDeferred
async def test_status(server: Any) -> None:
    """The status says that it is running, and tells no drop id."""
    identity = await server.identity()
    got = await server.ask("GET", "/status")
    assert (got.status, got.json()["status"]) == (200, "running")
    assert identity["drops"][0].rsplit("/", 1)[1].encode() not in got.body


@pytest_twisted.ensureDeferred
async def test_metrics(server: Any) -> None:
    """The status is there in numbers too."""
    await server.friends()
    await server.receive("one")
    got = await server.ask("GET", "/metrics")
    assert got.headers["content-type"].startswith("text/plain")
    lines = got.body.decode().splitlines()
    assert "qabel_inbox_messages 1.0" in lines
    assert 'qabel_outbox_deliveries{state="sent"} 1.0' in lines
    assert any(line.startswith("qabel_drop_server_failures{server=") for line in lines)


@pytest_twisted.ensureDeferred
async def test_health(server: Any, monkeypatch: Any) -> None:
    """Anybody may ask whether it is well, and is told why not."""
    got = await server.ask("GET", "/health", token=None)
    assert (got.status, got.json()) == (200, {"status": "healthy"})

    async def unwell() -> list[str]:
        return ["The store does not answer."]

    monkeypatch.setattr(server.core, "health", unwell)
    got = await server.ask("GET", "/health", token=None)
    assert (got.status, got.json()["reasons"]) == (503, ["The store does not answer."])
    for query in ("live", "live=", "live=1"):
        assert (await server.ask("GET", f"/health?{query}", token=None)).status == 200
    assert (await server.ask("HEAD", "/health", token=None)).status == 503


@pytest_twisted.ensureDeferred
async def test_backup(server: Any) -> None:
    """A backup is written once under a name; a name is no path."""
    got = await server.ask("POST", "/backup")
    assert (got.status, Path(got.json()["path"]).stat().st_size) == (201, got.json()["size"])
    assert (await server.ask_json("POST", "/backup", {"name": "a.db"})).status == 201
    assert (await server.ask_json("POST", "/backup", {"name": "a.db"})).status == 409
    for name in ("../a.db", "/a.db", "", 5, ".a"):
        assert (await server.ask_json("POST", "/backup", {"name": name})).status == 400


@pytest_twisted.ensureDeferred
async def test_webhooks(server: Any) -> None:
    """A webhook is added, listed without its secret, and forgotten."""
    got = await server.ask_json("POST", "/webhooks", {"url": "http://127.0.0.1:9/hook"})
    assert got.status == 201
    secret, path = got.json()["secret"].encode(), got.headers["location"]
    for other in ("/webhooks", path, f"{path}/undelivered"):
        listed = await server.ask("GET", other)
        assert listed.status == 200
        assert secret not in listed.body
    assert (await server.ask_json("POST", "/webhooks", {"url": 5})).status == 400
    assert (await server.ask_json("POST", "/webhooks", {})).status == 400
    place = server.core.journal.newest
    for query, status in ((f"upto={place}", 204), ("upto=other.1", 410), ("", 400)):
        shortened = await server.ask("DELETE", f"{path}/undelivered?{query}")
        assert shortened.status == status
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]
    assert (await server.ask("GET", f"{path}/undelivered")).status == 404
    assert (await server.ask("DELETE", f"{path}/undelivered?upto={place}")).status == 404


@pytest_twisted.ensureDeferred
async def test_bad_tokens(server: Any) -> None:
    """A token needs a name and scopes that there are."""
    for given in (
        {},
        {"name": "a"},
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["all"]},
        {"name": "a", "scopes": "read"},
        {"name": 5, "scopes": ["read"]},
        {"name": "a", "scopes": ["read"], "identity": 99},
        {"name": "a", "scopes": ["read"], "more": 1},
    ):
        assert (await server.ask_json("POST", "/tokens", given)).status == 400
    assert (await server.ask("DELETE", "/tokens/99")).status == 404
    assert (await server.ask("GET", "/tokens")).json() == []


@pytest_twisted.ensureDeferred
async def test_contract(server: Any) -> None:
    """The contract is there for programs, and names every route."""
    document = (await server.ask("GET", "/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    for route in _routes():
        path = route.path.replace("<id:", "{").replace("<ref:", "{").replace(">", "}")
        operation = document["paths"][path][route.method.lower()]
        assert {str(status) for status in route.answers} <= set(operation["responses"])


def _routes() -> list[Route]:
    return [route for subject in SUBJECTS for route in subject.all]


@pytest_twisted.ensureDeferred
async def test_unexpected_error(server: Any, monkeypatch: Any, logged_failures: Any) -> None:
    """What nobody expected is answered with a number that the log has too, and no secret."""

    def broken() -> None:
        raise RuntimeError("the secret")

    for name, path in (("status", "/status"), ("health", "/health")):
        monkeypatch.setattr(server.core, name, broken)
        got = await server.ask("GET", path)
        assert got.status == 500
        assert b"secret" not in got.body
        [event] = logged_failures.flush()
        assert event["incident"] == got.json()["incident"]
        assert event["incident"] in got.json()["detail"]
