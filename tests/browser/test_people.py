"""People on the page: adding them, in each way, and what can be done with one."""

import json
from typing import Any

from tests.browser.cards import card_of, go, is_too_wide, made_up, settle, write_cards
from tests.browser.conftest import Come, Someone

ADDED = "Bob is one of your contacts now."


def contacts(one: Someone) -> Any:
    """Return the contacts, as the command lists them."""
    lines = one.command("--json", "contact", "list").splitlines()
    return [json.loads(line) for line in lines]


def people(one: Someone) -> Any:
    """Open the page with all people."""
    page = one.page()
    page.get_by_role("link", name="People").click()
    page.get_by_role("heading", name="People").wait_for()
    return page


def test_errors_in_german(someone: Come, drop_server: str) -> None:
    """What went wrong is said in the reader's language, and what the daemon says of it behind."""
    alice = someone("alice", locale="de")
    alice.refused = {400}
    settle(alice, "Alice", drop_server)
    page = alice.page()
    page.get_by_role("link", name="Personen").click()
    page.get_by_role("link", name="Jemanden hinzufügen").first.click()
    page.locator("textarea").fill("Hallo Alice")
    page.get_by_role("button", name="Text lesen").click()
    said = page.get_by_role("alert").filter(has_text="So nimmt der Dienst das nicht an.")
    assert "cannot be imported" in said.locator("[lang=en]").inner_text()


def test_a_card_in_a_mail(someone: Come, drop_server: str) -> None:
    """A card is found in a mail that was quoted and wrapped; a text without one is refused."""
    alice, bob = someone("alice"), someone("bob")
    settle(alice, "Alice", drop_server)
    settle(bob, "Bob", drop_server)
    card = card_of(bob, "Bob").read_text()
    page = people(alice)
    page.get_by_role("link", name="Add somebody").first.click()
    text = page.get_by_label("The whole mail or message will do")
    text.fill("Hello Alice, how are you?")
    page.get_by_role("button", name="Read the text").click()
    page.get_by_role("alert").filter(has_text="cannot be imported").wait_for()
    # The browser notes each error of the daemon.
    assert "400" in alice.said.pop()
    mail = f"Hello Alice,\n\n> here is my card:\n> {card.strip()}\n\n-- \nBob\n"
    text.fill(mail.replace('", "', '",\n> "').replace('","', '",\n> "'))
    page.get_by_role("button", name="Read the text").click()
    page.get_by_text(ADDED).wait_for()
    assert text.input_value() == ""
    text.fill(card)
    page.get_by_role("button", name="Read the text").click()
    page.get_by_text("You know Bob already: nothing has changed.").wait_for()
    assert [each["alias"] for each in contacts(alice)] == ["Bob"]
    page.get_by_role("button", name="Write to Bob").click()
    page.wait_for_url("**/#/chat/*")


def test_cards_in_files(someone: Come, drop_server: str) -> None:
    """What became of each entry is said, and what differs is taken only if one wants it."""
    alice = someone("alice")
    settle(alice, "Alice", drop_server)
    page = people(alice)
    go(page, "#/people/add")
    chosen = page.get_by_label("Choose a file")
    bob = made_up(1, "Bob")
    chosen.set_input_files(write_cards(alice.folder / "bob.qco", bob))
    page.get_by_text(ADDED).wait_for()
    moved = {**bob, "alias": "Robert", "drop_urls": made_up(2, "")["drop_urls"]}
    broken = {"alias": "Eve", "public_key": "12"}
    chosen.set_input_files(
        write_cards(alice.folder / "all.qco", moved, made_up(3, "Carol"), broken)
    )
    page.get_by_text("1 refused, 1 differs, 1 added").wait_for()
    page.get_by_text("Eve could not be added.").wait_for()
    page.get_by_text("You call them Bob; the card says Robert.").wait_for()
    before = next(each for each in contacts(alice) if each["alias"] == "Bob")
    assert before["drop_urls"] == bob["drop_urls"]
    page.get_by_role("button", name="Take the new address").click()
    page.get_by_text("Messages go to the new address from now on.").wait_for()
    page.get_by_role("button", name="Use the name Robert").click()
    page.get_by_text("Renamed.").wait_for()
    after = next(each for each in contacts(alice) if each["id"] == before["id"])
    assert (after["alias"], after["drop_urls"]) == ("Robert", moved["drop_urls"])


