"""Bodies of requests to a real daemon: encodings, types, and what GET returned."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.client import Api, Reply
from tests.integration.daemons import ANYWHERE, Daemon

CHANGE = b'{"key": "module_data.test", "value": {"n": 1}}'
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

ROUTES = (
    ("PUT", "/settings"),
    ("PATCH", "/settings"),
    ("POST", "/synced"),
    ("POST", "/drop"),
    ("POST", "/drop/ack"),
    ("POST", "/contacts/import"),
    ("POST", "/identities/import"),
    ("POST", "/backup"),
    ("POST", "/servers/1/prefer"),
    ("DELETE", "/drop/1"),
    ("GET", "/settings"),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Return the API of a daemon on a port."""
    folder = tmp_path_factory.mktemp("bodies")
    with Daemon(folder, "daemon", f"--drop-server={ANYWHERE}").up() as daemon:
        yield Api(daemon.directory, daemon.process.port("qabel-rest"))


def put(api: Api, body: bytes, **headers: str) -> Reply:
    """Change a setting."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.ask("PUT", "/settings", body, given)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("encoding", ["gzip", "X-GZIP", "br", "identity, zstd"])
def test_compressed_bodies_are_refused(api: Api, method: str, path: str, encoding: str) -> None:
    """Wherever they are sent, the status is 415, and the text says what to do."""
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    for more in ({}, {"Expect": "100-continue"}):
        reply = api.ask(method, path, gzip.compress(CHANGE), {**headers, **more})
        assert (reply.status, reply.headers["accept-encoding"]) == (415, "identity")
        assert reply.body["detail"] == (
            "The body must not be compressed: send it without Content-Encoding."
        )


@pytest.mark.parametrize("encoding", ["identity", "Identity", "", " , identity"])
def test_bodies_that_are_not_compressed_are_read(api: Api, encoding: str) -> None:
    """An encoding that changes nothing may be named."""
    assert put(api, CHANGE, Content_Type=JSON, Content_Encoding=encoding).status == 200


def test_encoding_without_a_body_means_nothing(api: Api) -> None:
    """Some clients send the header with every request."""
    assert api.ask("GET", "/settings", None, {"Content-Encoding": "gzip"}).status == 200


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        (JSON, b"\xef\xbb\xbf" + CHANGE, 200, ""),
        (f"{JSON}; charset=utf-8", CHANGE, 200, ""),
        (f"{JSON}; charset=utf-16", CHANGE.decode().encode("utf-16"), 415, "must be UTF-8"),
        (f"{JSON}; charset=latin1", CHANGE, 415, "must be UTF-8"),
        ("", CHANGE, 415, "The header Content-Type is missing: it must be application/json"),
        ("text/plain", CHANGE, 415, "The body must be application/json"),
        ("application/json-patch+json", b"[]", 415, "The body must be application/json"),
        (FORM, CHANGE, 400, "The body is JSON, but declared as"),
        ("multipart/form-data", b"--b--", 400, "The header Content-Type has no boundary."),
        (JSON, b'"\xff"', 400, "invalid UTF-8"),
        (JSON, b"", 400, "The body is empty."),
    ],
)
def test_types_and_charsets(api: Api, kind: str, body: bytes, status: int, said: str) -> None:
    """What is wrong with a body is said in terms of what was sent."""
    reply = put(api, body, Content_Type=kind) if kind else put(api, body)
    assert reply.status == status
    assert said in reply.body.get("detail", "")


def test_patch_names_its_own_type(api: Api) -> None:
    """Another kind of patch is not taken for a merge patch."""
    headers = {"Content-Type": "application/json-patch+json"}
    reply = api.ask("PATCH", "/settings", b"[]", headers)
    assert reply.status == 415
    assert "application/merge-patch+json" in reply.body["detail"]


def test_largest_settings_are_taken_back(api: Api) -> None:
    """However large the local settings become, the document and its parts can be sent again."""
    for name in ("a", "b"):
        api.good("PUT", "/settings", {"key": f"module_data.{name}", "value": {"x": "x" * 500_000}})
    too_large = {"key": "module_data.c", "value": {"x": "x" * 50_000}}
    assert api.ask("PUT", "/settings", too_large).status == 400
    api.good("PUT", "/settings", {"key": "module_data.c", "value": {"x": "x" * 30_000}})
    document = api.good("GET", "/settings")
    assert api.good("POST", "/settings", {"settings": document}) == document
    assert api.good("PATCH", "/settings", document) == document
    for key, value in document.items():
        assert api.good("PUT", "/settings", {"key": key, "value": value}) == document
    api.good("PATCH", "/settings", {"module_data": None})


def test_large_synced_settings_are_taken_back(api: Api) -> None:
    """So it is with the synced settings, up to their size of 16 MiB."""
    api.good("POST", "/identities", {"alias": "Alice"})
    document = api.good("GET", "/synced")
    key = document["identities"][0]["keys"]["public_key"]
    contacts: list[dict[str, Any]] = [
        {
            "alias": f"{number} {'x' * 7000}",
            "keys": {"public_key": f"02{number:04x}" + "00" * 29},
            "my_identity": key,
            "drop_urls": [],
        }
        for number in range(2, 2202)
    ]
    document = api.good("PUT", "/synced", {"key": "contacts", "value": contacts})
    text = json.dumps(document, separators=(",", ":")).encode()
    assert 14 * 2**20 < len(text) < 16 * 2**20
    assert api.good("POST", "/synced", {"settings": document}) == document
    assert api.good("PATCH", "/synced", document) == document
    listed = {"key": "contacts", "value": document["contacts"]}
    assert api.good("PUT", "/synced", listed) == document


@pytest.mark.parametrize("path", ["/identities/1", "/contacts/{contact}", "/servers/1"])
def test_resources_are_taken_back(api: Api, path: str) -> None:
    """What GET returned may be sent with changes; what cannot be changed must be the same."""
    api.good("POST", "/identities", {"alias": "Dora"})
    given = {"alias": "Eve", "public_key": "03" * 32, "module_data": {"chat": {"n": 1}}}
    api.good("PUT", "/synced", {"key": "contacts", "value": []})
    contact = api.good("POST", "/contacts?identity=1", given)["id"]
    found = path.format(contact=contact)
    document = api.good("GET", found)
    changed = api.good("PATCH", found, document)
    assert changed == {**document, "updated": changed["updated"]}
    name = "active" if "servers" in path else "alias"
    value: object = True if "servers" in path else "Another"
    assert api.good("PATCH", found, {**changed, name: value})[name] == value
    reply = api.ask("PATCH", found, {**document, "id": 77})
    assert (reply.status, reply.body["errors"]) == (
        400,
        [{"key": "id", "detail": "cannot be changed"}],
    )
    unknown = api.ask("PATCH", found, {**document, "colour": "red"})
    assert [each["key"] for each in unknown.body["errors"]] == ["colour"]


def test_files_are_taken_back(api: Api, tmp_path: Path) -> None:
    """What the exports return can be imported as it is, and in an object."""
    identity = api.good("POST", "/identities", {"alias": "Carol"})
    exported = api.good("GET", f"/identities/{identity['id']}/export")
    card = api.good("GET", f"/identities/{identity['id']}/contact")
    for body in (card, {"document": card, "identity": 1}):
        [outcome] = api.good("POST", "/contacts/import?identity=1", body)
        assert outcome["outcome"] in ("added", "same")
    contact = next(e for e in api.good("GET", "/contacts") if e["alias"] == "Carol")
    again = api.good("GET", f"/contacts/{contact['id']}/export")
    [outcome] = api.good("POST", "/contacts/import?identity=1", again)
    assert outcome["outcome"] == "same"
    api.good("DELETE", f"/identities/{identity['id']}?purge=true")
    assert api.good("POST", "/identities/import?allow_private=true", exported)["alias"] == "Carol"
