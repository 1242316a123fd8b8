"""Conversations, as two people have them in two browsers."""

import json
import re
from pathlib import Path

from tests.browser.conftest import Come
from tests.browser.people import QUIET, bubble, pair, say, talk
from tests.integration.processes import wait_until


def test_two_people(someone: Come, drop_server: str) -> None:
    """Messages go both ways, and what was sent is said to have arrived, in words, as it happens."""
    alice, bob = pair(someone, drop_server)
    here, there = talk(alice, "Bob"), talk(bob, "Alice")
    say(here, "Hello Bob")
    state = bubble(here, "Hello Bob").locator("[data-state=acknowledged]")
    state.wait_for()
    assert state.inner_text().strip() == "Arrived"
    bubble(there, "Hello Bob").wait_for()
    field = there.locator("#message")
    field.fill("Two")
    field.press("Shift+Enter")
    field.press_sequentially("lines")
    field.press("Enter")
    bubble(here, "Two").wait_for()
    assert alice.texts() == bob.texts() == ["Hello Bob", "Two\nlines"]
    # Each is there once, though it came as an answer and as an event.
    assert here.locator(".message").count() == there.locator(".message").count() == 2
    assert here.locator(".day").inner_text() == "Today"


def test_replies(someone: Come, drop_server: str) -> None:
    """A reply shows what it is a reply to, at both sides, and leads there."""
    alice, bob = pair(someone, drop_server)
    bob.says("Tea or coffee?")
    here = talk(alice, "Bob")
    bubble(here, "Tea or coffee?").hover()
    bubble(here, "Tea or coffee?").get_by_role("button", name="What to do").click()
    here.get_by_role("menuitem", name="Reply").click()
    say(here, "Coffee")
    bubble(here, "Coffee").locator(".quote", has_text="Tea or coffee?").wait_for()
    there = talk(bob, "Alice")
    there.locator(".quote", has_text="Tea or coffee?").click()
    there.locator(".message.found", has_text="Tea or coffee?").wait_for()


def test_unread(someone: Come, drop_server: str) -> None:
    """What is new is counted until it was seen, and it is marked where it begins."""
    alice, bob = pair(someone, drop_server)
    page = alice.one.page()
    page.get_by_text("No conversations yet").wait_for()
    for number in range(60):
        bob.says(f"Message {number}")
    page.get_by_label("60 unread messages").or_(
        page.get_by_text("60 unread messages")
    ).first.wait_for(state="attached")
    page.locator(".entry .badge", has_text="60").wait_for()
    assert page.title().startswith("(60) ")
    page.locator(".entry").click()
    page.get_by_text("New messages", exact=True).wait_for()
    bubble(page, "Message 0").wait_for()
    page.get_by_role("button", name=re.compile(r"\d+ new messages")).wait_for()

    def left() -> int | None:
        total = int(alice.api.good("GET", "/chat/unread")["total"])
        return total if total < 60 else None

    assert wait_until(left, "what was seen to be read") > 0
    # By scrolling all is seen.
    history = page.locator(".history")
    for _ in range(100):
        history.hover()
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(60)
        if page.title() == QUIET:
            break
    assert page.title() == QUIET
    assert alice.api.good("GET", "/chat/unread")["total"] == 0


def test_new_messages_below(someone: Come, drop_server: str) -> None:
    """Who reads what was written before stays there, and is told of what comes below."""
    alice, bob = pair(someone, drop_server)
    for number in range(50):
        bob.says(f"Message {number}")
    page = talk(alice, "Bob")
    bubble(page, "Message 0").wait_for()
    page.get_by_role("button", name=re.compile("new message")).wait_for()
    top = page.locator(".history").evaluate("each => each.scrollTop")
    bob.says("The newest of all")
    page.locator(".entry", has_text="The newest of all").wait_for()
    assert page.locator(".history").evaluate("each => each.scrollTop") == top
    while page.locator(".below").count():
        page.locator(".below").click()
        page.locator(".history").evaluate("each => { each.scrollTop = each.scrollHeight }")
        page.wait_for_timeout(100)
    bubble(page, "The newest of all").wait_for()