def test_a_file_that_is_dropped(someone: Come, drop_server: str) -> None:
    """A file can be dropped on the page, for the identity that one chooses."""
    alice = someone("alice")
    settle(alice, "Alice", drop_server)
    alice.command("identity", "new", "Alice at work")
    page = people(alice)
    go(page, "#/people/add")
    page.get_by_label("For which of your identities?").select_option("Alice at work")
    card = json.dumps({"contacts": [made_up(1, "Bob")]})
    files = page.evaluate_handle(
        """card => {
            const all = new DataTransfer();
            all.items.add(new File([card], "bob.qco"));
            return all;
        }""",
        card,
    )
    page.get_by_role("heading", name="Add somebody").dispatch_event("drop", {"dataTransfer": files})
    page.get_by_text(ADDED).wait_for()
    [bob] = contacts(alice)
    assert bob["identity_id"] == 2
    go(page, "#/people")
    page.get_by_text("Contact of Alice at work").wait_for()
    page.get_by_label("Contacts of").select_option("Alice")
    page.get_by_text("0 people").wait_for()


def test_one_of_them(someone: Come, drop_server: str) -> None:
    """Somebody is renamed, blocked, written to and deleted; a change elsewhere shows at once."""
    alice = someone("alice")
    settle(alice, "Alice", drop_server)
    alice.command("contact", "import", str(write_cards(alice.folder / "b.qco", made_up(1, "Bob"))))
    page = people(alice)
    page.get_by_role("link", name="Bob").click()
    page.get_by_role("heading", name="Bob").wait_for()
    page.get_by_text("Key and addresses").click()
    page.get_by_text(made_up(1, "")["drop_urls"][0]).wait_for()
    page.get_by_label("Name").fill("Robert")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("heading", name="Robert").wait_for()
    page.get_by_role("button", name="Block").click()
    page.get_by_text("You have blocked this person").wait_for()
    assert contacts(alice)[0]["blocked"]
    page.get_by_role("button", name="Unblock").click()
    page.get_by_text("You have blocked this person").wait_for(state="detached")
    alice.command("contact", "rename", "Robert", "Bobby")
    page.get_by_role("heading", name="Bobby").wait_for()
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert page.evaluate("document.activeElement.textContent") == "Delete …"
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete …").click()
    page.get_by_text("Nobody here yet").wait_for()
    assert contacts(alice) == []


def test_comparing_keys(someone: Come, drop_server: str) -> None:
    """Both sides see the same words; who has compared marks the other, and takes it back."""
    alice, bob = someone("alice"), someone("bob")
    settle(alice, "Alice", drop_server)
    settle(bob, "Bob", drop_server)
    alice.command("contact", "import", str(card_of(bob, "Bob")))
    bob.command("contact", "import", str(card_of(alice, "Alice")))
    said = []
    for one, other in ((alice, "Bob"), (bob, "Alice")):
        page = people(one)
        page.get_by_role("link", name=other).click()
        page.get_by_role("link", name="Compare keys").click()
        words = page.get_by_role("list", name="Words").get_by_role("listitem")
        words.nth(7).wait_for()
        said.append(words.all_text_contents())
        assert page.get_by_role("list", name="Digits").get_by_role("listitem").count() == 12
    assert said[0] == said[1]
    page.get_by_role("button", name="They differ").click()
    page.get_by_text("Do not write anything confidential.").wait_for()
    assert contacts(bob)[0]["verified"] == 0
    page.get_by_role("button", name="They are the same").click()
    page.get_by_text("Verified since").wait_for()
    assert contacts(bob)[0]["verified"] > 0
    go(page, "#/people")
    page.get_by_role("link", name="Alice").get_by_text("Verified").wait_for()
    go(page, "#/people/1/verify")
    page.get_by_role("button", name="Take the mark away").click()
    page.get_by_role("button", name="They are the same").wait_for()
    assert contacts(bob)[0]["verified"] == 0


