"""Somebody with people and messages that look real, for pictures and for checks of all views."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.integration.processes import wait_until

VIEWS = (
    "chat",
    "requests",
    "people",
    "people/me",
    "people/add",
    "people/1",
    "people/1/verify",
    "welcome",
    "search",
    "health",
    "settings/privacy",
    "settings/inbox",
    "settings/look",
    "settings/notifications",
    "settings/sessions",
    "settings/backup",
    "settings/about",
)
"""The addresses of all views, apart from a conversation."""

TALKS = {
    "Ben Okafor": [
        ("in", "Are you still coming on Saturday?"),
        ("out", "Yes! I will bring the big tent. Does Mira eat fish?"),
        ("in", "She does. The lake is warm enough to swim, I tried this morning"),
        ("out", "Then I will pack my towel. Train arrives at 10:42."),
        ("in", "I will pick you up. Map: https://map.example/lake"),
    ],
    "Clara Schmidt": [
        ("out", "Here are the figures for the board, with the two corrections."),
        ("in", "Thank you. The third page still has last year's total."),
        ("out", "You are right, I will send it again after lunch."),
    ],
    "Dilek Aydin": [
        ("in", "The keys are with the neighbour on the second floor."),
        ("in", "And please water the tomatoes"),
    ],
    "Émile Laurent": [("out", "Bonjour Émile, did the parcel arrive?")],
}
"""What was said, as the one who is looked at sees it."""

STRANGER = ("Frieda Wolf", "Hello, Ben gave me your address. Are you the one with the tent?")


@frozen
class Api:
    """The REST API of a daemon."""

    port: int
    data: Path

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the JSON of its answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {(self.data / 'api-token').read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            content = answer.read()
        return json.loads(content) if content else None


def set_up(one: Any, other: Any, server: str, wait: Callable[[], None] = lambda: None) -> None:
    """Fill the daemon of one with people and talks, whose other sides are at another daemon.

    ``wait`` is called before each message: it may move the clock of the daemons.
    """
    mine, theirs = Api(one.port, one.data), Api(other.port, other.data)
    for api in (mine, theirs):
        api("POST", "/servers", {"url": server})
        api("PATCH", "/settings", {"poll_interval": 0.2, "privacy": {"acknowledge_delay": 0}})
    me = mine("POST", "/identities", {"alias": "Alice Novak"})
    card = mine("GET", f"/identities/{me['id']}/contact")
    for name, talk in TALKS.items():
        friend = theirs("POST", "/identities", {"alias": name})
        _add(mine, me["id"], theirs("GET", f"/identities/{friend['id']}/contact"))
        _add(theirs, friend["id"], card)
        here, there = _talk(mine, me["id"], name), _talk(theirs, friend["id"], me["alias"])
        for number, (way, text) in enumerate(talk, 1):
            wait()
            api, conversation = (mine, here) if way == "out" else (theirs, there)
            api("POST", f"/chat/conversations/{conversation}/messages", {"text": text})
            for each, which in ((mine, here), (theirs, there)):
                _wait_for(each, which, number)
        if name != "Dilek Aydin":
            latest = mine("GET", f"/chat/conversations/{here}/messages")["messages"][0]
            mine("PUT", f"/chat/conversations/{here}/read", {"upto": latest["cursor"]})
    name, text = STRANGER
    stranger = theirs("POST", "/identities", {"alias": name})
    _add(theirs, stranger["id"], card)
    there = _talk(theirs, stranger["id"], me["alias"])
    theirs("POST", f"/chat/conversations/{there}/messages", {"text": text})
    wait_until(lambda: mine("GET", "/chat/requests")["requests"] or None, "the stranger")
    mine("POST", "/tokens", {"name": "Calendar", "scopes": ["read", "status"]})


def _add(api: Api, identity: int, card: Any) -> None:
    """Add the contact card of somebody else."""
    api("POST", "/contacts/import", {"identity": identity, "document": card})


def _talk(api: Api, identity: int, alias: str) -> str:
    """Open the conversation of an identity with a contact, and return its id."""
    [contact] = [
        each
        for each in api("GET", "/contacts")
        if each["alias"] == alias and each["identity_id"] == identity
    ]
    opened = api("POST", "/chat/conversations", {"identity": identity, "contact": contact["id"]})
    return str(opened["id"])


def _wait_for(api: Api, conversation: str, number: int) -> None:
    """Wait until a conversation has so many messages."""
    path = f"/chat/conversations/{conversation}/messages"
    wait_until(lambda: len(api("GET", path)["messages"]) >= number or None, path)


def conversation_of(one: Any, name: str) -> str:
    """Return the id of the conversation with somebody."""
    listed = Api(one.port, one.data)("GET", "/chat/conversations")["conversations"]
    return next(str(each["id"]) for each in listed if each["alias"] == name)
