"""The page for people in a real browser: for how long it is busy at a time with long lists."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.measure import Row
from tests.browser.conftest import CHROMIUM, Someone, launch
from tests.browser.crowd import Crowd, wheel
from tests.browser.people import Person, bubble
from tests.integration.daemons import serving_drops

LIMIT = 50.0
"""Milliseconds that a task of the browser may take: longer ones are noticed."""

TRIES = 5
"""Other programs hold up the browser, too: what the page does itself is in the best try."""

TASKS = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.tasks.push(each.duration);
}).observe({ type: "longtask", buffered: true });
"""
"""Notes tasks of more than 50 ms; the browser tells of no shorter ones."""

BUSY = """() => new Promise((done) => setTimeout(() => {
  for (const end = performance.now() + 150; performance.now() < end;);
  setTimeout(done, 200);
}))"""


def run(*, small: bool) -> Iterator[Row]:
    """Open and scroll the lists of somebody who knows many, and has heard a lot."""
    if CHROMIUM is None:
        print("page is left out: chromium is not installed", file=sys.stderr)
        return
    crowd = Crowd(50, 500) if small else Crowd()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        with serving_drops(folder / "drops") as drops:
            browser = launch(driver)
            one = Someone(folder / "alice", browser.new_context(locale="en"))
            one.starts()
            try:
                yield from _rows(Person("Alice", one), crowd, drops)
            finally:
                one.dies()
                browser.close()


def _rows(alice: Person, crowd: Crowd, drops: str) -> Iterator[Row]:
    alice.begins(drops)
    crowd.meet(alice)
    crowd.speak(alice)
    alice.one.context.add_init_script(TASKS)
    page = alice.one.page()
    page.locator(".entry").first.wait_for()
    page.evaluate(BUSY)
    assert max(page.evaluate("window.tasks")) > LIMIT, "long tasks are not noticed"

    def row(what: str, work: Callable[[], object]) -> Row:
        longest = _longest_task(page, work)
        detail = f"{longest:.0f} ms" if longest else f"below {LIMIT:.0f} ms"
        return Row(what, f"{LIMIT:.0f} ms", longest / LIMIT, "<= 1", detail)

    def reload() -> None:
        page.reload()
        page.locator(".entry").first.wait_for()

    yield row(f"longest task: opening a list of {crowd.people} conversations", reload)
    yield row("the same: scrolling it", lambda: wheel(page, ".long-list", 3000, 30))
    page.locator(".long-list").evaluate("each => { each.scrollTop = 0 }")
    page.locator(".entry").first.click()
    bubble(page, "Message 0").wait_for()
    yield row(
        f"the same: scrolling {crowd.messages} messages", lambda: wheel(page, ".history", 1500, 60)
    )

    def visit_people() -> None:
        page.get_by_role("link", name="Health").click()
        page.get_by_role("heading", name="Health").wait_for()
        page.get_by_role("link", name="People").click()
        page.get_by_text(f"{crowd.people} people").wait_for()
        for distance in [4000] * 34 + [-16000] * 9:
            page.mouse.wheel(0, distance)
            page.wait_for_timeout(16)

    yield row(f"the same: opening and scrolling a list of {crowd.people} people", visit_people)


def _longest_task(page: Any, work: Callable[[], object]) -> float:
    """Return how long the longest task took in the best try, in ms; 0 if none was long."""
    best = float("inf")
    for _ in range(TRIES):
        page.evaluate("() => { window.tasks = [] }")
        work()
        best = min(best, max(page.evaluate("window.tasks"), default=0.0))
        if best <= LIMIT:
            break
    return best