def test_a_known_name_with_another_key(someone: Come, drop_server: str) -> None:
    """The warning stays, over a restart, until the user says that it is somebody else."""
    alice = someone("alice", viewport={"width": 360, "height": 740})
    settle(alice, "Alice", drop_server)
    both = made_up(1, "Bob"), made_up(2, "B\u043eb ")
    alice.command("contact", "import", str(write_cards(alice.folder / "b.qco", both[0])))
    page = people(alice)
    go(page, "#/people/add")
    page.get_by_label("Choose a file").set_input_files(write_cards(alice.folder / "c.qco", both[1]))
    page.get_by_text("Somebody else is called").wait_for()
    alice.dies()
    alice.starts()
    page = people(alice)
    page.get_by_role("link", name="Same name, different key").click()
    page.get_by_text("Somebody else is called").wait_for()
    assert not is_too_wide(page)
    page.get_by_role("link", name="Show the one I know").click()
    page.wait_for_url("**/#/people/1")
    page.get_by_text("Somebody else is called").wait_for(state="detached")
    page.go_back()
    page.get_by_role("button", name="I know who this is").click()
    page.get_by_text("Somebody else is called").wait_for(state="detached")
    assert [each["namesake"] for each in contacts(alice)] == [None, None]


def test_my_cards(someone: Come, drop_server: str) -> None:
    """The card is copied, saved and shown large; there may be another identity."""
    alice = someone("alice", permissions=["clipboard-read", "clipboard-write"])
    settle(alice, "Alice", drop_server)
    card = json.loads(card_of(alice, "Alice").read_text())
    page = people(alice)
    page.get_by_role("link", name="My cards").click()
    page.get_by_role("button", name="Copy the card").click()
    page.get_by_text("Copied.").wait_for()
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == card
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert saved.value.suggested_filename == "Alice.qco"
    assert json.loads(saved.value.path().read_text()) == card
    page.get_by_role("button", name="Show large").last.click()
    shown = page.get_by_role("dialog").get_by_role("img")
    shown.wait_for()
    assert shown.bounding_box()["width"] > 400
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Another identity").click()
    page.get_by_label("Your name").fill("Work")
    page.get_by_role("button", name="Make it").click()
    work = page.get_by_role("article", name="Work")
    work.get_by_text("Rename").first.click()
    work.get_by_label("Name").fill("Alice at work")
    work.get_by_role("button", name="Rename").click()
    page.get_by_role("article", name="Alice at work").wait_for()
    assert "Alice at work" in alice.command("identity", "list")


def test_by_keyboard(someone: Come, drop_server: str) -> None:
    """Somebody is added, found and verified without a mouse, on a narrow screen."""
    alice = someone("alice", viewport={"width": 360, "height": 740})
    settle(alice, "Alice", drop_server)
    page = people(alice)

    def reach(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name).first
        wanted.wait_for()
        for _ in range(60):
            page.keyboard.press("Tab")
            if wanted.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError(f"the keyboard does not reach {name}")

    reach("link", "Add somebody")
    page.keyboard.press("Enter")
    reach("textbox", "The whole mail")
    page.keyboard.insert_text(json.dumps({"contacts": [made_up(1, "Bob")]}))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text(ADDED).wait_for()
    assert not is_too_wide(page)
    reach("link", "Show")
    page.keyboard.press("Enter")
    reach("link", "Compare keys")
    page.keyboard.press("Enter")
    reach("button", "They are the same")
    page.keyboard.press("Enter")
    page.get_by_text("Verified since").wait_for()
    assert not is_too_wide(page)
