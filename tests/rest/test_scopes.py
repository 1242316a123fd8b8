"""Every request with a token of every scope: 403 where the table in the documentation says so."""

import re
from typing import Any

import pytest
import pytest_twisted

from qabel.contract.access import FOR_ONE_IDENTITY, SCOPES
from tests.docs.scope_matrix import ONE, Request, requests

ALL = [each for each in requests() if each.route.scopes]


async def status_of(server: Any, request: Request, token: str) -> int:
    """Send a request, and return the status; the rest of the answer may have no end."""
    path = re.sub(r"<\w+:\w+>", "999", request.route.path.replace("<name:module>", "notes"))
    if request.parameters:
        path += "?" + "&".join(f"{name}=1" for name in request.parameters)
    wire = await server.wire()
    wire.send(server.request(request.route.method, path, token=token))
    line = await wire.until(b"\r\n")
    wire.close()
    return int(line.split()[1])


async def token(server: Any, scope: str, **more: Any) -> str:
    """Return a new token with one scope."""
    made = await server.ask_json("POST", "/tokens", {"name": "t", "scopes": [scope], **more})
    value: str = made.json()["token"]
    return value


@pytest.mark.parametrize("scope", SCOPES)
@pytest_twisted.ensureDeferred
async def test_a_scope_admits_where_the_table_says(server: Any, scope: str) -> None:
    """A token with a single scope gets 403 everywhere else, and nowhere without need."""
    given = await token(server, scope)
    for each in ALL:
        assert (await status_of(server, each, given) == 403) is not each.admits(scope), each.path


@pytest.mark.parametrize("scope", FOR_ONE_IDENTITY)
@pytest_twisted.ensureDeferred
async def test_a_scope_for_one_identity(server: Any, scope: str) -> None:
    """Limited to an identity, the token is admitted only where that is made sure of."""
    alice, _ = await server.friends()
    given = await token(server, scope, identity=alice["id"])
    for each in ALL:
        admitted = each.admits(scope, ONE)
        assert (await status_of(server, each, given) == 403) is not admitted, each.path


@pytest.mark.parametrize("scope", [each for each in SCOPES if each not in FOR_ONE_IDENTITY])
@pytest_twisted.ensureDeferred
async def test_other_scopes_are_not_for_one_identity(server: Any, scope: str) -> None:
    """What concerns no identity cannot be limited to one."""
    alice = await server.identity()
    body = {"name": "t", "scopes": ["read", scope], "identity": alice["id"]}
    got = await server.ask_json("POST", "/tokens", body)
    assert got.status == 400
    assert [each["key"] for each in got.json()["errors"]] == ["scopes"]


@pytest.mark.parametrize("scope", ["read", "send", "contacts", "keys", "settings", "admin"])
@pytest_twisted.ensureDeferred
async def test_who_sees_drop_urls(server: Any, scope: str) -> None:
    """Readers and senders see names and keys; where to watch the drops is for nobody else."""
    await server.friends()
    given = await token(server, scope)
    hidden = scope in ("read", "send")
    for path, name in (("/identities", "drops"), ("/contacts", "drop_urls")):
        listed = await server.ask("GET", path, token=given)
        if listed.status == 403:
            continue
        first = listed.json()[0]
        single = (await server.ask("GET", f"{path}/{first['id']}", token=given)).json()
        assert first["alias"]
        assert first["public_key"]
        for shown in (first, single):
            assert (shown[name] is None) is hidden
        assert (b"drop.example" in listed.body) is not hidden


@pytest_twisted.ensureDeferred
async def test_sessions(server: Any) -> None:
    """With the scope sessions tokens are listed without values and revoked, but not made."""
    given, other = await token(server, "sessions"), await token(server, "admin")
    listed = await server.ask("GET", "/tokens", token=given)
    assert [each["scopes"] for each in listed.json()] == [["sessions"], ["admin"]]
    for value in (given, other, server.token):
        assert value.encode() not in listed.body
    made = {"name": "more", "scopes": ["read"]}
    assert (await server.ask_json("POST", "/tokens", made, token=given)).status == 403
    assert (await server.ask("DELETE", "/tokens/2", token=given)).status == 204
    assert (await server.ask("GET", "/tokens", token=other)).status == 401
    assert (await server.ask("DELETE", "/tokens/0", token=given)).status == 404
    assert (await server.ask("DELETE", "/tokens/1", token=given)).status == 204
    assert (await server.ask("GET", "/tokens", token=given)).status == 401
    assert (await server.ask("GET", "/tokens")).json() == []
