"""Messages of strangers, on the page."""

from tests.browser.conftest import Come
from tests.browser.people import QUIET, Person, bubble, say


def strangers(someone: Come, server: str) -> tuple[Person, Person]:
    """Return Alice, who knows nobody, and Bob, who has her card."""
    alice, bob = Person("Alice", someone("alice")), Person("Bob", someone("bob"))
    alice.begins(server)
    bob.begins(server)
    bob.knows(alice)
    return alice, bob


def test_accepting(someone: Come, drop_server: str) -> None:
    """A stranger's message is shown apart, as text without links, until it is accepted."""
    alice, bob = strangers(someone, drop_server)
    page = alice.one.page()
    bob.says("Hello, see https://example.org")
    bob.says("<b>It is me</b>")
    page.get_by_role("link", name="Requests").get_by_text("1 request").wait_for(state="attached")
    # It is no unread message.
    assert page.title() == QUIET
    page.get_by_role("link", name="Requests").click()
    card = page.get_by_role("article", name="Bob")
    card.get_by_text("<b>It is me</b>").wait_for()
    card.get_by_role("button", name="Show all 2 messages").click()
    card.get_by_text("see https://example.org").wait_for()
    assert card.get_by_role("link").count() == 0
    card.get_by_role("button", name="Accept").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("What do you call them?")
    assert field.input_value() == "Bob"
    field.fill("Bob from the club")
    field.press("Enter")
    page.get_by_label("Message: Bob from the club").wait_for()
    link = bubble(page, "Hello, see").get_by_role("link")
    assert link.get_attribute("rel") == "noreferrer noopener"
    say(page, "Hello Bob")
    bubble(page, "Hello Bob").locator("[data-state=acknowledged]").wait_for()
    page.get_by_role("link", name="Requests").click()
    page.get_by_text("No requests.").wait_for()


def test_a_name_that_is_taken(someone: Come, drop_server: str) -> None:
    """Who calls himself as somebody whom one knows is not taken for that one."""
    alice, bob = strangers(someone, drop_server)
    other = Person("Bob", someone("other"))
    other.begins(drop_server)
    alice.knows(other)
    bob.says("It is me")
    page = alice.one.page()
    page.get_by_role("link", name="Requests").click()
    card = page.get_by_role("article", name="Bob")
    card.get_by_text("Somebody else is called Bob already.").wait_for()
    card.get_by_role("button", name="Accept").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("You already know somebody called Bob").wait_for()
    dialog.get_by_label("What do you call them?").fill("Another Bob")
    dialog.get_by_text("You already know").wait_for(state="detached")
    dialog.get_by_label("What do you call them?").fill("Bob")
    dialog.get_by_role("button", name="Accept").click()
    page.get_by_label("Message: Bob").wait_for()
    page.get_by_text("Somebody else is called Bob already.").wait_for()
    page.get_by_role("button", name="I know who this is").click()
    page.get_by_text("Somebody else is called Bob already.").wait_for(state="detached")


def test_ignoring_and_blocking(someone: Come, drop_server: str) -> None:
    """Who is ignored is hidden, and can still be found; who is blocked is not."""
    alice, bob = strangers(someone, drop_server)
    bob.says("Hello")
    page = alice.one.page()
    page.get_by_role("link", name="Requests").click()
    page.get_by_role("article", name="Bob").get_by_role("button", name="Ignore").click()
    page.get_by_text("No requests.").wait_for()
    page.get_by_role("button", name="Ignored ones").click()
    page.get_by_role("article", name="Bob").get_by_role("button", name="Block").click()
    page.get_by_role("dialog").get_by_role("button", name="Block").click()
    page.get_by_text("You ignore nobody.").wait_for()
    assert len(alice.api.good("GET", "/blocked")) == 1
