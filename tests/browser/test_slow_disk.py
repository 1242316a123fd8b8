"""A disk that takes long for everything: the page stays with whoever writes, and loses nothing."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.browser.conftest import Come, Someone
from tests.browser.people import bubble, pair, say, talk
from tests.browser.test_interruptions import WRITE_LOCK

BUSY, FREE = 0.8, 0.15
"""Seconds for which nothing can be written, and between them."""

AT_ONCE = 3000
"""Milliseconds: less than three texts take on this disk."""


@contextmanager
def slow_disk(one: Someone) -> Iterator[None]:
    """Have a daemon wait for each commit: the database is held most of the time."""
    over = threading.Event()

    def hold() -> None:
        with (one.data / "qabel.db-shm").open("r+b") as file:
            while not over.is_set():
                fcntl.lockf(file, fcntl.LOCK_EX, 1, WRITE_LOCK, os.SEEK_SET)
                over.wait(BUSY)
                fcntl.lockf(file, fcntl.LOCK_UN, 1, WRITE_LOCK, os.SEEK_SET)
                over.wait(FREE)

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield
    finally:
        over.set()
        holding.join()


def test_a_slow_disk(someone: Come, drop_server: str) -> None:
    """Texts appear at once, as on their way; each arrives once, in order, with what is typed on."""
    alice, bob = pair(someone, drop_server)
    page = talk(alice, "Bob")
    texts = ["One", "Two", "Three", "Four", "Five"]
    with slow_disk(alice.one):
        for text in texts:
            say(page, text)
            bubble(page, text).wait_for(timeout=AT_ONCE)
        assert bubble(page, "Five").locator("[data-state=sending]").count() == 1
        page.locator("#message").press_sequentially("What comes next")
        page.evaluate("() => { location.hash = '#/people' }")
        page.get_by_text("1 person", exact=True).wait_for()
        page.go_back()
        bubble(page, "Five").locator("[data-state=acknowledged]").wait_for()
    assert alice.texts() == bob.texts() == texts
    assert page.locator(".message").count() == len(texts)
    assert page.locator("#message").input_value() == "What comes next"
