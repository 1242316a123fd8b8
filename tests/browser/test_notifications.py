"""Notifications of the browser."""

from typing import Any

from tests.browser.conftest import Come
from tests.browser.people import Person, pair

# What the browser would show is kept in a list.
RECORDED = """
window.shown = [];
class Recorded {
  static permission = "default";
  static async requestPermission() {
    window.asked = true;
    Recorded.permission = "granted";
    return "granted";
  }
  constructor(title, more) { window.shown.push([title, more.body]); }
  close() {}
}
window.Notification = Recorded;
"""


def come(someone: Come, server: str) -> tuple[Person, Person, Any]:
    """Return Alice and Bob, and a page of Alice whose notifications are recorded."""
    alice, bob = pair(someone, server)
    alice.one.context.add_init_script(RECORDED)
    page = alice.one.page()
    page.get_by_role("button", name="Notifications").wait_for()
    return alice, bob, page


def choose(page: Any, name: str) -> None:
    """Choose which notifications there are."""
    page.get_by_role("button", name="Notifications").click()
    page.get_by_label(name).check()
    page.keyboard.press("Escape")


def test_none_at_first(someone: Come, drop_server: str) -> None:
    """As long as nobody chose them there are none, and the browser is not asked."""
    _, bob, page = come(someone, drop_server)
    bob.says("Hello")
    page.locator(".entry", has_text="Hello").wait_for()
    page.wait_for_timeout(800)
    assert page.evaluate("[window.shown, window.asked]") == [[], None]


def test_the_choice_in_the_settings(someone: Come, drop_server: str) -> None:
    """What is chosen in the settings is what the bell shows."""
    _, _, page = come(someone, drop_server)
    page.evaluate("location.hash = '#/settings/notifications'")
    page.get_by_label("Only that there is a message").check()
    page.evaluate("location.hash = '#/chat'")
    page.get_by_role("button", name="Notifications").click()
    chosen = page.get_by_role("dialog").get_by_label("Only that there is a message")
    chosen.wait_for()
    assert chosen.is_checked()


def test_what_they_say(someone: Come, drop_server: str) -> None:
    """They have no name and no text unless that was chosen, too, and none of what is muted."""
    alice, bob, page = come(someone, drop_server)
    choose(page, "Only that there is a message")
    bob.says("Hello")
    page.locator(".entry", has_text="Hello").wait_for()
    shown = page.locator("body")
    for _ in range(50):
        if shown.evaluate("() => window.shown.length"):
            break
        page.wait_for_timeout(100)
    assert page.evaluate("window.shown") == [["A new message", ""]]
    choose(page, "With name and text")
    bob.says("How are you?")
    for _ in range(50):
        if shown.evaluate("() => window.shown.length") == 2:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("window.shown")[1] == ["Bob", "How are you?"]
    number = alice.opens()
    alice.api.good("PATCH", f"/chat/conversations/{number}", {"muted": True})
    alice.says("I am fine")
    bob.says("Good")
    page.locator(".entry", has_text="Good").wait_for()
    page.wait_for_timeout(1000)
    assert len(page.evaluate("window.shown")) == 2


def test_not_of_strangers(someone: Come, drop_server: str) -> None:
    """A stranger's message is never notified, whatever was chosen."""
    alice, bob = Person("Alice", someone("alice")), Person("Bob", someone("bob"))
    alice.begins(drop_server)
    bob.begins(drop_server)
    bob.knows(alice)
    alice.one.context.add_init_script(RECORDED)
    page = alice.one.page()
    choose(page, "With name and text")
    bob.says("Hello")
    page.get_by_role("link", name="Requests").get_by_text("1 request").wait_for(state="attached")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.shown") == []
