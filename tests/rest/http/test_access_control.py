"""Who gets in: which Host and Origin headers are accepted, and what a web page may ask."""

from typing import Any

import pytest
import pytest_twisted


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
    """Only names of this machine are accepted: any other one may be rebound to it."""
    for path in ("/settings", "/health?live"):
        assert (await server.ask("GET", path, host=host)).status == status


@pytest_twisted.ensureDeferred
async def test_two_hosts(server: Any) -> None:
    """Two Host headers are rejected, even if each is good."""
    wire = await server.wire()
    wire.send(
        server.request("GET", "/settings").replace(b"\r\n\r\n", b"\r\nHost: localhost\r\n\r\n")
    )
    assert (await wire.answer()).status == 403


@pytest_twisted.ensureDeferred
async def test_allowed_host(make_server: Any) -> None:
    """An allowed name is accepted: with any port, or with the one that it was given with."""
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
    """Pages of the server's own origin and of allowed ones get in; CORS is for the latter."""
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
    """Preflight requests are answered without a token, for allowed origins only."""
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
    """With authentication turned off, Host and Origin are still checked."""
    server = await make_server(auth=False)
    assert (await server.ask("GET", "/settings", token=None)).status == 200
    assert (await server.ask("GET", "/settings", token=None, host="evil.example")).status == 403
    assert (
        await server.ask("GET", "/settings", token=None, origin="http://e.example")
    ).status == 403


@pytest_twisted.ensureDeferred
async def test_unix(make_server: Any) -> None:
    """On the Unix socket neither token nor Host matters, whatever they are."""
    server = await make_server(unix=True)
    for host in (None, "a..b", "x" * 70, "evil.example", "\xe4"):
        assert (await server.ask("GET", "/settings", token=None, host=host)).status == 200
