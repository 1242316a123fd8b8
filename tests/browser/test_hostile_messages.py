"""What others write is text, whatever it says."""

from tests.browser.conftest import Come
from tests.browser.people import bubble, pair, say, talk

OVERRIDE = "\u202e"


def test_markup(someone: Come, drop_server: str) -> None:
    """Markup and scripts are shown as they were written; dangerous addresses are no links."""
    alice, bob = pair(someone, drop_server)
    texts = [
        "<img src=x onerror=\"document.title='stolen'\">",
        "<script>document.title='stolen'</script>",
        "javascript:alert(1) https://user:pass@ data:text/html,x",
        "See https://example.org/a_(b)?c=d&e=f#g, or http://example.net.",
    ]
    for text in texts:
        bob.says(text)
    page = talk(alice, "Bob")
    for text in texts:
        assert bubble(page, text).locator(".text").inner_text().strip() == text
    links = page.locator(".message a")
    assert links.evaluate_all("all => all.map(each => each.href)") == [
        "https://example.org/a_(b)?c=d&e=f#g",
        "http://example.net/",
    ]
    for name, value in (("target", "_blank"), ("rel", "noreferrer noopener")):
        assert links.first.get_attribute(name) == value
    assert "stolen" not in page.title()


def test_directions(someone: Come, drop_server: str) -> None:
    """Characters that turn the direction of a text turn nothing around it, names neither."""
    alice, bob = pair(someone, drop_server)
    [contact] = alice.api.good("GET", "/contacts")
    name = "Bob \u05d0\u05d1\u05d2"
    alice.api.good("PATCH", f"/contacts/{contact['id']}", {"alias": name})
    bob.says(f"{OVERRIDE}turned\u2067around")
    page = talk(alice, name)
    bubble(page, "turned").wait_for()
    # A name of both directions stands before its time, as each other does.
    assert page.locator(".talk h1").inner_text().strip() == name
    ends = [page.locator(f".entry {each}").bounding_box()["x"] for each in (".name", "time")]
    assert ends == sorted(ends)


def test_long_texts(someone: Come, drop_server: str) -> None:
    """Of a long text the beginning is shown, and all of it on demand; it bursts nothing."""
    alice, bob = pair(someone, drop_server)
    endless = "endless" * 1500
    lines = "\n".join(str(number) for number in range(300))
    assert len(endless) > 10_000
    bob.says(endless)
    bob.says(lines)
    page = talk(alice, "Bob")
    for start, whole in (("endless", endless), ("13 14", lines)):
        message = bubble(page, start)
        message.get_by_role("button", name="Show all").click()
        message.get_by_role("button", name="Show less").wait_for()
        assert message.locator(".text").inner_text().strip() == whole
        message.get_by_role("button", name="Show less").click()
        assert len(message.locator(".text").inner_text()) < 1100
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    history = page.locator(".history")
    assert history.evaluate("each => each.scrollWidth > each.clientWidth") is False


def test_writing_long_texts(someone: Come, drop_server: str) -> None:
    """A text in many parts is one message; one that is too long can be mended."""
    alice, bob = pair(someone, drop_server)
    page = talk(alice, "Bob")
    long = " ".join(f"word{number}" for number in range(1400))
    say(page, long)
    bubble(page, "word1 ").locator("[data-state=acknowledged]").wait_for()
    assert page.locator(".message").count() == 1
    assert alice.texts() == bob.texts() == [long]
    too_long = "x" * 120_000
    say(page, too_long)
    bubble(page, "do not fit").get_by_role("button", name="Edit").click()
    assert page.locator("#message").input_value() == too_long
    assert alice.texts() == [long]
    # The browser says of each error that there was one.
    alice.one.said[:] = [each for each in alice.one.said if "413" not in each]
