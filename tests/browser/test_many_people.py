"""Thousands of people on the page."""

from typing import Any

from tests.browser.cards import made_up, settle, write_cards
from tests.browser.conftest import Come
from tests.browser.crowd import COUNTER, MOST_ADDED, most_added

MANY = 2000


def scroll(page: Any) -> None:
    """Scroll through the whole list and back, as with a wheel."""
    for distance in [4000] * 34 + [-16000] * 9:
        page.mouse.wheel(0, distance)
        page.wait_for_timeout(16)


def test_two_thousand_people(someone: Come, drop_server: str) -> None:
    """The list opens, is scrolled and searched, with few elements at a time."""
    alice = someone("alice")
    settle(alice, "Alice", drop_server)
    cards = [made_up(number, f"Person {number:04}") for number in range(MANY)]
    alice.command("contact", "import", str(write_cards(alice.folder / "all.qco", *cards)))
    alice.context.add_init_script(COUNTER)
    page = alice.page()
    page.get_by_role("heading", name="Conversations").wait_for()

    def visit() -> None:
        page.get_by_role("link", name="People").click()
        page.get_by_text("2000 people").wait_for()
        first = page.get_by_role("link", name="Person 0000")
        first.wait_for()
        page.mouse.move(640, 400)
        scroll(page)
        first.wait_for()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.get_by_role("link", name="Person 1999").wait_for()
        page.get_by_label("Search by name").press_sequentially("1234")
        page.get_by_text("1 person", exact=True).wait_for()
        page.get_by_role("link", name="Person 1234").wait_for()

    assert most_added(page, visit) < MOST_ADDED
    assert page.locator(".people-list li").count() == 1
