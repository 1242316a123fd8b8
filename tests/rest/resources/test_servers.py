"""``/servers``: drop servers, for programs that may know no credentials and no private keys."""

from typing import Any

import pytest
import pytest_twisted


@pytest_twisted.async_yield_fixture
async def token(server: Any) -> Any:
    """Return a token with the scope servers."""
    made = await server.ask_json("POST", "/tokens", {"name": "s", "scopes": ["servers"]})
    yield made.json()["token"]


@pytest_twisted.ensureDeferred
async def test_everything_about_servers(server: Any, token: str) -> None:
    """They are added, listed, changed, preferred and deleted, and the credentials never shown."""
    given = {"url": "https://one.example", "auth": "SECRET"}
    one = await server.ask_json("POST", "/servers", given, token=token)
    assert (one.status, one.headers["location"]) == (201, "/servers/1")
    await server.ask_json("POST", "/servers", {"url": "https://two.example"}, token=token)
    preferred = await server.ask("POST", "/servers/2/prefer", token=token)
    assert preferred.json()["preferred"] is True
    changed = await server.ask_json("PATCH", "/servers/1", {"active": False}, token=token)
    assert changed.json()["active"] is False
    assert (await server.ask("POST", "/servers/1/prefer", token=token)).status == 409
    single = await server.ask("GET", "/servers/1", token=token)
    listed = await server.ask("GET", "/servers", token=token)
    assert [each["url"] for each in listed.json()] == ["https://two.example", "https://one.example"]
    assert listed.json()[1] == single.json() == changed.json()
    for each in (one, preferred, changed, single, listed):
        assert b"SECRET" not in each.body
        assert b'"auth"' not in each.body
    assert [each["has_auth"] for each in listed.json()] == [False, True]
    assert (await server.ask("DELETE", "/servers/1", token=token)).status == 204
    assert (await server.ask("GET", "/servers/1", token=token)).status == 404
    assert server.core.synced.value.drop_servers[1].auth == "SECRET"


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": "https://x.example/?q"}, "url"),
        ({"url": "https://x.example", "active": 1}, "active"),
        ({"url": "https://x.example", "more": 1}, "more"),
        ({"url": "https://x.example", "auth": "Client x"}, "auth"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_invalid_servers(server: Any, given: Any, key: str) -> None:
    """What is wrong is named, and nothing is added."""
    got = await server.ask_json("POST", "/servers", given)
    assert got.status == 400
    assert [each["key"] for each in got.json()["errors"]] == [key]
    assert (await server.ask("GET", "/servers")).json() == []


@pytest_twisted.ensureDeferred
async def test_testing(server: Any, token: str) -> None:
    """The result says whether a drop server responded; a test adds nothing."""
    given = {"url": "https://drop.example"}
    assert (await server.ask_json("POST", "/servers/test", given, token=token)).json()["ok"] is True
    tried = await server.ask_json("POST", "/servers/test", {**given, "auth": "x"}, token=token)
    assert tried.json()["ok"] is True
    wrong = await server.ask_json("POST", "/servers/test", {**given, "auth": "a b"}, token=token)
    assert (wrong.status, b"a b" in wrong.body) == (400, False)
    server.drop_servers.is_away = True
    got = (await server.ask_json("POST", "/servers/test", given)).json()
    assert got["ok"] is False
    assert "drop.example" in got["detail"]
    assert (await server.ask("GET", "/servers")).json() == []
