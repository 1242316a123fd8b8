"""``/blocked``: senders who are not to be heard."""

from typing import Any

import pytest
import pytest_twisted

KEY = "0b" * 32


@pytest_twisted.ensureDeferred
async def test_blocking(server: Any) -> None:
    """A key is blocked once, listed with its time, and unblocked once."""
    made = await server.ask_json("POST", "/blocked", {"public_key": KEY.upper()})
    assert (made.status, made.json()["public_key"]) == (201, KEY)
    assert (await server.ask("GET", "/blocked")).json() == [made.json()]
    assert set(made.json()) == {"id", "public_key", "created"}
    assert (await server.ask_json("POST", "/blocked", {"public_key": KEY})).status == 409
    location = made.headers["location"]
    assert location == f"/blocked/{made.json()['id']}"
    assert [(await server.ask("DELETE", location)).status for _ in range(2)] == [204, 404]
    assert (await server.ask("GET", "/blocked")).json() == []


@pytest.mark.parametrize("body", [{}, {"public_key": "0b"}, {"public_key": KEY, "more": 1}])
@pytest_twisted.ensureDeferred
async def test_bad_keys(server: Any, body: Any) -> None:
    """What is no key is refused."""
    assert (await server.ask_json("POST", "/blocked", body)).status == 400


@pytest_twisted.ensureDeferred
async def test_an_identity_of_ones_own(server: Any) -> None:
    """An identity of the user's own cannot be blocked."""
    own = await server.core.people.add_identity("me", ())
    answer = await server.ask_json("POST", "/blocked", {"public_key": own.public_key})
    assert (answer.status, answer.json()["errors"][0]["key"]) == (400, "public_key")


@pytest_twisted.ensureDeferred
async def test_scopes(server: Any) -> None:
    """Who may not change settings sees nobody whom the user blocks."""
    body = {"name": "a", "scopes": ["read", "send", "status"]}
    token = (await server.ask_json("POST", "/tokens", body)).json()["token"]
    assert (await server.ask("GET", "/blocked", token=token)).status == 403
