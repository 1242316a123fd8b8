"""What a drop server says of itself at ``/``, to people and to programs."""

import json
from typing import Any

import pytest
import pytest_twisted

from qabel.dropserver.front_page import HTML, JSON, front_page
from qabel.dropserver.message_values import DAY, Retention


def page(**retention: Any) -> str:
    """Return the page for people."""
    return front_page(Retention(**retention), "text/html")[0].decode()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", HTML),
    ],
)
def test_browsers_get_a_page(accept: str, kind: bytes) -> None:
    """Who asks for HTML gets a page, everybody else JSON."""
    assert front_page(Retention(), accept)[1] == kind


def test_the_page_says_how_long_messages_are_kept() -> None:
    """In days, whether it is one, several, or a part of one."""
    texts = [page(lifetime=days * DAY) for days in (1, 7, 0.5)]
    found = [text.partition("deleted after ")[2].partition(".")[0] for text in texts[:2]]
    assert found == ["one day", "7 days"]
    assert "deleted after 0.5 days." in texts[2]


def test_it_says_whether_people_share_drops() -> None:
    """To people in words, with what that means; to programs as a number."""
    assert "whose names only they know" in page()
    shared = page(drop_id_bits=16)
    assert "only they know" not in shared
    assert "have 16 random bits" in shared
    assert "strangers, who can guess the names" in shared
    assert json.loads(front_page(Retention(drop_id_bits=16), "")[0])["drop_id_bits"] == 16


def test_the_page_of_a_closed_group() -> None:
    """People are told that they need a token; programs get the same as everywhere."""
    kept = Retention()
    texts = [front_page(kept, "text/html", is_closed=each)[0] for each in (True, False)]
    assert [b"closed group" in text for text in texts] == [True, False]
    assert front_page(kept, "", is_closed=True) == front_page(kept, "")


@pytest_twisted.ensureDeferred
async def test_over_http(running: Any) -> None:
    """It is there for GET and HEAD, with headers that keep the page from loading anything."""
    retention = Retention(lifetime=3 * DAY)
    async with running(retention=retention) as server:
        program = await server.ask("GET", "/")
        browser = await server.ask("GET", "/", {"Accept": "text/html"})
        head = await server.ask("HEAD", "/")
        post = await server.ask("POST", "/", body=b"x")
    assert json.loads(program.body) == {
        "drop_id_bits": 256,
        "lifetime": 3 * DAY,
        "max_size": 2573,
    }
    assert (program.headers["Vary"], browser.headers["Vary"]) == ("Accept", "Accept")
    assert b"3 days" in browser.body
    assert browser.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(program.body)))
    assert post.status == 404
