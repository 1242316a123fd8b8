"""Pictures of every view: ``python -m tests.browser.pictures FOLDER`` (``make screenshots``)."""

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, Someone, launch, moved
from tests.browser.scene import TALKS, VIEWS, conversation_of, set_up
from tests.integration.daemons import serving_drops

WIDTHS = (360, 800, 1280)
AGO = 16 * 3600
"""Seconds since the first message."""

MESSAGES = sum(map(len, TALKS.values()))

SCHEMES = ("light", "dark")


def take(folder: Path, only: str = "") -> None:
    """Take the pictures whose names have a text in them."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serving_drops(place))
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        clock = place / "clock"
        # The talks began yesterday evening.
        clock.write_text(f"{-AGO}")
        people = [
            Someone(place / name, browser.new_context(locale="en"), environment=moved(clock))
            for name in ("a", "b")
        ]
        for each in people:
            each.starts()
            stack.callback(each.dies)
        alice, others = people
        times = iter(range(-AGO, 0, AGO // MESSAGES))

        def wait() -> None:
            clock.write_text(f"{next(times)}")

        set_up(alice, others, server, wait)
        clock.write_text("0")
        # It has seen its clock being moved, and would say so.
        alice.dies()
        alice.starts()
        page = alice.page()
        page.locator("nav.nav").wait_for()
        views = (*VIEWS, f"chat/{conversation_of(alice, 'Ben Okafor')}")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for view in views:
                for width in WIDTHS:
                    title = "conversation" if view.startswith("chat/") else view
                    name = f"{title.replace('/', '-')}-{scheme}-{width}.png"
                    if only in name:
                        page.set_viewport_size({"width": width, "height": 800})
                        _show(page, view)
                        page.screenshot(path=folder / name)


def _show(page: Any, view: str) -> None:
    """Show a view, and give it the time to load what it shows."""
    page.evaluate("view => { location.hash = '#/' + view }", view)
    page.wait_for_timeout(400)


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("chromium is not installed")
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m tests.browser.pictures FOLDER [PART-OF-A-NAME]")
    take(Path(sys.argv[1]), *sys.argv[2:])
