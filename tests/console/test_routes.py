"""The page, and how a browser gets a session."""

from typing import Any

import pytest
import pytest_twisted

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OPENED = {
    "sec_fetch_site": "cross-site",
    "sec_fetch_mode": "navigate",
    "sec_fetch_dest": "document",
}


async def session_of(server: Any) -> Any:
    """Begin a session."""
    server.core.console.page_url = lambda: "http://127.0.0.1:9696/"
    code = (await server.ask("POST", "/console/codes")).json()["code"]
    got = await server.ask_json(
        "POST", "/console/sessions", {"code": code, "name": "Firefox"}, token=None
    )
    assert got.status == 201
    return got.json()


@pytest_twisted.ensureDeferred
async def test_the_page_needs_no_token(server) -> None:
    """A browser gets it also from a file, and nothing else like that."""
    for headers in (HTML, HTML | OPENED):
        got = await server.ask("GET", "/", token=None, **headers)
        assert got.status == 200
        assert got.headers["content-type"].startswith("text/html")
        assert got.headers["vary"] == "Accept"
        assert "default-src 'none'" in got.headers["content-security-policy"]
    got = await server.ask("GET", "/console/static/main.js", token=None)
    assert got.status == 200
    got = await server.ask("GET", "/console/static/nothing.js", token=None)
    assert got.status == 401


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/", {"sec_fetch_mode": "no-cors"}),
        ("/", {"sec_fetch_dest": "iframe"}),
        ("/", {"origin": "http://evil.example"}),
        ("/", {"origin": "null"}),
        ("/", {"host": "evil.example"}),
        ("/docs", {}),
        ("/health", {}),
        ("/drop", {}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_other_pages_cannot_do(server, path: str, change: dict[str, str]) -> None:
    """Only a whole page is opened from elsewhere, and only this one."""
    got = await server.ask("GET", path, token=None, **(HTML | OPENED | change))
    assert got.status == 403


@pytest_twisted.ensureDeferred
async def test_the_page_is_read_only(server) -> None:
    """A form of another page cannot post to it."""
    got = await server.ask("POST", "/", b"x", token=None, **(HTML | OPENED))
    assert got.status == 403


@pytest_twisted.ensureDeferred
async def test_a_program_needs_a_token_for_it(server) -> None:
    """It is told where the documentation is."""
    assert (await server.ask("GET", "/", token=None)).status == 401
    assert (await server.ask("GET", "/", token=None, accept="application/json")).status == 401
    got = await server.ask("GET", "/")
    assert got.json() == {"docs": "/docs", "contract": "/openapi.json"}
    assert got.headers["vary"] == "Accept"


@pytest_twisted.ensureDeferred
async def test_a_session(server) -> None:
    """A code becomes a token, which is listed and can be revoked by itself."""
    session = await session_of(server)
    got = await server.ask("GET", "/tokens", token=session["token"])
    [listed] = got.json()
    assert (listed["name"], listed["id"]) == ("Firefox", session["id"])
    assert listed["ends"] is not None
    assert (await server.ask("GET", "/synced", token=session["token"])).status == 403
    got = await server.ask("DELETE", f"/tokens/{session['id']}", token=session["token"])
    assert got.status == 204
    assert (await server.ask("GET", "/tokens", token=session["token"])).status == 401


@pytest_twisted.ensureDeferred
async def test_who_gets_a_code(server) -> None:
    """The main token only: not another one, even if it may do everything."""
    assert (await server.ask("POST", "/console/codes")).status == 409
    server.core.console.page_url = lambda: "http://127.0.0.1:9696/"
    made = await server.core.tokens.add("all", ["admin"])
    assert (await server.ask("POST", "/console/codes", token=made.token)).status == 403
    session = await session_of(server)
    assert (await server.ask("POST", "/console/codes", token=session["token"])).status == 403
    assert (await server.ask("POST", "/console/codes", token=None)).status == 401


@pytest_twisted.ensureDeferred
async def test_a_wrong_code(server) -> None:
    """It is a 400 that does not show the code."""
    got = await server.ask_json("POST", "/console/sessions", {"code": "f" * 32}, token=None)
    assert got.status == 400
    assert "ffff" not in got.body.decode()


@pytest_twisted.ensureDeferred
async def test_the_proof_needs_no_token(server) -> None:
    """It is the same for the same nonce, and another one for another."""
    await session_of(server)
    first, again, other = [
        (await server.ask_json("POST", "/console/proof", {"nonce": each}, token=None)).json()
        for each in ("a", "a", "b")
    ]
    assert first == again != other


@pytest_twisted.ensureDeferred
async def test_without_the_console(make_server) -> None:
    """Nothing of it is there, and the rest is."""
    server = await make_server(console=False)
    assert (await server.ask("GET", "/", token=None, **HTML)).status == 401
    for path in ("/", "/console/static/main.js"):
        assert (await server.ask("GET", path, **HTML)).status == 404
    assert (await server.ask("POST", "/console/codes")).status == 404
    assert (await server.ask("GET", "/health")).status == 200
