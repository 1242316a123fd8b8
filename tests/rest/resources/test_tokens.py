"""``/tokens``: what each token allows, and for how long."""

from typing import Any

import pytest_twisted


@pytest_twisted.ensureDeferred
async def test_scopes(server: Any) -> None:
    """A token is good for its scopes only, and for nothing once it is revoked."""
    statuses = {}
    for scope in ("status", "read", "send", "settings", "admin"):
        made = await server.ask_json("POST", "/tokens", {"name": scope, "scopes": [scope]})
        assert made.status == 201
        token = made.json()["token"]
        statuses[scope] = [
            (await server.ask("GET", path, token=token)).status
            for path in ("/status", "/drop", "/outbox", "/settings", "/tokens")
        ]
        assert (await server.ask("DELETE", made.headers["location"])).status == 204
        assert (await server.ask("GET", "/status", token=token)).status == 401
    assert statuses == {
        "status": [200, 403, 403, 403, 403],
        "read": [403, 204, 200, 403, 403],
        "send": [403, 403, 200, 403, 403],
        "settings": [403, 403, 403, 200, 403],
        "admin": [200, 204, 200, 200, 200],
    }
    listed = (await server.ask("GET", "/tokens")).body
    assert b'"token"' not in listed


@pytest_twisted.ensureDeferred
async def test_bad_tokens(server: Any) -> None:
    """A token needs a name and known scopes; nothing is made of an invalid one."""
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
async def test_revoking_one_token(server: Any) -> None:
    """A revoked token is gone from the list, and the others still work."""
    made = [
        (await server.ask_json("POST", "/tokens", {"name": name, "scopes": ["read"]})).json()
        for name in ("a", "b")
    ]
    assert [each["name"] for each in (await server.ask("GET", "/tokens")).json()] == ["a", "b"]
    assert (await server.ask("DELETE", f"/tokens/{made[0]['id']}")).status == 204
    assert (await server.ask("DELETE", f"/tokens/{made[0]['id']}")).status == 404
    statuses = [(await server.ask("GET", "/contacts", token=each["token"])).status for each in made]
    assert statuses == [401, 200]
    [left] = (await server.ask("GET", "/tokens")).json()
    assert (left["name"], left["scopes"]) == ("b", ["read"])


@pytest_twisted.ensureDeferred
async def test_main_token_is_replaced(server: Any) -> None:
    """The old main token is no longer valid as soon as there is a new one in the file."""
    old = server.token
    assert (await server.ask("POST", "/tokens/main")).status == 204
    assert (await server.ask("GET", "/settings", token=old)).status == 401
    assert (await server.ask("GET", "/settings")).status == 200
