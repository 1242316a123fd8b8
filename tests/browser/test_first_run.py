"""The first run: a name, a server that is tried, and the card, until somebody writes."""

from pathlib import Path

from tests.browser.cards import card_of, is_too_wide, settle
from tests.browser.conftest import Come
from tests.integration.test_closed_groups import TOKEN, token_file
from tests.integration.test_dropserver import LISTEN
from tests.integration.test_dropserver import drop_server as drop_server_process


def test_a_server_that_is_none(someone: Come, drop_server: str) -> None:
    """What is wrong with a server is said, it does not stay, and can be taken all the same."""
    alice = someone("alice", viewport={"width": 360, "height": 740})
    page = alice.page()
    page.get_by_label("Your name").fill("Alice")
    page.get_by_label("Drop server").fill("http://127.0.0.1:1")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("No drop server answers at this address.").wait_for()
    assert not is_too_wide(page)
    assert "127.0.0.1" not in alice.command("server", "list")
    assert alice.command("--json", "identity", "list") == ""
    page.get_by_text("I have Qabel already").click()
    page.get_by_text("qabel restore").wait_for()
    page.get_by_role("button", name="Use it anyway").click()
    page.get_by_role("heading", name="Hello, Alice").wait_for()
    page.get_by_text("so only people on this computer can write to you").wait_for()
    assert "http://127.0.0.1:1" in alice.command("server", "list")
    assert drop_server not in alice.command("server", "list")


def test_the_server_of_a_group(someone: Come, tmp_path: Path) -> None:
    """A token is asked for when the server does not answer without one, and used from then on."""
    option = f"--group-token-file={token_file(tmp_path, TOKEN)}"
    with drop_server_process(tmp_path, LISTEN, option) as server:
        url = f"http://127.0.0.1:{server.port('qabel-drop')}"
        alice = someone("alice")
        page = alice.page()
        page.get_by_label("Your name").fill("Alice")
        page.get_by_label("Drop server").fill(url)
        assert page.get_by_label("Token of the group").count() == 0
        page.get_by_role("button", name="Begin").click()
        page.get_by_label("Token of the group").fill(TOKEN)
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("heading", name="Hello, Alice").wait_for()
        assert TOKEN not in page.content()
        assert alice.command("server", "test", url)


def test_a_server_that_is_there_already(someone: Come, drop_server: str) -> None:
    """Nobody is asked for a server where one is set up; Enter is enough."""
    alice = someone("alice", locale="de")
    alice.command("server", "add", drop_server)
    page = alice.page()
    name = page.get_by_label("Dein Name")
    name.wait_for()
    assert page.get_by_label("Drop-Server").count() == 0
    name.press_sequentially("Älice")
    name.press("Enter")
    page.get_by_role("heading", name="Hallo, Älice").wait_for()


def test_the_page_turns_when_somebody_writes(someone: Come, drop_server: str) -> None:
    """While the card is shown, the page turns to what a stranger, or a contact, writes."""
    alice, bob = someone("alice"), someone("bob")
    settle(alice, "Alice", drop_server)
    settle(bob, "Bob", drop_server)
    bob.command("contact", "import", str(card_of(alice, "Alice")))
    page = alice.page()
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Show my card").click()
    page.get_by_text("Waiting for somebody to write.").wait_for()
    bob.command("send", "Alice", "Hello")
    page.wait_for_url("**/#/requests")
    alice.command("contact", "import", str(card_of(bob, "Bob")))
    # What is there already is no news.
    page.evaluate("location.hash = '#/chat'")
    page.locator(".long-list").get_by_text("Hello").wait_for()
    page.evaluate("location.hash = '#/welcome'")
    page.get_by_text("Waiting for somebody to write.").wait_for()
    bob.command("send", "Alice", "Hello again")
    page.wait_for_url("**/#/chat/*")
