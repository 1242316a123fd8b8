"""Who gets in: every route is asked by those who may not, in every way that is forbidden."""

import re
from typing import Any

import pytest
import pytest_twisted

from qabel.contract.openapi import describe
from qabel.rest.app import SUBJECTS, Api

OPEN = {"/health", "/openapi.json", "/docs", "/docs/page.js", "/docs/page.css"}
"""What tells nothing of the user."""

ALL = [route for subject in SUBJECTS for route in subject.all]


def asked(rule: str) -> str:
    """Make a path of a rule."""
    return re.sub(r"<\w+:\w+>", "1", rule)


def routed() -> list[tuple[str, str]]:
    """Walk over what Klein really routes."""
    return [
        (method, asked(rule.rule))
        for rule in Api.app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def test_every_route_is_declared() -> None:
    """Klein routes nothing but what was declared, with scopes, and named in the contract."""
    rules = {
        (rule.rule, method) for rule in Api.app.url_map.iter_rules() for method in rule.methods
    }
    declared = {(route.path, route.method) for route in ALL}
    assert rules == declared | {(path, "HEAD") for path, method in declared if method == "GET"}
    assert {route.path for route in ALL if not route.scopes} == OPEN
    paths = describe(SUBJECTS)["paths"]
    assert sum(len(each) for each in paths.values()) == len(rules)


@pytest_twisted.ensureDeferred
async def test_walk(server: Any) -> None:
    """No route lets in who has no token, a wrong Host, a foreign Origin; all have an Allow."""
    wire = await server.wire()
    for method, path in routed():
        is_head = method == "HEAD"

        async def ask(**how: Any) -> Any:
            wire.send(server.request(method, path, **how))  # noqa: B023
            return await wire.answer(head=is_head)  # noqa: B023

        for token in (None, "wrong", "x" * 43):
            got = await ask(token=token)
            if path not in OPEN:
                assert got.status == 401
                assert got.headers["www-authenticate"] == "Bearer"
                assert is_head or str(server.core.tokens.path) in got.json()["detail"]
        assert (await ask(host="evil.example")).status == 403
        assert (await ask(host=None)).status == 403
        assert (await ask(origin="http://evil.example")).status == 403
        assert (await ask(origin="null")).status == 403
        assert (await ask(sec_fetch_site="cross-site")).status == 403
    for path in {path for _, path in routed()}:
        wire.send(server.request("OPTIONS", path) + server.request("BREW", path))
        options, brew = await wire.answer(), await wire.answer()
        assert (options.status, brew.status) == (204, 405)
        wanted = {method for method, other in routed() if other == path} | {"OPTIONS"}
        assert set(options.headers["allow"].split(", ")) == wanted
        assert options.headers["allow"] == brew.headers["allow"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9696", 200),
        ("localhost.:1", 200),
        ("127.0.0.1:9696", 200),
        ("127.9.9.9", 200),
        ("[::1]:9696", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("10.0.0.1", 403),
        ("[::2]", 403),
        ("::1", 403),
        ("192.168.0.1", 403),
        ("a..b", 403),
        ("x" * 70 + ".example", 403),
        ("x" * 5000, 403),
        ("localhost:port", 403),
        ("localhost:123456", 403),
        ("localhost@evil.example", 403),
        ("[localhost]", 403),
        ("", 403),
        ("\xe4", 403),
    ],
)
@pytest_twisted.ensureDeferred
async def test_hosts(server: Any, host: str, status: int) -> None:
    """Only names of this machine are taken for it: other ones may be rebound to it."""
    for path in ("/settings", "/health?live"):
        assert (await server.ask("GET", path, host=host)).status == status


@pytest_twisted.ensureDeferred
async def test_two_hosts(server: Any) -> None:
    """Two Host headers are none."""
    wire = await server.wire()
    wire.send(
        server.request("GET", "/settings").replace(b"\r\n\r\n", b"\r\nHost: localhost\r\n\r\n")
    )
    assert (await wire.answer()).status == 403


@pytest_twisted.ensureDeferred
async def test_allowed_host(make_server: Any) -> None:
    """A name that was allowed is taken, with its port if one was given."""
    server = await make_server(allowed_hosts=["box.example", "Other.example:80"])
    statuses = [
        (await server.ask("GET", "/settings", host=host)).status
        for host in (
            "box.example",
            "BOX.example:1",
            "other.example:80",
            "other.example",
            "b.example",
        )
    ]
    assert statuses == [200, 200, 200, 403, 403]


@pytest_twisted.ensureDeferred
async def test_origins(make_server: Any) -> None:
    """Pages of the server's own origin and of allowed ones may ask; CORS is for the latter."""
    server = await make_server(allowed_origins=["https://app.example"])
    own = await server.ask("GET", "/settings", origin="http://localhost:9696")
    assert own.status == 200
    assert "access-control-allow-origin" not in own.headers
    assert (await server.ask("GET", "/settings", origin="https://localhost:9696")).status == 403
    assert (await server.ask("GET", "/settings", origin="http://localhost:1")).status == 403
    assert (await server.ask("GET", "/settings", sec_fetch_site="same-origin")).status == 200
    assert (await server.ask("GET", "/settings", sec_fetch_site="same-site")).status == 403
    for path, status in (("/settings", 200), ("/nothing", 404), ("/drop/99", 404)):
        got = await server.ask(
            "GET", path, origin="https://app.example", sec_fetch_site="cross-site"
        )
        assert got.status == status
        assert got.headers["access-control-allow-origin"] == "https://app.example"
        assert got.headers["vary"] == "Origin"
    assert (await server.ask("GET", "/settings", token=None, origin="https://app.example")).headers[
        "access-control-allow-origin"
    ]


@pytest_twisted.ensureDeferred
async def test_preflight(make_server: Any) -> None:
    """Browsers may ask, without a token, for allowed origins only."""
    server = await make_server(allowed_origins=["https://app.example"])
    asks = {"token": None, "access_control_request_method": "PUT"}
    got = await server.ask("OPTIONS", "/settings", origin="https://app.example", **asks)
    assert got.status == 204
    assert got.headers["access-control-allow-origin"] == "https://app.example"
    assert "PUT" in got.headers["access-control-allow-methods"]
    assert "Authorization" in got.headers["access-control-allow-headers"]
    assert (
        await server.ask("OPTIONS", "/settings", origin="https://b.example", **asks)
    ).status == 403
    assert (
        await server.ask("OPTIONS", "/settings", origin="http://localhost:9696", **asks)
    ).status == 401


@pytest_twisted.ensureDeferred
async def test_no_auth(make_server: Any) -> None:
    """Without tokens the checks of Host and Origin stay on."""
    server = await make_server(auth=False)
    assert (await server.ask("GET", "/settings", token=None)).status == 200
    assert (await server.ask("GET", "/settings", token=None, host="evil.example")).status == 403
    assert (
        await server.ask("GET", "/settings", token=None, origin="http://e.example")
    ).status == 403


@pytest_twisted.ensureDeferred
async def test_unix(make_server: Any) -> None:
    """On the Unix socket neither token nor Host is looked at; a bad Host breaks nothing."""
    server = await make_server(unix=True)
    for host in (None, "a..b", "x" * 70, "evil.example", "\xe4"):
        assert (await server.ask("GET", "/settings", token=None, host=host)).status == 200


@pytest_twisted.ensureDeferred
async def test_paths(server: Any) -> None:
    """What is no resource is not found; what is no path is refused."""
    table = [
        ("/", 404),
        ("/nothing", 404),
        ("/settings/", 404),
        ("//settings", 400),
        ("/drop/-1", 404),
        ("/drop/01", 404),
        ("/drop/99999999999999999999", 404),
        ("/drop/9223372036854775807", 404),
        ("/drop/x", 404),
        ("/drop/%31", 404),
        ("/settings%2F", 404),
        ("/identities/" + "g" * 64, 404),
        ("/%ff", 400),
        ("http://localhost/settings", 400),
        ("settings", 400),
    ]
    for path, status in table:
        got = await server.ask("GET", path)
        assert got.status == status, path
        assert got.headers["content-type"] == "application/problem+json"
        assert got.json()["status"] == status
    assert (await server.ask("OPTIONS", "*")).status == 204
    assert (await server.ask("get", "/settings")).status == 501


@pytest_twisted.ensureDeferred
async def test_query_is_strict(server: Any) -> None:
    """A parameter that is misspelt, given twice or out of its limits is told by its name."""
    table = [
        ("limt=1", "limt"),
        ("limt", "limt"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=%C2%B2", "limit"),
        ("limit=", "limit"),
        ("wait=61", "wait"),
        ("wait=nan", "wait"),
        ("wait=-1", "wait"),
        ("identity=x", "identity"),
        ("contact=99999999999999999999", "contact"),
        ("consumer=", "consumer"),
        ("consumer=a%0Ab", "consumer"),
        ("model_object=%ff", "model_object"),
    ]
    for query, name in table:
        got = await server.ask("GET", f"/drop?{query}")
        assert got.status == 400, query
        assert [each["key"] for each in got.json()["errors"]] == [name]
    assert (await server.ask("GET", "/settings?x=1")).status == 400


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
async def test_token_of_one_identity(server: Any) -> None:
    """A token of one identity sees nothing of the other one."""
    alice, bob = await server.friends()
    await server.receive("to Bob", sender="Alice")
    await server.receive("to Alice", sender="Bob")
    made = await server.ask_json(
        "POST", "/tokens", {"name": "b", "scopes": ["read", "send"], "identity": bob["id"]}
    )
    token = made.json()["token"]

    async def status(path: str) -> int:
        return (await server.ask("GET", path, token=token)).status

    messages = (await server.ask("GET", "/drop?since=0", token=token)).json()
    assert [each["data"]["msg"] for each in messages] == ["to Bob"]
    everything = (await server.ask("GET", "/drop?since=0")).json()
    seen = [await status(f"/drop/{each['id']}") for each in everything]
    assert seen == [200, 404]
    assert await status(f"/drop?identity={alice['id']}") == 403
    identities = (await server.ask("GET", "/identities", token=token)).json()
    assert [each["alias"] for each in identities] == ["Bob"]
    assert await status(f"/identities/{alice['id']}") == 404
    assert await status(f"/identities/{alice['public_key']}/contact") == 404
    contacts = (await server.ask("GET", "/contacts", token=token)).json()
    assert [each["alias"] for each in contacts] == ["Alice"]
    others = (await server.ask("GET", f"/contacts?identity={alice['id']}")).json()
    assert await status(f"/contacts/{others[0]['id']}") == 404
    outbox = (await server.ask("GET", "/outbox", token=token)).json()
    assert {each["identity_id"] for each in outbox} == {bob["id"]}
    for path in ("/settings", "/synced", "/tokens", "/status", "/webhooks"):
        assert await status(path) == 403
    message = {"model_object": "chat", "data": {}}
    given = {"recipients": [others[0]["id"]], "sender": alice["id"], "drop_message": message}
    assert (await server.ask_json("POST", "/drop", given, token=token)).status == 400
    assert (await server.ask("DELETE", "/drop/1", token=token)).status == 403


@pytest_twisted.ensureDeferred
async def test_main_token_is_replaced(server: Any) -> None:
    """The old main token is void as soon as there is a new one in the file."""
    old = server.token
    assert (await server.ask("POST", "/tokens/main")).status == 204
    assert (await server.ask("GET", "/settings", token=old)).status == 401
    assert (await server.ask("GET", "/settings")).status == 200
