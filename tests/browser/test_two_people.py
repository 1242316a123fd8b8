"""Two people, two browsers and one sentence: from the first run to an answered message.

Each step is what somebody would do who has never seen Qabel, with only what is on the screen.
"""

from typing import Any

from tests.browser.cards import is_too_wide, settle
from tests.browser.conftest import Come, Someone


def begin(one: Someone, name: str, server: str) -> Any:
    """Go through the first run, and return the page that shows the card."""
    page = one.page()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Drop server").fill(server)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name=f"Hello, {name}").wait_for()
    page.get_by_role("img", name=f"QR code with the card of {name}").wait_for()
    return page


def write(page: Any, name: str, text: str) -> None:
    """Write a message in the conversation that is shown."""
    field = page.get_by_label(f"Message: {name}")
    field.fill(text)
    field.press("Enter")
    arrives(page, text)


def arrives(page: Any, text: str) -> None:
    """Wait until a message is on the screen."""
    page.get_by_text(text, exact=True).locator("visible=true").first.wait_for()


def test_from_nothing_to_an_answer(someone: Come, drop_server: str) -> None:
    """Bob takes in Alice's card and writes; a stranger writes too; Alice answers Bob."""
    phone = {"width": 360, "height": 740}
    alice = someone("alice", permissions=["clipboard-read", "clipboard-write"])
    bob, mallory = someone("bob", viewport=phone), someone("mallory")
    hers = begin(alice, "Alice", drop_server)
    hers.get_by_role("button", name="Copy the card").click()
    hers.get_by_text("Copied.").wait_for()
    sent = hers.evaluate("navigator.clipboard.readText()")

    his = begin(bob, "Bob", drop_server)
    his.get_by_role("link", name="Add somebody").click()
    his.get_by_label("The whole mail or message will do").fill(f"Hi Bob, here it is: {sent}\nAlice")
    his.get_by_role("button", name="Read the text").click()
    his.get_by_role("button", name="Write to Alice").click()
    write(his, "Alice", "Hello Alice")
    assert not is_too_wide(his)

    # What she waited for comes by itself.
    hers.wait_for_url("**/#/requests")
    hers.get_by_role("article", name="Bob").get_by_text("Hello Alice").wait_for()
    settle(mallory, "Mallory", drop_server)
    (mallory.folder / "alice.qco").write_text(sent)
    mallory.command("contact", "import", str(mallory.folder / "alice.qco"))
    mallory.command("send", "Alice", "You have won")
    stranger = hers.get_by_role("article", name="Mallory")
    stranger.get_by_role("button", name="Ignore").click()
    stranger.wait_for(state="detached")

    hers.get_by_role("article", name="Bob").get_by_role("button", name="Accept").click()
    hers.get_by_role("dialog").get_by_role("button", name="Accept").click()
    write(hers, "Bob", "Hello Bob, how nice")
    arrives(his, "Hello Bob, how nice")
    write(his, "Alice", "It works")
    arrives(hers, "It works")
