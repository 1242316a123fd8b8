"""People who know each other, for tests of the page."""

import re
from typing import Any

from attrs import define, field

from tests.browser.conftest import Come, Someone
from tests.integration.client import Api

QUIET = "Conversations \N{EN DASH} Qabel"
"""The title of the page while nothing is unread."""


@define(eq=False)
class Person:
    """Somebody who has an identity."""

    name: str
    one: Someone
    card: Any = field(init=False)
    """What others import to know this person."""

    @property
    def api(self) -> Api:
        """The REST API of this person's daemon."""
        return Api(self.one.data)

    def begins(self, server: str) -> None:
        """Make an identity, on a server that is asked often."""
        self.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.5})
        self.card = self.api.meet(self.name, server)

    @property
    def drop_urls(self) -> Any:
        """The addresses at which this person gets messages."""
        return self.card["contacts"][0]["drop_urls"]

    def knows(self, other: "Person") -> None:
        """Import the card of somebody."""
        self.api.good("POST", "/contacts/import", other.card)

    def opens(self, number: int = 0) -> str:
        """Open the conversation with a contact, and return its id."""
        identity = self.api.good("GET", "/identities")[0]
        contact = self.api.good("GET", "/contacts")[number]
        body = {"identity": identity["id"], "contact": contact["id"]}
        return str(self.api.good("POST", "/chat/conversations", body)["id"])

    def says(self, text: str, number: int = 0) -> Any:
        """Send a message to a contact."""
        path = f"/chat/conversations/{self.opens(number)}/messages"
        return self.api.good("POST", path, {"text": text})

    def texts(self, number: int = 0) -> list[str]:
        """Return the texts of the conversation with a contact, oldest first."""
        path = f"/chat/conversations/{self.opens(number)}/messages?limit=1000"
        return [each["text"] for each in self.api.good("GET", path)["messages"]][::-1]


def pair(someone: Come, server: str, **context: Any) -> tuple[Person, Person]:
    """Return Alice and Bob, who know each other."""
    alice, bob = (Person(name, someone(name.lower(), **context)) for name in ("Alice", "Bob"))
    for each in (alice, bob):
        each.begins(server)
    alice.knows(bob)
    bob.knows(alice)
    return alice, bob


def talk(person: Person, other: str) -> Any:
    """Open the page of a person at the conversation with somebody."""
    page = person.one.page()
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile(other)).click()
    page.get_by_label(f"Message: {other}").wait_for()
    return page


def say(page: Any, text: str) -> None:
    """Write a message and send it with the Enter key."""
    field = page.locator("#message")
    field.fill(text)
    field.press("Enter")


def bubble(page: Any, text: str) -> Any:
    """Return the message with a text."""
    return page.locator(".message").filter(has_text=text)
