"""100,000 messages and 2,000 conversations: what is scrolled stays smooth."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.jsontext import encode
from qabel.keys.key_file import KeyFile
from tests.browser.conftest import Come
from tests.browser.people import Person, bubble
from tests.integration.full_inbox import FIRST
from tests.integration.processes import wait_until

CONVERSATIONS = 2000
MESSAGES = 100_000

LONG = 100.0
"""Milliseconds that a task of the browser may take."""

TRIES = 4
"""Other programs hold up the browser, too: it has to be smooth once."""

TASKS = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.tasks.push(each.duration);
}).observe({ type: "longtask", buffered: true });
"""

BUSY = """() => setTimeout(() => {
  for (const end = performance.now() + 150; performance.now() < end;);
})"""

INSERT = (
    "INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver, "
    "model_object, data, received, identity_id, contact_id) "
    "VALUES (?, 1, ?, '0', ?, ?, 'box_message', ?, ?, 1, ?)"
)

BEGIN = 1_700_000_000_000
"""When the first message was sent, in milliseconds."""


def fill(person: Person) -> None:
    """Put messages of all contacts into the inbox, most of them of the first one."""
    [identity] = person.api.good("GET", "/identities")
    contacts = [
        (each["id"], bytes.fromhex(each["public_key"]))
        for each in person.api.good("GET", "/contacts")
    ]
    person.one.dies()

    def rows() -> Iterator[tuple[object, ...]]:
        receiver = bytes.fromhex(identity["public_key"])
        for number in range(MESSAGES):
            contact, key = contacts[number % CONVERSATIONS if number < CONVERSATIONS else 0]
            text = f"Message {number} " + "of some length " * (number % 7)
            when = BEGIN + number * 60_000
            data = encode({"msg": text}).decode()
            yield FIRST + number, when, key, receiver, data, when, contact

    database_key = KeyFile(person.one.data / "database-key").read().current
    connection = sqlcipher.connect(person.one.data / "qabel.db", isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{database_key.hex()}'\"")
    connection.execute("BEGIN")
    connection.executemany(INSERT, rows())
    connection.execute("UPDATE state SET last_seq = ?", (FIRST - 1 + MESSAGES,))
    connection.execute("COMMIT")
    connection.close()
    person.one.starts()

    def all_there() -> bool | None:
        found = person.api.good("GET", "/chat/conversations")["conversations"]
        last = max((each["last"]["text"] for each in found if each["last"]), default="")
        return (len(found) >= CONVERSATIONS and f"Message {MESSAGES - 1}" in last) or None

    wait_until(all_there, "chat to have read the inbox", 240)


@pytest.fixture
def alice(someone: Come, drop_server: str) -> Person:
    """Return Alice, who has heard a lot."""
    person = Person("Alice", someone("alice"))
    person.begins(drop_server)
    cards = [
        {
            "alias": f"Person {number:04}",
            "public_key": f"{sha256(str(number).encode()).hexdigest()[:62]}01",
            "drop_urls": person.drop_urls,
        }
        for number in range(CONVERSATIONS)
    ]
    person.api.good("POST", "/contacts/import", {"contacts": cards})
    fill(person)
    return person


def smoothly(page: Any, work: Callable[[], None]) -> None:
    """Do something that must not hold up the browser."""
    longest = []
    for _ in range(TRIES):
        page.evaluate("() => { window.tasks = [] }")
        work()
        longest.append(max(page.evaluate("window.tasks"), default=0.0))
        if longest[-1] <= LONG:
            return
    raise AssertionError(f"tasks took {longest} ms")


def wheel(page: Any, selector: str, step: int, count: int) -> None:
    """Turn the wheel over something."""
    page.locator(selector).hover()
    for _ in range(count):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(25)


def test_smooth(alice: Person) -> None:
    """No task of the browser is long while lists are scrolled, and few elements are there."""
    alice.one.context.add_init_script(TASKS)
    page = alice.one.page()
    page.locator(".entry").first.wait_for()
    smoothly(page, lambda: page.reload() and page.locator(".entry").first.wait_for())
    page.evaluate(BUSY)
    page.wait_for_timeout(500)
    assert max(page.evaluate("window.tasks")) > LONG, "this cannot tell what is smooth"
    smoothly(page, lambda: wheel(page, ".long-list", 3000, 30))
    page.locator(".long-list").evaluate("each => { each.scrollTop = each.scrollHeight }")
    page.locator(f".long-list li[aria-posinset='{CONVERSATIONS}']").wait_for()
    assert page.locator(".entry").count() < 60
    page.locator(".long-list").evaluate("each => { each.scrollTop = 0 }")

    page.locator(".entry").first.click()
    bubble(page, "Message 0").wait_for()
    page.get_by_role("button", name="new messages").wait_for()
    smoothly(page, lambda: wheel(page, ".history", 1500, 60))
    # All the way to the end, and back through some thousands.
    [newest, *_] = alice.api.good("GET", "/chat/conversations")["conversations"]
    path = f"/chat/conversations/{newest['id']}/read"
    alice.api.good("PUT", path, {"upto": newest["last"]["cursor"]})
    page.get_by_role("button", name="To the newest message").click()
    bubble(page, f"Message {MESSAGES - 1}").wait_for()
    smoothly(page, lambda: wheel(page, ".history", -1500, 60))
    first = page.locator(".message .text").first.inner_text()
    assert int(first.split()[1]) < MESSAGES - 500
    assert page.locator(".message").count() < 300
