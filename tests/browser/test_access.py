"""Everybody can use the page: no view breaks a rule of axe-core, and the keyboard is enough."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Come, Someone
from tests.browser.scene import VIEWS, conversation_of, set_up
from tests.integration.processes import ROOT

AXE = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"

needs_axe = pytest.mark.skipif(not AXE.exists(), reason="npm ci was not run in tests/browser")


@pytest.fixture
def alice(someone: Come, drop_server: str) -> Iterator[Someone]:
    """Return somebody with people and messages."""
    one, other = someone("alice"), someone("others")
    set_up(one, other, drop_server)
    return one


def show(page: Any, view: str) -> None:
    """Go to a view, and wait until it is there."""
    page.evaluate("view => { location.hash = '#/' + view }", view)
    page.locator("main :is(h1, h2, input, textarea):visible").first.wait_for()
    # What is loaded after that changes the page once more.
    page.wait_for_timeout(250)


def violations(page: Any) -> list[str]:
    """Return what axe-core has to say against what is shown."""
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def all_views(one: Someone) -> tuple[str, ...]:
    """Return the addresses of all views, with a conversation."""
    return (*VIEWS, f"chat/{conversation_of(one, 'Ben Okafor')}")


@needs_axe
def test_axe_finds_nothing(alice: Someone) -> None:
    """No view breaks a rule, neither in the light nor in the dark."""
    page = alice.page()
    page.locator("nav.nav").wait_for()
    # The policy of the page does not count for what the debugger evaluates.
    debugger = alice.context.new_cdp_session(page)
    debugger.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            for view in all_views(alice):
                show(page, view)
                found[scheme, width, view] = violations(page)
    assert {key: each for key, each in found.items() if each} == {}


@needs_axe
def test_axe_finds_nothing_from_outside(alice: Someone) -> None:
    """What somebody sees without a session is sound too, as are dialogues."""
    page = alice.page()
    debugger = alice.context.new_cdp_session(page)
    debugger.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    show(page, "health")
    page.get_by_role("button", name="Add a server").click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="This session has ended").wait_for()
    assert violations(page) == []


def test_nothing_is_cut_off_when_it_is_enlarged(alice: Someone) -> None:
    """At 200 % on a small window, and at 360 pixels, one scrolls in one direction only."""
    page = alice.page()
    page.locator("nav.nav").wait_for()
    wide = {}
    for width in (360, 512, 640):
        page.set_viewport_size({"width": width, "height": 480})
        for view in all_views(alice):
            show(page, view)
            wide[width, view] = page.evaluate(
                "() => document.documentElement.scrollWidth - window.innerWidth"
            )
    assert {key: each for key, each in wide.items() if each > 0} == {}


def test_what_is_chosen_is_seen_with_forced_colours(alice: Someone) -> None:
    """Where the system sets the colours, the present view is marked by more than a background."""
    page = alice.page()
    page.emulate_media(forced_colors="active")
    show(page, "settings/privacy")
    for where in ("nav.nav a", ".sections a"):
        here = page.locator(f"{where}[aria-current]")
        style = here.evaluate("element => getComputedStyle(element).outlineStyle")
        assert style == "solid", where


def test_the_keyboard_is_enough(alice: Someone) -> None:
    """A setting is found, changed and kept without a mouse, and a dialogue gives the focus back."""
    page = alice.page()
    page.locator("nav.nav").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    press_until(page, "Tab", "Settings")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Privacy").wait_for()
    radio = page.get_by_role("radio", name="Always")
    page.get_by_role("radio", name="Until they answer").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text("Saved.").wait_for()
    assert radio.is_checked()
    assert "always" in alice.command("settings", "get", "privacy.introduce")
    show(page, "health")
    add = page.get_by_role("button", name="Add a server")
    add.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        # Between the last and the first, browsers leave the page for their own controls.
        outside = page.evaluate("() => !document.activeElement.closest('dialog')?.open")
        assert not outside or page.evaluate("() => document.activeElement === document.body")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert add.evaluate("element => element === document.activeElement")


def press_until(page: Any, key: str, name: str) -> None:
    """Press a key until something with a name has the focus."""
    for _ in range(40):
        page.keyboard.press(key)
        text = page.evaluate("() => document.activeElement.textContent.trim()")
        if text.startswith(name):
            return
    raise AssertionError(f"{name} never had the focus")


def test_the_skip_link(alice: Someone) -> None:
    """The first thing that the keyboard finds leads past the navigation."""
    page = alice.page()
    page.locator("nav.nav").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_all_views_one_after_another(alice: Someone) -> None:
    """All views can be opened one after another, and back again."""
    page = alice.page()
    page.locator("nav.nav").wait_for()
    for view in all_views(alice):
        show(page, view)
    page.go_back()
    page.wait_for_url("**/#/settings/about")
    assert alice.said == []
