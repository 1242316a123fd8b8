"""Tokens for a single identity: every route that they may ask shows them that identity only."""

import json
from typing import Any

import pytest
import pytest_twisted

from qabel.contract.access import EVERYTHING, FOR_ONE_IDENTITY
from qabel.core.service import CoreService
from qabel.rest.app import SUBJECTS

LIMITED = [route for subject in SUBJECTS for route in subject.all if route.for_one_identity]

LISTS = {
    "GET /drop": "/drop?since=0",
    "GET /outbox": "/outbox",
    "GET /identities": "/identities",
    "GET /contacts": "/contacts",
}
"""Routes that list things: every one of them must be about the token's identity."""

SINGLE = {
    "GET /drop/<id:message_id>": "/drop/{message}",
    "GET /outbox/<id:send_id>": "/outbox/{send}",
    "DELETE /outbox/<id:send_id>": "/outbox/{send}",
    "GET /identities/<ref:ref>": "/identities/{identity}",
    "GET /identities/<ref:ref>/contact": "/identities/{key}/contact",
    "GET /identities/<ref:ref>/qr.svg": "/identities/{identity}/qr.svg",
    "GET /identities/<ref:ref>/qr.png": "/identities/{identity}/qr.png",
    "GET /identities/<ref:ref>/qr.txt": "/identities/{identity}/qr.txt",
    "GET /contacts/<id:contact_id>": "/contacts/{contact}",
    "GET /contacts/<id:contact_id>/export": "/contacts/{contact}/export",
    "GET /contacts/<id:contact_id>/verification": "/contacts/{contact}/verification",
    "DELETE /contacts/<id:contact_id>": "/contacts/{contact}",
    "DELETE /drop/<id:message_id>": "/drop/{message}",
    "DELETE /contacts/<id:contact_id>/verification": "/contacts/{contact}/verification",
}
"""Routes of one thing: those of another identity are not there."""


class Two:
    """Alice and Bob on one server, and a token that is for Bob only."""

    def __init__(self, server: Any) -> None:
        self.server = server

    async def begin(self) -> None:
        """Have both send and receive something; what is Alice's comes first."""
        alice, self.bob = await self.server.friends()
        await self.server.receive("to Bob", sender="Alice")
        await self.server.receive("to Alice", sender="Bob")
        people, outbox = self.server.core.people, self.server.core.outbox
        [contact] = people.contacts(alice["id"])
        messages = (await self.server.ask("GET", "/drop?since=0")).json()
        [message] = [each for each in messages if each["identity_id"] == alice["id"]]
        [send] = [each for each in await outbox.sends() if each.identity_id == alice["id"]]
        self.hers = {
            "identity": alice["id"],
            "key": alice["public_key"],
            "contact": contact.id,
            "message": message["id"],
            "send": send.id,
        }
        given = {"name": "b", "scopes": [*FOR_ONE_IDENTITY], "identity": self.bob["id"]}
        self.token = (await self.server.ask_json("POST", "/tokens", given)).json()["token"]

    async def sees_hers(self, name: str) -> bool:
        """Return whether a route shows, or changes, something of Alice's."""
        if name in LISTS:
            got = await self.server.ask("GET", LISTS[name], token=self.token)
            about = {each.get("identity_id", each["id"]) for each in got.json()}
            assert self.bob["id"] in about, got
            return about != {self.bob["id"]}
        if name in SINGLE:
            path = SINGLE[name].format(**self.hers)
            got = await self.server.ask(name.split(maxsplit=1)[0], path, token=self.token)
            assert got.status in (200, 204, 404), got
            return got.status != 404
        others = {
            "POST /drop": self._sends_as_her,
            "GET /events": self._hears_of_her,
            "POST /drop/ack": self._reads_for_her,
            "POST /contacts": self._adds_for_her,
            "POST /contacts/import": self._imports_for_her,
            "PATCH /contacts/<id:contact_id>": self._renames_hers,
            "PUT /contacts/<id:contact_id>/verification": self._verifies_hers,
        }
        return await others[name]()

    async def _sends_as_her(self) -> bool:
        given = {
            "recipients": [self.hers["contact"]],
            "sender": self.hers["identity"],
            "drop_message": {"model_object": "chat", "data": {}},
        }
        return (await self.server.ask_json("POST", "/drop", given, token=self.token)).status != 400

    async def _reads_for_her(self) -> bool:
        path = f"/drop/ack?identity={self.hers['identity']}"
        got = await self.server.ask_json("POST", path, {"upto": "0"}, token=self.token)
        return got.status != 403

    async def _adds_for_her(self) -> bool:
        given = {"alias": "a", "public_key": "17" * 32, "identity": self.hers["identity"]}
        got = await self.server.ask_json("POST", "/contacts", given, token=self.token)
        return got.status != 400

    async def _imports_for_her(self) -> bool:
        path = f"/contacts/import?identity={self.hers['identity']}"
        card = {"contacts": []}
        return (await self.server.ask_json("POST", path, card, token=self.token)).status != 400

    async def _renames_hers(self) -> bool:
        path = f"/contacts/{self.hers['contact']}"
        got = await self.server.ask_json("PATCH", path, {"alias": "b"}, token=self.token)
        return got.status != 404

    async def _verifies_hers(self) -> bool:
        path = f"/contacts/{self.hers['contact']}/verification"
        got = await self.server.ask_json("PUT", path, {"verified": True}, token=self.token)
        return got.status != 404

    async def _hears_of_her(self) -> bool:
        wire = await self.server.wire()
        wire.send(self.server.request("GET", "/events?since=0&kinds=outbox", token=self.token))
        frame = b""
        while b"data: " not in frame:
            frame = await wire.until(b"\n\n")
        wire.close()
        [line] = [each for each in frame.splitlines() if each.startswith(b"data: ")]
        return json.loads(line[6:])["id"] == self.hers["send"]


