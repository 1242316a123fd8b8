"""``qabel search`` shows where the words are, and never anything harmful."""

import io
from pathlib import Path
from typing import Any

import pytest

from qabel.cli.chat.search import marked, print_hit
from qabel.cli.output import Output
from tests.cli.chat.prepared_daemon import HERE, chat_message
from tests.cli.conftest import CommandResult, QabelCommand
from tests.cli.prepared_server import json_response, prepared_server


def hit(number: int, text: str = "the milk", **more: Any) -> dict[str, Any]:
    """Return a message that was found."""
    return {**chat_message(number, text=text), "context": text, "places": [[4, 8]], **more}


def searched(folder: Path, hits: list[dict[str, Any]], *words: str) -> tuple[CommandResult, str]:
    """Search with a daemon that finds some messages; return what is printed, and asked."""

    def respond(target: str) -> bytes:
        if target.startswith("/chat/search"):
            after = 0 if "before=" not in target else 100
            return json_response({"hits": hits[after : after + 100], "cursor": "1-0"})
        if target.startswith("/chat/conversations"):
            return json_response({"conversations": [{"id": HERE.id, "alias": "Bob"}]})
        return json_response([{"id": 5, "alias": "Bob", "public_key": "ab" * 32, "identity_id": 1}])

    with prepared_server(folder / "rest.sock", respond) as server:
        result = QabelCommand(folder)("search", *words)
    return result, next((each for each in server.targets if "search" in each), "")


def test_what_is_printed(tmp_path: Path) -> None:
    """Each message is a line: when, from or to whom, and the text."""
    result, target = searched(tmp_path, [hit(2), hit(1, "to you\nagain", direction="out")], "milk")
    assert [line[21:] for line in result.out.splitlines()] == [
        "from Bob: the milk",
        r"to Bob: to you\nagain",
    ]
    assert target == "/chat/search?limit=20&q=milk"


def test_what_is_asked_for(tmp_path: Path) -> None:
    """Words are joined, people are named by their ids."""
    result, target = searched(tmp_path, [], "new", "milk", "--contact", "Bob", "-n", "7")
    assert target == "/chat/search?limit=7&q=new%20milk&contact=5"
    assert (result.exit_status, result.out, result.err) == (0, "", "No messages found\n")


def test_pages(tmp_path: Path) -> None:
    """Many hits come in pages."""
    result, _ = searched(tmp_path, [hit(each) for each in range(150)], "milk", "-n", "1000")
    assert len(result.out.splitlines()) == 150


def test_json(tmp_path: Path) -> None:
    """For programs, hits are as the daemon returns them."""
    result, _ = searched(tmp_path, [hit(2)], "milk", "--json")
    assert result.values == [hit(2)]


@pytest.mark.parametrize(
    ("places", "shown"),
    [
        ([(0, 1)], "[a]\\x1b b"),
        ([(0, 1), (3, 4)], "[a]\\x1b [b]"),
        ([(3, 4), (0, 1), (2, 99)], "a\\x1b [b]"),
        ([], "a\\x1b b"),
    ],
)
def test_places(places: list[tuple[int, int]], shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is emphasized where it is, although what is around it is escaped."""
    out = Output(out=io.StringIO(), err=io.StringIO())
    monkeypatch.setattr(Output, "styled", lambda _, text, style: f"[{text}]" if style else text)
    assert marked(out, "a\x1b b", places) == shown


def test_a_long_name() -> None:
    """It is cut off."""
    out = Output(out=io.StringIO(), err=io.StringIO())
    print_hit(out, hit(1), "x" * 100)
    assert f"from {'x' * 29}…: the milk" in out.out.getvalue()  # type: ignore[attr-defined]
