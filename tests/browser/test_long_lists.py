"""20,000 messages and 2,000 conversations: the page has a few of them at a time."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Come
from tests.browser.crowd import COUNTER, MOST_ADDED, Crowd, most_added, wheel
from tests.browser.people import Person, bubble

CROWD = Crowd()

WORK = """() => {
  const box = document.createElement("div");
  for (let number = 0; number < 2000; number++) box.append(document.createElement("p"));
  document.body.append(box);
  return new Promise((done) => setTimeout(() => done(box.remove())));
}"""


@pytest.fixture
def alice(someone: Come, drop_server: str) -> Person:
    """Return Alice, who has heard a lot."""
    person = Person("Alice", someone("alice"))
    person.begins(drop_server)
    CROWD.meet(person)
    CROWD.speak(person)
    return person


def test_a_few_at_a_time(alice: Person) -> None:
    """Few elements are there and are made at a time, wherever lists are scrolled to."""
    alice.one.context.add_init_script(COUNTER)
    page = alice.one.page()

    def little(work: Callable[[], object]) -> None:
        assert most_added(page, work) < MOST_ADDED

    page.locator(".entry").first.wait_for()
    little(lambda: page.reload() and page.locator(".entry").first.wait_for())
    assert most_added(page, lambda: page.evaluate(WORK)) > MOST_ADDED, (
        "this cannot tell much from little"
    )
    little(lambda: wheel(page, ".long-list", 3000, 30))
    page.locator(".long-list").evaluate("each => { each.scrollTop = each.scrollHeight }")
    page.locator(f".long-list li[aria-posinset='{CROWD.people}']").wait_for()
    assert page.locator(".entry").count() < 60
    page.locator(".long-list").evaluate("each => { each.scrollTop = 0 }")

    page.locator(".entry").first.click()
    bubble(page, "Message 0").wait_for()
    page.get_by_role("button", name="new messages").wait_for()
    little(lambda: wheel(page, ".history", 1500, 60))
    # All the way to the end, and back through some thousands.
    [newest, *_] = alice.api.good("GET", "/chat/conversations")["conversations"]
    path = f"/chat/conversations/{newest['id']}/read"
    alice.api.good("PUT", path, {"upto": newest["last"]["cursor"]})
    page.get_by_role("button", name="To the newest message").click()
    bubble(page, f"Message {CROWD.messages - 1}").wait_for()
    little(lambda: wheel(page, ".history", -1500, 60))
    first = page.locator(".message .text").first.inner_text()
    assert int(first.split()[1]) < CROWD.messages - 500
    assert page.locator(".message").count() < 300