@pytest_twisted.async_yield_fixture
async def two(server: Any) -> Any:
    """Return both."""
    made = Two(server)
    await made.begin()
    yield made


@pytest.mark.parametrize("route", LIMITED, ids=lambda route: route.name)
@pytest_twisted.ensureDeferred
async def test_what_is_anothers_is_not_there(two: Two, route: Any) -> None:
    """No route shows or changes what is another identity's."""
    assert not await two.sees_hers(route.name)


@pytest.mark.parametrize("route", LIMITED, ids=lambda route: route.name)
@pytest_twisted.ensureDeferred
async def test_it_is_the_view_that_hides_it(
    two: Two, route: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the view taken away, every one of these routes shows it: nothing else is relied on."""
    whole = CoreService.view
    monkeypatch.setattr(CoreService, "view", lambda core, _: whole(core, EVERYTHING))
    assert await two.sees_hers(route.name)


@pytest_twisted.ensureDeferred
async def test_it_hears_of_its_own_sends(two: Two) -> None:
    """The events of what the identity sent are told, as its messages are."""
    wire = await two.server.wire()
    wire.send(two.server.request("GET", "/events?since=0", token=two.token))
    heard = b""
    while heard.count(b"data: ") < 2:
        heard += await wire.until(b"\n\n")
    assert heard.count(b"event: drop\n") == 1
    assert heard.count(b"event: outbox\n") == 1
    wire.close()


@pytest_twisted.ensureDeferred
async def test_other_routes_are_closed(two: Two) -> None:
    """A route that is not declared for such tokens is forbidden, and says why."""
    for path in ("/settings", "/synced", "/tokens", "/status", "/webhooks"):
        got = await two.server.ask("GET", path, token=two.token)
        assert got.status == 403, path
    got = await two.server.ask("GET", f"/drop?identity={two.hers['identity']}", token=two.token)
    assert got.status == 403
    assert "another identity" in got.json()["detail"]


@pytest_twisted.ensureDeferred
async def test_what_it_sees(server: Any) -> None:
    """It sees its own messages, contacts and sends, and none of the other identity's."""
    alice, bob = await server.friends()
    await server.receive("to Bob", sender="Alice")
    await server.receive("to Alice", sender="Bob")
    made = await server.ask_json(
        "POST", "/tokens", {"name": "b", "scopes": [*FOR_ONE_IDENTITY], "identity": bob["id"]}
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
    for message in everything:
        got = await server.ask("DELETE", f"/drop/{message['id']}", token=token)
        assert got.status == (204 if message["identity_id"] == bob["id"] else 404)
