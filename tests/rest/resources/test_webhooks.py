"""``/webhooks``."""

from typing import Any

import pytest
import pytest_twisted

HOOK = "http://127.0.0.1:9/hook"


@pytest_twisted.ensureDeferred
async def test_webhooks(server: Any) -> None:
    """A webhook is added, listed without its secret, and deleted."""
    got = await server.ask_json("POST", "/webhooks", {"url": HOOK})
    assert got.status == 201
    secret, path = got.json()["secret"].encode(), got.headers["location"]
    for other in ("/webhooks", path, f"{path}/undelivered"):
        listed = await server.ask("GET", other)
        assert listed.status == 200
        assert secret not in listed.body
    cursor = server.core.journal.newest
    for query, status in ((f"upto={cursor}", 204), ("upto=other.1", 410), ("", 400)):
        shortened = await server.ask("DELETE", f"{path}/undelivered?{query}")
        assert shortened.status == status
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]
    assert (await server.ask("GET", f"{path}/undelivered")).status == 404
    assert (await server.ask("DELETE", f"{path}/undelivered?upto={cursor}")).status == 404


@pytest_twisted.ensureDeferred
async def test_one_webhook(server: Any) -> None:
    """One webhook is read as it is listed, until it is deleted."""
    first, second = [
        (await server.ask_json("POST", "/webhooks", {"url": f"{HOOK}/{name}"})).headers["location"]
        for name in ("a", "b")
    ]
    shown = (await server.ask("GET", second)).json()
    assert shown["url"] == f"{HOOK}/b"
    assert (await server.ask("GET", "/webhooks")).json()[1] == shown
    assert (await server.ask("DELETE", first)).status == 204
    assert (await server.ask("GET", first)).status == 404
    assert (await server.ask("GET", "/webhooks")).json() == [shown]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        ({"url": 5}, 400),
        ({"url": "http://192.0.2.1/"}, 400),
        ({"url": "ftp://127.0.0.1/"}, 400),
        ({"url": HOOK, "more": 1}, 400),
        ({"url": HOOK, "since": "other.1"}, 410),
    ],
)
@pytest_twisted.ensureDeferred
async def test_invalid_webhooks(server: Any, given: dict[str, Any], status: int) -> None:
    """A webhook needs a URL that may be called, and a cursor of this database if any."""
    assert (await server.ask_json("POST", "/webhooks", given)).status == status
    assert (await server.ask("GET", "/webhooks")).json() == []
