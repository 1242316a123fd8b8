"""``/identities`` and ``/contacts``: views of the synced settings, and files to hand on."""

from typing import Any

import pytest_twisted

JSON = "application/json"


@pytest_twisted.ensureDeferred
async def test_identities(server: Any) -> None:
    """Identities are made, listed, changed and deleted, and show in the settings."""
    got = await server.ask_json("POST", "/identities", {"alias": "Alice"})
    assert got.status == 409
    servers = {
        "key": "drop_servers",
        "value": [{"url": "http://drop.example", "auth": "", "active": True}],
    }
    assert (await server.ask_json("PUT", "/synced", servers)).status == 200
    got = await server.ask_json("POST", "/identities", {"alias": "Alice"})
    assert got.status == 201
    identity, path = got.json(), got.headers["location"]
    assert identity["drops"][0].startswith("http://drop.example/")
    assert (await server.ask("GET", path)).json() == identity
    by_key = await server.ask("GET", f"/identities/{identity['public_key'].upper()}")
    assert by_key.json() == identity
    changed = await server.ask_json("PATCH", path, {"alias": "Alicia"})
    assert (changed.status, changed.json()["alias"]) == (200, "Alicia")
    assert [each["alias"] for each in (await server.ask("GET", "/identities")).json()] == ["Alicia"]
    synced = (await server.ask("GET", "/synced")).json()["identities"]
    assert [each["alias"] for each in synced] == ["Alicia"]
    private_key = synced[0]["keys"]["private_key"].encode()
    for other in ("/identities", path, f"{path}/contact", "/status"):
        assert private_key not in (await server.ask("GET", other)).body
    for bad in ({}, {"alias": 5}, {"alias": "B", "nothing": 1}, {"alias": "B", "drops": ["x"]}):
        assert (await server.ask_json("POST", "/identities", bad)).status == 400
    assert [(await server.ask("DELETE", path)).status for _ in range(2)] == [204, 404]


@pytest_twisted.ensureDeferred
async def test_identity_moves(server: Any, make_server: Any) -> None:
    """An identity that one exports, another takes in, once."""
    identity = await server.identity()
    exported = await server.ask("GET", f"/identities/{identity['id']}/export")
    assert exported.headers["content-disposition"].endswith('.qid"')
    other = await make_server()
    got = await other.ask("POST", "/identities/import", exported.body, content_type=JSON)
    assert (got.status, got.json()["public_key"]) == (201, identity["public_key"])
    again = await other.ask("POST", "/identities/import", exported.body, content_type=JSON)
    assert again.status == 409
    for body, content_type, status in (
        (b"{}", JSON, 400),
        (b"", JSON, 400),
        (b"\xff", JSON, 400),
        (b'{"document": 5}', JSON, 400),
        (b"x=1", "application/x-www-form-urlencoded", 400),
        (exported.body, "image/png", 415),
    ):
        got = await other.ask(
            "POST",
            "/identities/import",
            body,
            content_type=content_type,
            content_length=str(len(body)),
        )
        assert got.status == status, body


@pytest_twisted.ensureDeferred
async def test_qr_codes(server: Any) -> None:
    """An identity is shown as a QR code in three formats."""
    identity = await server.identity()
    path = f"/identities/{identity['id']}/qr."
    svg, png, text = [await server.ask("GET", path + kind) for kind in ("svg", "png", "txt")]
    assert (svg.headers["content-type"], b"<svg" in svg.body) == ("image/svg+xml", True)
    assert (png.headers["content-type"], png.body[:4]) == ("image/png", b"\x89PNG")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "█" in text.body.decode()
    plain = await server.ask("GET", path + "png", accept="application/octet-stream")
    assert (plain.headers["content-type"], plain.body) == ("application/octet-stream", png.body)
    assert (await server.ask("GET", path + "gif")).status == 404
    assert (await server.ask("GET", "/identities/99/qr.svg")).status == 404


@pytest_twisted.ensureDeferred
async def test_purging(server: Any) -> None:
    """A purge removes an identity from the document, whether it was deleted before or not."""
    one, other = await server.identity(), await server.identity()
    path = f"/identities/{one['id']}"
    assert (await server.ask("DELETE", f"{path}?purge=2")).status == 400
    assert (await server.ask("DELETE", path)).status == 204
    assert [(await server.ask("DELETE", f"{path}?purge=1")).status for _ in range(2)] == [204, 404]
    assert (await server.ask("DELETE", f"/identities/{other['id']}?purge=1")).status == 204
    assert (await server.ask("GET", "/synced")).json()["identities"] == []
