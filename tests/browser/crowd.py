"""Somebody who knows thousands of people and has heard a lot, and how much work that is to show."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from attrs import frozen

from qabel.jsontext import encode
from tests.browser.people import Person
from tests.integration.full_inbox import FIRST, put
from tests.integration.processes import wait_until

INSERT = (
    "INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver, "
    "model_object, data, received, identity_id, contact_id) "
    "VALUES (?, 1, ?, '0', ?, ?, 'box_message', ?, ?, 1, ?)"
)

MOST_ADDED = 1000
"""Elements that one step may add to the page."""

BEGIN = 1_700_000_000_000
"""When the first message was sent, in milliseconds."""

COUNTER = """
window.added = [];
new MutationObserver((records) => {
  const added = new Set();
  for (const { addedNodes } of records)
    for (const node of addedNodes)
      for (const each of node instanceof Element ? [node, ...node.querySelectorAll("*")] : [])
        added.add(each);
  window.added.push(added.size);
}).observe(document, { childList: true, subtree: true });
"""


@frozen
class Crowd:
    """How many people somebody knows, and how many messages came from them.

    Each has sent at least one, and the first of them all others.
    """

    people: int = 2000
    messages: int = 20_000

    def meet(self, person: Person) -> None:
        """Make all of them contacts."""
        cards = [
            {
                "alias": f"Person {number:04}",
                "public_key": f"{sha256(str(number).encode()).hexdigest()[:62]}01",
                "drop_urls": person.drop_urls,
            }
            for number in range(self.people)
        ]
        person.api.good("POST", "/contacts/import", {"contacts": cards})

    def speak(self, person: Person) -> None:
        """Put their messages into the inbox, and wait until they are in the conversations."""
        [identity] = person.api.good("GET", "/identities")
        contacts = [
            (each["id"], bytes.fromhex(each["public_key"]))
            for each in person.api.good("GET", "/contacts")
        ]
        person.one.dies()
        rows = self._rows(bytes.fromhex(identity["public_key"]), contacts)
        put(person.one.data, INSERT, rows)
        person.one.starts()

        def all_there() -> bool | None:
            reply = person.api.ask("GET", "/chat/conversations")
            if reply.status == 503:  # the machine is so busy that reading took too long
                return None
            found = reply.body["conversations"]
            newest = f"Message {self.messages - 1} "
            has_last = any(each["last"] and newest in each["last"]["text"] for each in found)
            return (len(found) >= self.people and has_last) or None

        wait_until(all_there, "chat to have read the inbox", 240)

    def _rows(
        self, receiver: bytes, contacts: list[tuple[int, bytes]]
    ) -> Iterator[tuple[object, ...]]:
        for number in range(self.messages):
            contact, key = contacts[number if number < self.people else 0]
            text = f"Message {number} " + "of some length " * (number % 7)
            when = BEGIN + number * 60_000
            data = encode({"msg": text}).decode()
            yield FIRST + number, when, key, receiver, data, when, contact


def most_added(page: Any, work: Callable[[], object]) -> int:
    """Return the most elements that were added to the page in one step, while something is done.

    The page runs ``COUNTER``. How long a step takes depends on the machine as well, which
    ``python -m bench page`` is for.
    """
    page.evaluate("() => { window.added = [] }")
    work()
    return int(max(page.evaluate("window.added"), default=0))


def wheel(page: Any, selector: str, step: int, count: int) -> None:
    """Turn the wheel over something."""
    page.locator(selector).hover()
    for _ in range(count):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(25)
