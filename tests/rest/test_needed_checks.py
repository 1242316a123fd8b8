"""Each check of access control, taken out: then requests get in that it kept out, on every route.

So each of them is known to be needed: nothing behind it does the same.
"""

import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
import pytest_twisted
from attrs import evolve

from qabel.contract.access import EVERYTHING
from qabel.contract.routes import MAX_BODY, Route
from qabel.core import tokens as access
from qabel.core.tokens import TokenBook
from qabel.rest.app import SUBJECTS
from qabel.rest.http.access_control import AccessControl, Decision

ROUTES = [route for subject in SUBJECTS for route in subject.all]

EVIL = "http://evil.example"


def good_origin(control: AccessControl, origins: Any, hosts: Any, request: Any) -> bool:
    """Accept any origin."""
    return True


def careless(control: AccessControl, asked: Any, *, is_page: bool) -> Decision:
    """Check the token only."""
    return Decision(control._access(asked.requestHeaders.getRawHeaders(b"Authorization")))


CHECKS: dict[str, tuple[Any, str, Any, dict[str, Any], int]] = {
    "token": (TokenBook, "check", lambda book, value: EVERYTHING, {"token": "wrong"}, 401),
    "host": (AccessControl, "_is_good_host", lambda *_: True, {"host": "evil.example"}, 403),
    "origin": (AccessControl, "_is_good_origin", good_origin, {"origin": EVIL}, 403),
    "site": (AccessControl, "decide", careless, {"sec_fetch_site": "cross-site"}, 403),
    "scope": (Route, "admits", lambda *_: True, {}, 403),
}
"""The check that is taken out, its replacement, whom it keeps out, and with which status."""


async def status_of(server: Any, route: Route, **how: Any) -> int:
    """Send a request, and return the status; the rest of the answer may have no end."""
    path = re.sub(r"<\w+:\w+>", "999", route.path.replace("<name:module>", "notes"))
    wire = await server.wire()
    wire.send(server.request(route.method, path, **how))
    line = await wire.until(b"\r\n")
    wire.close()
    return int(line.split()[1])


@pytest.mark.parametrize("name", CHECKS)
@pytest_twisted.ensureDeferred
async def test_each_check_is_needed(
    server: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the check such a request is rejected on every route; without it, on none."""
    owner, attribute, instead, how, refusal = CHECKS[name]
    if name == "scope":
        made = await server.ask_json("POST", "/tokens", {"name": "a", "scopes": ["status"]})
        how = {"token": made.json()["token"]}
    walked = [route for route in ROUTES if _checks(name, route)]
    assert len(walked) > 25
    for route in walked:
        assert await status_of(server, route, **how) == refusal, route.name
    monkeypatch.setattr(owner, attribute, instead)
    for route in walked:
        assert await status_of(server, route, **how) not in (401, 403), route.name


def _checks(name: str, route: Route) -> bool:
    if name == "token":
        return bool(route.scopes)
    return name != "scope" or bool(route.scopes - {"status"} and "status" not in route.scopes)


@pytest_twisted.ensureDeferred
async def test_tokens_are_compared_in_constant_time(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests are compared, by the function that takes the same time for all."""
    compared: list[tuple[bytes, bytes]] = []

    class Watched:
        """Takes the place of ``hmac``, and remembers what was compared."""

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(access, "hmac", Watched)
    given = ["a", server.token[:-1] + "!", server.token, "x" * 5000]
    statuses = [(await server.ask("GET", "/settings", token=each)).status for each in given]
    assert statuses == [401, 401, 200, 401]
    assert [len(one) for pair in compared for one in pair] == [32] * 8
    assert server.token.encode() not in [one for pair in compared for one in pair]


@pytest_twisted.ensureDeferred
async def test_the_limit_of_size_is_needed(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limit a larger body is accepted: nothing else keeps it out."""
    text = b'{"settings": {}' + b" " * MAX_BODY + b"}"
    how = {"content_type": "application/json"}
    assert (await server.ask("POST", "/settings", text, **how)).status == 413
    route = server.site.find_route(b"POST", b"/settings")
    wider = evolve(route, body_limit=10 * MAX_BODY)
    monkeypatch.setattr(server.site, "find_route", lambda *_: wider)
    assert (await server.ask("POST", "/settings", text, **how)).status == 200


@pytest.mark.parametrize("path", ["/settings", "/nothing", "/drop?limit=x", "/health", "/docs"])
@pytest_twisted.ensureDeferred
async def test_what_every_answer_says(make_server: Callable[..., Any], path: str) -> None:
    """CORS headers are for allowed origins only, and no answer may be stored, whichever it is."""
    server = await make_server(allowed_origins=["https://app.example"])
    for how in (
        {"origin": "https://app.example"},
        {"origin": EVIL},
        {"token": "wrong"},
        {"host": "evil.example"},
        {},
    ):
        got = await server.ask("GET", path, **how)
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-content-type-options"] == "nosniff"
        allowed = how.get("origin") == "https://app.example"
        assert ("access-control-allow-origin" in got.headers) is allowed
        assert "access-control-allow-credentials" not in got.headers
    asks = {"token": None, "access_control_request_method": "DELETE"}
    for origin, status in (("https://app.example", 204), (EVIL, 403), ("null", 403)):
        got = await server.ask("OPTIONS", path, origin=origin, **asks)
        assert got.status == status
        assert ("access-control-allow-methods" in got.headers) is (status == 204)
