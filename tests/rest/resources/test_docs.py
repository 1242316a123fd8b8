"""The page of /docs: its headers, and what it does in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from qabel.rest.app import Api as RestApi
from tests.integration.client import Api
from tests.integration.processes import Twistd
from tests.rest.browser import Browser, find_browser

HOSTILE = "<img src=//e.example onerror=alert(1)>\u202egnp.exe\u0007\u200b"

OPERATION = """[...document.querySelectorAll("details")].find((each) =>
    each.querySelector("summary b").textContent === METHOD
    && each.querySelector("summary code").textContent === PATH)"""


@pytest_twisted.ensureDeferred
async def test_page_is_open(server: Any) -> None:
    """A browser opens page and contract without a token; nothing from elsewhere may run there."""
    for path, kind in (
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/page.js", "text/javascript; charset=utf-8"),
        ("/docs/page.css", "text/css; charset=utf-8"),
        ("/docs/colours.css", "text/css; charset=utf-8"),
        ("/openapi.json", "application/json"),
    ):
        got = await server.ask("GET", path, token=None, sec_fetch_site="none")
        assert (got.status, got.headers["content-type"]) == (200, kind)
        assert server.token.encode() not in got.body
        assert str(server.core.tokens.path.parent).encode() not in got.body
        if path != "/openapi.json":
            policy = got.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
            assert got.headers["referrer-policy"] == "no-referrer"
    page = (await server.ask("GET", "/docs", token=None)).body.decode()
    assert "://" not in page
    assert "<style" not in page
    assert " on" not in page.replace(" on ", "")


@pytest_twisted.ensureDeferred
async def test_contract(server: Any) -> None:
    """The contract is there for programs, and is the one that describes every route."""
    got = await server.ask("GET", "/openapi.json", token=None)
    assert got.body == RestApi.openapi() + b"\n"
    assert got.json()["openapi"] == "3.1.0"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, str]]:
    """Return a daemon with an identity of a hostile name, and where its page is."""
    folder = tmp_path_factory.mktemp("page")
    data = folder / "data"
    options = ("--listen=tcp:0:interface=127.0.0.1", "--drop-server=tcp:0:interface=127.0.0.1")
    with Twistd(folder / "log", "qabel-rest", f"--data-dir={data}", *options) as process:
        port = process.port("qabel-rest")
        api = Api(data)
        api.meet("Alice", f"http://127.0.0.1:{process.port('qabel-drop')}")
        api.good("PUT", "/synced", {"key": "identities.1.alias", "value": HOSTILE})
        yield api, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def page(daemon: tuple[Api, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser that shows the page, once the page is complete."""
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian's package: chromium)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        browser.open(f"{daemon[1]}/docs")
        browser.until('document.querySelectorAll("details").length > 30')
        yield browser


def give_token(browser: Browser, token: str) -> None:
    """Type the token."""
    browser.run(f'document.getElementById("token").value = {json.dumps(token)}')


def send(browser: Browser, method: str, path: str, **fields: str) -> list[str]:
    """Fill in the fields of an operation, send it, and give the texts of its answer."""
    find = OPERATION.replace("METHOD", json.dumps(method)).replace("PATH", json.dumps(path))
    browser.run(f"window.operation = {find}; operation.open = true; operation.scrollIntoView()")
    for name, value in fields.items():
        label = json.dumps(f'[aria-label="{name}"]')
        browser.run(f"operation.querySelector({label}).value = {json.dumps(value)}")
    browser.run('operation.querySelector("button").click()')
    browser.until('!operation.querySelector("button").disabled')
    script = '[...operation.querySelectorAll("[aria-live] > *")].map((each) => each.textContent)'
    texts: list[str] = browser.run(script)
    return texts


def test_reading(daemon: tuple[Api, str], page: Browser, tmp_path: Path) -> None:
    """What was asked for is shown as it is: tags as text, signs that trick the eye as numbers."""
    api, origin = daemon
    assert send(page, "GET", "/identities")[1].startswith("401")
    give_token(page, api.token)
    command, status, headers, body = send(page, "GET", "/identities")
    assert command == (
        f"curl -X GET '{origin}/identities' -H \"Authorization: Bearer $(cat api-token)\""
    )
    assert (status, "content-type: application/json" in headers) == ("200 OK", True)
    assert "<img src=//e.example onerror=alert(1)>\\u202egnp.exe\\u0007\\u200b" in body
    assert json.loads(body)[0]["alias"] == HOSTILE
    assert page.run('operation.querySelectorAll("img").length') == 0
    page.picture(tmp_path / "page.png")


def test_writing(daemon: tuple[Api, str], page: Browser, tmp_path: Path) -> None:
    """Methods, paths, queries and bodies of all kinds are sent as they were filled in."""
    api, _ = daemon
    give_token(page, api.token)
    body = json.dumps({"key": "module_data.chat", "value": {"n": 9007199254740993}})
    texts = send(page, "PUT", "/settings", body=body)
    assert texts[1] == "200 OK"
    assert '"n": 9007199254740993' in texts[-1]
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        page.run(f'operation.querySelector("select").value = {json.dumps(kind)}')
        texts = send(page, "PUT", "/settings", body='{"key": "poll_interval", "value": 7}')
        assert texts[1] == "200 OK"
    assert api.good("GET", "/settings")["poll_interval"] == 7
    texts = send(page, "GET", "/identities/{ref}", ref="99")
    assert texts[1] == "404 Not Found"
    texts = send(page, "GET", "/drop", since="0", limit="5")
    assert texts[0].partition(" -H")[0].endswith("/drop?since=0&limit=5'")
    assert texts[1] == "204 No Content"
    page.picture(tmp_path / "page.png")


def test_following(daemon: tuple[Api, str], page: Browser) -> None:
    """Events are shown as they come, until somebody stops them."""
    api, _ = daemon
    give_token(page, api.token)
    find = OPERATION.replace("METHOD", '"GET"').replace("PATH", '"/events"')
    page.run(f"window.operation = {find}; operation.open = true; operation.scrollIntoView()")
    page.run('operation.querySelector("button").click()')
    shown = 'operation.querySelector("[aria-live]").textContent'
    page.until(f'{shown}.includes("id: ")')
    api.good("PUT", "/settings", {"key": "module_data.a", "value": {}})
    page.until(f'{shown}.includes("event: settings")')
    page.run('operation.querySelectorAll("button")[1].click()')
    page.until(f'{shown}.includes("Stopped.")')


def test_nothing_else(daemon: tuple[Api, str], page: Browser) -> None:
    """The page asks nobody but its daemon, keeps no token, and complains of nothing."""
    _, origin = daemon
    asked = [each for each in page.requested() if not each.startswith(("data:", "about:"))]
    assert asked
    assert [each for each in asked if not each.startswith(f"{origin}/")] == []
    assert page.run("localStorage.length + sessionStorage.length + document.cookie.length") == 0
    expected = ("401", "404")
    odd = [each for each in page.troubles() if not any(status in each for status in expected)]
    assert odd == []


def test_policy(page: Browser) -> None:
    """Even a script of the page could put no markup into it, and load nothing from elsewhere."""
    for script in (
        'document.body.innerHTML = "<b>"',
        'new Function("0")()',
        'eval("0")',
    ):
        tried = f"(() => {{ try {{ {script}; return true }} catch {{ return false }} }})()"
        assert page.run(tried) is False, script
