"""The files of the console."""

import re

from qabel.console.pages import PLACE, load_pages
from tests.console.test_static import DOCS


def test_what_the_page_names_is_there() -> None:
    """Each file that is named in another one is served, and nothing comes from elsewhere."""
    pages = {each.path: each.reply.body.decode() for each in load_pages()}
    # The colours, which it shares with the page for programmers.
    pages |= {"/docs/colours.css": (DOCS / "colours.css").read_text()}
    assert "/" in pages
    named = set(re.findall(r'(?:src|href)="([^"]*)"', pages["/"]))
    assert named
    for path in named:
        assert path in pages, path
    for path, content in pages.items():
        if path.endswith(".js"):
            for each in re.findall(r'(?:from|import)\s*\(?\s*"([^"]+)"', content):
                folder = path.rpartition("/")[0]
                while each.startswith("../"):
                    each, folder = each[3:], folder.rpartition("/")[0]  # noqa: PLW2901
                assert f"{folder}/{each.removeprefix('./')}" in pages, (path, each)


def test_scripts_stand_in_files() -> None:
    """The policy of the page forbids all others, and styles in attributes."""
    page = next(each for each in load_pages() if each.path == "/")
    policy = dict(page.reply.headers)[b"Content-Security-Policy"]
    assert b"unsafe" not in policy
    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|\bstyle=", page.reply.body.decode()
    )
    assert page.path == "/"
    assert all(each.path == "/" or each.path.startswith(f"{PLACE}/") for each in load_pages())
