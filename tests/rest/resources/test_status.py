"""Status, health and backups."""

from pathlib import Path
from typing import Any

import pytest_twisted


@pytest_twisted.ensureDeferred
async def test_status(server: Any) -> None:
    """The status says that it is running, and tells no drop id."""
    identity = await server.identity()
    got = await server.ask("GET", "/status")
    assert (got.status, got.json()["status"]) == (200, "running")
    assert identity["drops"][0].rsplit("/", 1)[1].encode() not in got.body


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
