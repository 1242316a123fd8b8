"""Health, servers, settings, sessions and backups: what is shown is so, and is done."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Come, Someone
from tests.browser.scene import Api
from tests.integration.test_closed_groups import TOKEN, token_file
from tests.integration.test_dropserver import LISTEN
from tests.integration.test_dropserver import drop_server as drop_server_process


@pytest.fixture
def alice(someone: Come, drop_server: str) -> Iterator[Someone]:
    """Return somebody with an identity."""
    one = someone("alice")
    api = Api(one.port, one.data)
    api("POST", "/servers", {"url": drop_server})
    api("POST", "/identities", {"alias": "Alice"})
    return one


def at(one: Someone, view: str) -> Any:
    """Open the page at a view."""
    page = one.page()
    page.locator("nav.nav").wait_for()
    page.evaluate("view => { location.hash = '#/' + view }", view)
    return page


def setting(one: Someone, key: str) -> Any:
    """Return a setting of the daemon."""
    return json.loads(one.command("settings", "get", key, "--json"))


def test_all_is_well(alice: Someone, drop_server: str) -> None:
    """A server that works is said to, with how news comes, and the modules run."""
    page = at(alice, "health")
    page.get_by_text("All is well").wait_for()
    card = page.get_by_role("article", name=drop_server)
    card.get_by_text("It says at once when there is a message").wait_for()
    assert card.get_by_text("Preferred").is_visible()
    page.get_by_text("Runs", exact=True).wait_for()


def test_what_is_wrong(alice: Someone) -> None:
    """A dead server is named with what to do, the navigation counts it, and it can be removed."""
    dead = "http://127.0.0.1:9"
    alice.refused = {400}
    page = at(alice, "health")
    page.get_by_role("button", name="Add a server").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address of the server").fill("nonsense")
    dialog.get_by_role("button", name="Test and add").click()
    dialog.locator("#url-error", has_text=re.compile(r"\w")).wait_for()
    dialog.get_by_label("Address of the server").fill(dead)
    dialog.get_by_role("button", name="Test and add").click()
    dialog.get_by_text("It could not be made sure").wait_for()
    dialog.get_by_role("button", name="Add it anyway").click()
    card = page.get_by_role("article", name=dead)
    card.get_by_role("button", name="Prefer").click()
    card.get_by_text("Preferred").wait_for()
    # A new identity has its drop there.
    alice.command("identity", "new", "Work")
    page.get_by_role("heading", name="A drop server does not answer").wait_for(timeout=60_000)
    card.get_by_text("Does not answer").wait_for()
    page.get_by_role("link", name="Health 1 problem").wait_for()
    card.get_by_role("button", name="Pause").click()
    card.get_by_text("Paused", exact=True).wait_for()
    card.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    card.get_by_role("button", name="Remove").wait_for(state="detached")
    assert dead not in alice.command("server", "list")


def test_a_server_is_tested(alice: Someone, drop_server: str) -> None:
    """What was found is said in plain words."""
    page = at(alice, "health")
    card = page.get_by_role("article", name=drop_server)
    card.get_by_role("button", name="Test").click()
    card.get_by_text("This is a drop server, and it works.").wait_for()


def test_a_closed_group(alice: Someone, tmp_path: Path) -> None:
    """Its server is said to want a token, which is entered there, used, and removed."""
    file, token = token_file(tmp_path, TOKEN), TOKEN
    with drop_server_process(tmp_path, LISTEN, f"--group-token-file={file}") as server:
        url = f"http://127.0.0.1:{server.port('qabel-drop')}"
        alice.command("server", "add", url, "--force")
        alice.command("server", "prefer", url)
        alice.command("identity", "new", "Work")
        alice.refused = {400}
        page = at(alice, "health")
        page.get_by_role("heading", name="wants the token of its group").wait_for(timeout=60_000)
        card = page.get_by_role("article", name=url)
        card.get_by_role("button", name="Group token").click()
        dialog = page.get_by_role("dialog")
        field = dialog.get_by_label("Token of the group")
        field.fill("two words")
        field.press("Enter")
        dialog.locator("#auth-error", has_text=re.compile(r"\w")).wait_for()
        field.fill(token)
        field.press("Enter")
        card.get_by_text("Closed group", exact=True).wait_for()
        page.get_by_role("heading", name="token of its group").wait_for(state="detached")
        card.get_by_role("button", name="Test").click()
        card.get_by_text("This is a drop server, and it works.").wait_for()
        assert token not in page.content()
        card.get_by_role("button", name="Group token").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove the token").click()
        card.get_by_text("Closed group", exact=True).wait_for(state="detached")


def test_adding_the_server_of_a_group(alice: Someone, tmp_path: Path) -> None:
    """The token is given with the address, and what is wrong with it is said at it."""
    option = f"--group-token-file={token_file(tmp_path, TOKEN)}"
    with drop_server_process(tmp_path, LISTEN, option) as server:
        url = f"http://127.0.0.1:{server.port('qabel-drop')}"
        alice.refused = {400}
        page = at(alice, "health")
        page.get_by_role("button", name="Add a server").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Address of the server").fill(url)
        dialog.get_by_text("The server is for a closed group").click()
        dialog.get_by_label("Token of the group").fill("two words")
        dialog.get_by_role("button", name="Test and add").click()
        dialog.locator("#auth-error", has_text=re.compile(r"\w")).wait_for()
        dialog.get_by_label("Token of the group").fill(TOKEN)
        dialog.get_by_role("button", name="Test and add").click()
        # The page is not trusted with what is on this machine.
        dialog.get_by_text("It could not be made sure").wait_for()
        dialog.get_by_role("button", name="Add it anyway").click()
        card = page.get_by_role("article", name=url)
        card.get_by_text("Closed group", exact=True).wait_for()
        assert "it works" not in page.content()
        assert alice.command("server", "test", url)


def test_choices_are_kept(alice: Someone) -> None:
    """What is chosen is so in the daemon at once, and what the daemon has is shown."""
    page = at(alice, "settings/privacy")
    page.get_by_role("radio", name="Never").click()
    page.get_by_text("Saved.").wait_for()
    assert setting(alice, "privacy.introduce") == "never"
    alice.command("settings", "set", "privacy.acknowledge", "never")
    page.get_by_role("radio", name="To nobody", checked=True).wait_for()
    sharing = page.get_by_role("group", name="Share drops with others")
    assert sharing.get_by_role("radio", name="No", exact=False).first.is_checked()
    sharing.get_by_role("radio", name="Yes").click()
    sharing.get_by_text("Saved.").wait_for()
    assert setting(alice, "privacy.shared_drops") is True


def test_a_mistake_is_said_at_the_field(alice: Someone) -> None:
    """What the daemon has against a value stands below the field, and nothing is changed."""
    alice.refused = {400}
    page = at(alice, "settings/privacy")
    field = page.get_by_label("Address of the proxy")
    field.fill("http://proxy.example")
    field.press("Enter")
    page.locator("[id='privacy.proxy-saved'] .error").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "http://proxy.example"
    assert setting(alice, "privacy.proxy") is None
    field.fill("")
    delay = page.get_by_label("On average")
    delay.fill("a while")
    delay.press("Enter")
    page.locator("[id='privacy.acknowledge_delay-saved'] .error").wait_for()
    delay.fill("45")
    delay.press("Enter")
    page.get_by_text("Saved.").wait_for()
    assert setting(alice, "privacy.acknowledge_delay") == 45


def test_deleting_by_age_is_asked_for(alice: Someone) -> None:
    """Old messages are deleted only after a question, and never again when the field is empty."""
    page = at(alice, "settings/inbox")
    field = page.get_by_label("After")
    field.fill("30")
    field.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    assert setting(alice, "inbox.keep_days") is None
    field.press("Enter")
    dialog.get_by_role("button", name="Delete them").click()
    page.get_by_text("Saved.").wait_for()
    assert setting(alice, "inbox.keep_days") == 30
    field.fill("")
    field.press("Enter")
    page.get_by_text("Saved.").wait_for()
    assert setting(alice, "inbox.keep_days") is None


def test_look_and_language(alice: Someone) -> None:
    """Both are kept in the browser, and count at once and after a reload."""
    page = at(alice, "settings/look")
    page.get_by_role("radio", name="Dark").click()
    page.get_by_role("radio", name="Deutsch").click()
    page.get_by_role("heading", name="Aussehen und Sprache").wait_for()
    page.reload()
    page.get_by_role("heading", name="Aussehen und Sprache").wait_for()
    look = "() => [document.documentElement.lang, getComputedStyle(document.body).backgroundColor]"
    assert page.evaluate(look) == ["de", "rgb(18, 23, 22)"]
    page.get_by_role("radio", name="Wie der Browser").click()
    page.get_by_role("heading", name="Look and language").wait_for()


def test_sessions(alice: Someone) -> None:
    """A browser sees itself and others, revokes another, and logs out by revoking itself."""
    alice.refused = {401}
    other = at(alice, "chat")
    page = at(alice, "settings/sessions")
    browsers = page.get_by_role("list", name="Browsers that are logged in")
    browsers.get_by_role("listitem").nth(1).wait_for()
    assert browsers.get_by_role("listitem").count() == 2
    assert browsers.get_by_role("listitem").first.get_by_text("This browser").is_visible()
    browsers.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    other.get_by_role("heading", name="This session has ended").wait_for(timeout=5_000)
    browsers.get_by_role("listitem").nth(1).wait_for(state="detached")
    browsers.get_by_role("button", name="Log out").click()
    page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="This session has ended").wait_for()
    assert Api(alice.port, alice.data)("GET", "/tokens") == []


def test_a_backup(alice: Someone) -> None:
    """It is made, its place and that of its key are said, and the key is not."""
    page = at(alice, "settings/backup")
    page.get_by_role("button", name="Make a backup now").click()
    page.get_by_text("The backup is made.").wait_for()
    path = page.locator("dd code").first.inner_text()
    assert Path(path).is_file()
    assert str(alice.data / "database-key") in page.locator("main").inner_text()
    key = (alice.data / "database-key").read_bytes()
    assert key.hex() not in page.content()
    assert key.decode("latin-1").strip() not in page.content()
