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
        ("localhost:0", 403),
        ("localhost:65535", 200),
        ("localhost:65536", 403),
        ("localhost:99999", 403),
        ("localhost:-1", 403),
        ("localhost:", 403),
        ("localhost:80:80", 403),
        ("localhost@evil.example", 403),
        ("evil@localhost", 403),
        ("evil.example:1@localhost", 403),
        ("localhost/", 403),
        ("localhost evil.example", 403),
        ("localhost,evil.example", 403),
        ("localhost..", 403),
        ("[::1%evil.com]", 403),
        ("[::1%25evil.com]", 403),
        ("[::1%lo]", 403),
        ("[::1%1]:9696", 403),
        ("[127.0.0.1]", 403),
        ("[::1", 403),
        ("[::1]x", 403),
        ("[::1].", 403),
        ("[[::1]]", 403),
        ("[::1]:0", 403),
        ("127.0.0.1%evil.com", 403),
        ("127.1", 403),
        ("0x7f.0.0.1", 403),
        ("2130706433", 403),
        ("127.0.0.01", 403),
        ("0.0.0.0", 403),  # noqa: S104
        ("[::]", 403),
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


def with_lines(request: bytes, *lines: bytes) -> bytes:
    """Return a request with further header lines."""
    return request.replace(b"\r\n\r\n", b"".join(b"\r\n" + each for each in lines) + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Sec-Fetch-Site: none"], 200),
        ([b"sec-fetch-site: same-origin"], 200),
        ([b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-origin"], 403),
        ([b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site"], 403),
        ([b"Sec-Fetch-Site: none", b"Sec-Fetch-Site: none"], 403),
        ([b"Sec-Fetch-Site: cross-site, same-origin"], 403),
        ([b"Sec-Fetch-Site: same-origin, none"], 403),
        ([b"Sec-Fetch-Site: Same-Origin"], 403),
        ([b"Sec-Fetch-Site:"], 403),
        ([b"Sec-Fetch-Site: new-kind"], 403),
        ([b"Sec-Fetch-Site: same-origin;a=1"], 403),
        ([b"Origin: null"], 403),
        ([b"Origin:"], 403),
        ([b"Origin: http://localhost:9696"], 200),
        ([b"Origin: http://localhost:9696", b"Origin: http://evil.example"], 403),
        ([b"Origin: http://evil.example", b"Origin: http://localhost:9696"], 403),
        ([b"Origin: http://localhost:9696, http://evil.example"], 403),
        ([b"Origin: http://localhost:9696/"], 403),
        ([b"Host: localhost:9696"], 403),
        ([b"Host: evil.example"], 403),
        ([b"X: y", b" Host: evil.example"], 200),
        ([b"Host : evil.example"], 400),
        ([b"X: a\0b"], 400),
        ([b"Authorization: Bearer x"], 401),
        ([b"Authorization:"], 401),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 0"], 400),
        ([b"Content-Length: 0", b"Content-Length: 0"], 400),
        ([b"Content-Length: +0"], 400),
    ],
)
@pytest_twisted.ensureDeferred
async def test_odd_headers(server: Any, lines: list[bytes], status: int) -> None:
    """A header that comes twice, as a list, or with an unknown value opens no door."""
    wire = await server.wire()
    wire.send(with_lines(server.request("GET", "/settings"), *lines))
    assert (await wire.answer()).status == status


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
@pytest_twisted.ensureDeferred
async def test_sites_of_an_allowed_origin(make_server: Any, site: str) -> None:
    """A page of an allowed origin may be on any site, which the browser states once."""
    server = await make_server(allowed_origins=["https://app.example"])
    asked = server.request("GET", "/settings", origin="https://app.example", sec_fetch_site=site)
    for lines, status in (((), 200), ((b"Sec-Fetch-Site: none",), 403)):
        wire = await server.wire()
        wire.send(with_lines(asked, *lines))
        assert (await wire.answer()).status == status
    odd = await server.ask("GET", "/settings", origin="https://app.example", sec_fetch_site="x")
    assert odd.status == 403


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://127.0.0.1:9696/settings", "127.0.0.1:9696", 200),
        ("http://127.0.0.1:9696/settings", "evil.example", 200),
        ("HTTP://LOCALHOST/settings?", "localhost", 200),
        ("http://[::1]:9696/health?live", "[::1]:9696", 200),
        ("http://evil.example/settings", "localhost", 403),
        ("http://evil.example/settings", "evil.example", 403),
        ("http://user@localhost/settings", "localhost", 403),
        ("http://localhost:0/settings", "localhost", 403),
        ("http://[::1%25lo]/settings", "localhost", 403),
        ("http:///settings", "localhost", 403),
        ("http://localhost//settings", "localhost", 400),
        ("https://localhost/settings", "localhost", 400),
        ("ftp://localhost/settings", "localhost", 400),
        ("localhost:9696", "localhost", 400),
        ("http://localhost", "localhost", 200),
        ("/settings/../settings", "localhost", 404),
        ("/health/../settings", "localhost", 404),
        ("/%2e%2e/settings", "localhost", 404),
        ("/settings%00", "localhost", 404),
    ],
)
@pytest_twisted.ensureDeferred
async def test_targets_that_name_a_host(server: Any, target: str, host: str, status: int) -> None:
    """The host in an absolute target counts instead of Host, and is checked as that is."""
    assert (await server.ask("GET", target, host=host)).status == status
    if status == 200 and "health" not in target:
        assert (await server.ask("GET", target, host=host, token=None)).status == 401


@pytest_twisted.ensureDeferred
async def test_absolute_targets_and_origins(server: Any) -> None:
    """The own origin is that of the host in the target; two Host headers stay two."""
    target = "http://localhost:1/settings"
    for origin, status in (("http://localhost:1", 200), ("http://localhost:9696", 403)):
        assert (await server.ask("GET", target, origin=origin)).status == status
    wire = await server.wire()
    wire.send(with_lines(server.request("GET", target), b"Host: localhost"))
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
