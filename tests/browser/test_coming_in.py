"""Coming in: a code, a session, and a first name."""

from tests.browser.conftest import Come


def test_the_first_run(someone: Come, drop_server: str) -> None:
    """A name and a server, and one is there; the code is gone from the address."""
    alice = someone("alice")
    page = alice.page()
    page.get_by_label("Your name").fill("Alice")
    page.get_by_label("Drop server").fill(drop_server)
    assert page.evaluate("location.hash") in ("", "#/chat")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/#/welcome/1")
    page.get_by_role("heading", name="Hello, Alice").wait_for()
    assert "Alice" in alice.command("identity", "list")
    page.reload()
    page.get_by_role("img", name="QR code with the card of Alice").wait_for()


def test_what_is_loaded_first(someone: Come, drop_server: str) -> None:
    """The page with its conversations is there with less than 150 kB; the rest comes later."""
    alice = someone("alice", locale="de")
    alice.command("server", "add", drop_server)
    alice.command("identity", "new", "Alice")
    page = alice.page()
    page.get_by_role("heading", name="Unterhaltungen").wait_for()
    sizes: dict[str, int] = page.evaluate(
        """Object.fromEntries(performance.getEntriesByType("resource")
            .filter((each) => /\\/(static|docs)\\//.test(each.name))
            .map((each) => [each.name, each.decodedBodySize]))"""
    )
    assert any(name.endswith("/chat.js") for name in sizes)
    assert sum(sizes.values()) < 150_000
    page.wait_for_event("response", lambda answer: answer.url.endswith("/views/settings.js"))
