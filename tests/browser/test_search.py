"""Searching messages on the page."""

from tests.browser.conftest import Come
from tests.browser.people import bubble, pair, say


def test_searching(someone: Come, drop_server: str) -> None:
    """Hits come while words are written, are highlighted, and lead into their conversation."""
    alice, bob = pair(someone, drop_server)
    bob.says("The Café opens at nine")
    for number in range(80):
        bob.says(f"Message {number}")
    alice.says("I like cafés")
    page = alice.one.page()
    page.get_by_role("link", name="Search").click()
    field = page.get_by_label("Search for words")
    field.press_sequentially("caf")
    hits = page.locator(".hits li")
    page.get_by_role("status").get_by_text("2 messages").wait_for()
    assert hits.locator("mark").all_inner_texts() == ["cafés", "Café"]
    field.fill("nothing like this")
    page.get_by_text("Nothing was found.").wait_for()
    field.fill("cafe opens")
    page.get_by_role("status").get_by_text("1 message").wait_for()
    page.get_by_label("Where to search").select_option("Bob")
    page.get_by_role("status").get_by_text("1 message").wait_for()
    hits.get_by_role("link").click()
    page.locator(".message.found", has_text="The Café opens").wait_for()
    # From there one gets back to the newest.
    page.locator(".below").click()
    bubble(page, "Message 5").first.wait_for()
    say(page, "Nine is early")
    bubble(page, "Nine is early").wait_for()
    page.go_back()
    page.get_by_label("Search for words").wait_for()
    assert field.input_value() == "cafe opens"


def test_words_are_not_in_the_address(someone: Come, drop_server: str) -> None:
    """Browsers keep addresses, so what is searched for is in none."""
    alice, _ = pair(someone, drop_server)
    page = alice.one.page()
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Search for words").fill("secret")
    page.get_by_text("Nothing was found.").wait_for()
    assert "secret" not in page.url
