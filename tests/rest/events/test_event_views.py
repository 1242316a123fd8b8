"""The types of events are those of what the daemon sends."""

import json
from typing import Any

import pytest_twisted
from jsonschema import Draft202012Validator

from qabel.contract.openapi import describe
from qabel.core.journal.kinds import KINDS
from qabel.rest.app import SUBJECTS
from qabel.rest.events.event_views import EVENT
from qabel.store.journal.entries import DAMAGE
from tests.rest.events.test_resource import Listener

COMPONENTS = describe(SUBJECTS)["components"]


def check(event: dict[str, Any]) -> None:
    """Check that an event is what the API document says."""
    whole = {"$ref": f"#/components/schemas/{EVENT.name}", "components": COMPONENTS}
    Draft202012Validator(whole).validate(event)


def test_each_kind_has_a_type() -> None:
    """All kinds that a client can ask for are described, and damage, which comes unasked."""
    assert set(EVENT.schema["discriminator"]["mapping"]) == {*KINDS, DAMAGE}
    check({"event": DAMAGE, "id": "1", "data": {"time": 1, "table": "messages", "ids": "7"}})


@pytest_twisted.ensureDeferred
async def test_events_are_as_described(server: Any) -> None:
    """A stream of everything has no event that the types do not describe."""
    await server.friends()
    await server.receive("one", sender="Alice")
    message = {"model_object": "chat", "data": {"msg": "Hello"}}
    body = {"sender": 1, "recipients": [1], "drop_message": message}
    await server.ask_json("POST", "/drop", body)
    await server.ask_json("PUT", "/settings", {"key": "poll_interval", "value": 7})
    listener = await Listener(await server.wire()).begin(server, "/events?since=0")
    seen: set[str] = set()
    while seen < set(KINDS):
        events = await listener.events(len(seen) + 1)
        for event in events[1:]:
            check({**event, "data": json.loads(event["data"])})
            seen.add(event["event"])
        await listener.wire.more() if seen < set(KINDS) else None
