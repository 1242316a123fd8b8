"""The daemon is killed while somebody writes: nothing is lost, and nothing is there twice."""

import re

from tests.browser.conftest import Come
from tests.browser.people import bubble, pair, say, talk
from tests.integration.processes import wait_until


def test_killed_while_typing(someone: Come, drop_server: str) -> None:
    """What is written while the daemon is away is the draft, once it is back."""
    alice, _ = pair(someone, drop_server)
    page = talk(alice, "Bob")
    field = page.locator("#message")
    field.press_sequentially("Half a thought")
    alice.one.dies()
    field.press_sequentially(", and the rest")
    page.get_by_text("The daemon does not answer").wait_for()
    alice.one.starts()
    page.get_by_text("The daemon does not answer").wait_for(state="detached")

    def draft() -> str | None:
        [there] = alice.api.good("GET", "/chat/conversations")["conversations"]
        return there["draft"] if there["draft"] == "Half a thought, and the rest" else None

    wait_until(draft, "the draft")
    page.reload()
    page.get_by_label("Message: Bob").wait_for()
    assert field.input_value() == "Half a thought, and the rest"
    field.press("Enter")
    bubble(page, "Half a thought").locator("[data-state=acknowledged]").wait_for()
    assert alice.texts() == ["Half a thought, and the rest"]


def test_killed_while_sending(someone: Come, drop_server: str) -> None:
    """At whatever moment the daemon is killed, each message arrives, once."""
    alice, bob = pair(someone, drop_server)
    page = talk(alice, "Bob")
    texts = []
    for pause in (0, 5, 15, 40, 90):
        # Every other text needs several messages.
        texts.append(f"Sent, and {pause} ms later it was killed" + " word" * (pause % 10 * 200))
        say(page, texts[-1])
        page.wait_for_timeout(pause)
        alice.one.dies()
        texts.append(f"Sent after that, {pause}")
        say(page, texts[-1])
        alice.one.starts()
        bubble(page, texts[-1]).locator("[data-state=acknowledged]").wait_for()
    assert alice.texts() == bob.texts() == texts
    assert page.locator(".message").count() == len(texts)
    assert page.locator("#message").input_value() == ""
    assert page.evaluate("sessionStorage.getItem('qabel.sending')") is None


def test_reloaded_while_sending(someone: Come, drop_server: str) -> None:
    """What the daemon has not confirmed is sent after a reload, and the draft is not sent again."""
    alice, bob = pair(someone, drop_server)
    page = talk(alice, "Bob")
    page.on("dialog", lambda dialog: dialog.accept())
    alice.one.dies()
    say(page, "Not lost")
    bubble(page, "Not lost").get_by_text("Being handed to the daemon").wait_for(state="attached")
    alice.one.starts()
    page.reload()
    bubble(page, "Not lost").locator("[data-state=acknowledged]").wait_for()
    assert page.locator("#message").input_value() == ""
    assert bob.texts() == ["Not lost"]


def test_drafts(someone: Come, drop_server: str) -> None:
    """A draft is there again in another session, and the list shows it."""
    alice, bob = pair(someone, drop_server)
    bob.says("Hello")
    page = talk(alice, "Bob")
    bubble(page, "Hello").wait_for()
    page.locator("#message").fill("Dear Bob,")
    # Leaving the conversation at once keeps it, too.
    page.get_by_role("link", name=re.compile("People")).click()
    page.get_by_role("heading", name="People").wait_for()
    page.get_by_role("link", name="Conversations").click()
    page.locator(".entry", has_text="Draft: Dear Bob,").wait_for()
    other = alice.one.page()
    other.locator(".entry", has_text="Draft: Dear Bob,").click()
    other.get_by_label("Message: Bob").wait_for()
    assert other.locator("#message").input_value() == "Dear Bob,"
