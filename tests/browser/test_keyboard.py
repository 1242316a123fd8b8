"""The page without a mouse, and on a small screen."""

from tests.browser.conftest import Come
from tests.browser.people import bubble, pair, talk

FOCUSED = "() => document.activeElement.textContent || document.activeElement.id"


def test_by_keyboard_alone(someone: Come, drop_server: str) -> None:
    """Somebody opens a conversation, writes, replies and deletes without touching a mouse."""
    alice, bob = pair(someone, drop_server)
    bob.says("First")
    bob.says("Second")
    page = alice.one.page()
    page.locator(".entry").wait_for()
    page.get_by_role("button", name="New", exact=True).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED).strip() == "New"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_label("Message: Bob").wait_for()
    bubble(page, "Second").wait_for()
    assert page.evaluate(FOCUSED) == "message"
    page.keyboard.type("Third")
    page.keyboard.press("Enter")
    bubble(page, "Third").locator("[data-state=acknowledged]").wait_for()
    # From the field back to the newest message, and up to the one before.
    for key in ("Shift+Tab", "ArrowUp"):
        page.keyboard.press(key)
    assert "Second" in page.evaluate(FOCUSED)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "Reply"
    page.keyboard.press("Enter")
    page.keyboard.type("Fourth")
    page.keyboard.press("Enter")
    bubble(page, "Fourth").locator(".quote", has_text="Second").wait_for()
    assert alice.texts() == ["First", "Second", "Third", "Fourth"]


def test_a_small_screen(someone: Come, drop_server: str) -> None:
    """There is one pane at a time, nothing sticks out, and one gets back."""
    alice, bob = pair(someone, drop_server, viewport={"width": 360, "height": 640}, has_touch=True)
    bob.says("Hello " * 40)
    page = alice.one.page()
    page.locator(".entry").tap()
    bubble(page, "Hello").wait_for()
    assert not page.locator(".entry").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator("#message").bounding_box()
    assert box["y"] + box["height"] < 640
    page.get_by_role("link", name="Back to the conversations").tap()
    page.locator(".entry").wait_for()
    assert not page.locator("#message").is_visible()


def test_a_list_by_keyboard(someone: Come, drop_server: str) -> None:
    """Arrow keys and End move in the list of conversations, also to rows that are not there yet."""
    alice, bob = pair(someone, drop_server)
    cards = [
        {"alias": f"Person {number:03}", "public_key": f"{number:064x}", "drop_urls": bob.drop_urls}
        for number in range(1, 120)
    ]
    alice.api.good("POST", "/contacts/import", {"contacts": cards})
    for each in alice.api.good("GET", "/contacts"):
        body = {"identity": each["identity_id"], "contact": each["id"]}
        alice.api.good("POST", "/chat/conversations", body)
    page = talk(alice, "Bob")
    assert page.locator(".entry").count() < 60
    page.locator(".entry").first.focus()
    page.keyboard.press("End")
    last = page.locator(".long-list li[aria-posinset='120'] a")
    last.wait_for()
    assert last.evaluate("each => each === document.activeElement")
    page.keyboard.press("ArrowUp")
    before = page.locator(".long-list li[aria-posinset='119'] a")
    assert before.evaluate("each => each === document.activeElement")
