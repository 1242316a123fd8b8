"""``/modules``; with a module that reads, see ``tests/modules/test_notes_package.py``."""

from typing import Any

import pytest_twisted


@pytest_twisted.ensureDeferred
async def test_modules(server: Any) -> None:
    """A module has a state, and can be asked for by its name; others are not there."""
    wire = await server.wire()

    async def ask(method: str, path: str) -> Any:
        wire.send(server.request(method, path))
        return await wire.answer()

    [listed] = (await ask("GET", "/modules")).json()
    assert (listed["name"], listed["kinds"], listed["set_aside"]) == ("notes", ["note"], 0)
    assert (await ask("GET", "/modules/notes")).json() == listed
    assert (await ask("GET", "/modules/notes/set-aside")).json() == []
    for method, path in (("GET", "/modules/chat"), ("POST", "/modules/chat/rebuild")):
        got = await ask(method, path)
        assert (got.status, got.json()["detail"]) == (404, "No module chat runs here.")
    assert (await ask("GET", "/modules/No")).status == 404