def test_marks_and_export(someone: Come, drop_server: str, tmp_path: Path) -> None:
    """A conversation can be pinned, muted, archived, and saved."""
    alice, bob = pair(someone, drop_server)
    bob.says("Keep this")
    page = talk(alice, "Bob")
    bubble(page, "Keep this").wait_for()

    def choose(name: str) -> None:
        page.get_by_role("button", name="What to do with this conversation").click()
        page.get_by_role("menuitem", name=name, exact=True).click()

    choose("Pin to the top")
    page.locator(".entry").get_by_text("Pinned").wait_for(state="attached")
    choose("Mute")
    page.locator(".head .tag", has_text="Muted").wait_for()
    choose("Archive")
    page.get_by_role("button", name="Archive (1)").click()
    page.get_by_role("heading", name="Archive").wait_for()
    page.locator(".entry", has_text="Keep this").wait_for()
    [there] = alice.api.good("GET", "/chat/conversations")["conversations"]
    assert (there["pinned"], there["muted"], there["archived"]) == (True, True, True)
    choose("Bring back from the archive")
    page.get_by_role("heading", name="Conversations").wait_for()
    for name, file in (("Save as text", "Bob.txt"), ("Save as JSON", "Bob.json")):
        with page.expect_download() as coming:
            choose(name)
        assert coming.value.suggested_filename == file
        coming.value.save_as(tmp_path / file)
    assert "Bob: Keep this" in (tmp_path / "Bob.txt").read_text()
    assert json.loads((tmp_path / "Bob.json").read_text())["messages"][0]["text"] == "Keep this"


def test_deleting(someone: Come, drop_server: str) -> None:
    """Before something is deleted for good, that is said; then it is gone, in the inbox too."""
    alice, bob = pair(someone, drop_server)
    bob.says("One")
    bob.says("Two")
    page = talk(alice, "Bob")
    bubble(page, "One").hover()
    bubble(page, "One").get_by_role("button", name="What to do").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    assert "deleted here for good" in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert alice.texts() == ["One", "Two"]
    bubble(page, "One").hover()
    bubble(page, "One").get_by_role("button", name="What to do").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog.get_by_role("button", name="Delete for good").click()
    bubble(page, "One").wait_for(state="detached")
    assert alice.texts() == ["Two"]
    bob.says("Three")
    bubble(page, "Three").wait_for()
    # What another program deletes goes from the page, too.
    [three, _] = alice.api.good("GET", "/drop?since=0")[::-1]
    alice.api.good("DELETE", f"/drop/{three['id']}")
    bubble(page, "Three").wait_for(state="detached")
    page.get_by_role("button", name="What to do with this conversation").click()
    page.get_by_role("menuitem", name="Delete conversation").click()
    assert "also in the inbox" in dialog.inner_text()
    dialog.get_by_role("button", name="Delete for good").click()
    page.get_by_text("No conversations yet").wait_for()
    assert alice.api.ask("GET", "/drop?since=0").status == 204
    assert alice.api.good("GET", "/chat/conversations")["conversations"] == []


def test_what_could_not_be_sent(someone: Come, drop_server: str) -> None:
    """A message that failed says so, and can be sent again."""
    alice, bob = pair(someone, drop_server)
    [contact] = alice.api.good("GET", "/contacts")
    nowhere = {"drop_urls": [f"http://127.0.0.1:1/{'A' * 43}"]}
    alice.api.good("PATCH", f"/contacts/{contact['id']}", nowhere)
    page = talk(alice, "Bob")
    say(page, "Do you hear me?")
    bubble(page, "Do you hear me?").locator("[data-state=queued]").wait_for()
    # What waits for somebody who is no contact any more has failed.
    alice.api.good("DELETE", f"/contacts/{contact['id']}")
    page.get_by_text("so you cannot write here").wait_for()
    alice.knows(bob)
    page.get_by_label("Message: Bob").wait_for()
    bubble(page, "could not be sent").wait_for()
    bubble(page, "could not be sent").get_by_role("button", name="Send again").first.click()
    bubble(page, "Do you hear me?").locator("[data-state=acknowledged]").wait_for()
    assert alice.texts() == bob.texts() == ["Do you hear me?"]


def test_notes(someone: Come, drop_server: str) -> None:
    """Notes to oneself are a conversation, in which nothing is unread."""
    alice, _ = pair(someone, drop_server)
    page = alice.one.page()
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Notes to yourself")).click()
    page.get_by_label("Message: Notes to yourself").wait_for()
    say(page, "Buy milk")
    bubble(page, "Buy milk").wait_for()
    page.locator(".entry", has_text="Buy milk").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator(".message").count() == 1
    assert page.title() == QUIET


def test_several_identities(someone: Come, drop_server: str) -> None:
    """Who has several identities chooses which one writes, and sees it afterwards."""
    alice, bob = pair(someone, drop_server)
    other = alice.api.good("POST", "/identities", {"alias": "Work"})
    alice.api.good("POST", f"/contacts/import?identity={other['id']}", bob.card)
    page = alice.one.page()
    page.get_by_role("button", name="New", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Write as").select_option("Work")
    dialog.get_by_role("button", name=re.compile("Bob")).click()
    page.get_by_text("You write as Work").wait_for()
    say(page, "From work")
    page.locator(".entry .tag", has_text="Work").wait_for()
    page.get_by_label("Identity", exact=True).select_option("Alice")
    page.get_by_text("Nothing here.").wait_for()
