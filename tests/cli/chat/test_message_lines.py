"""Messages as lines: with names, states, days and quotes, and harmless."""

from typing import Any

import pytest

from qabel.cli.chat.message_lines import (
    Line,
    MessageLines,
    SideNames,
    state_of,
    text_of_message,
    window,
)
from qabel.cli.chat.timeline import PendingText

DAY = 24 * 3600 * 1000
NOON = 1_800_014_400_000
NAMES = SideNames("Alice", "Bob")


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def message(number: int = 1, **more: Any) -> dict[str, Any]:
    """Return a message of the other side."""
    return {
        "id": number, "cursor": f"{number}-0", "direction": "in", "sent": NOON, "received": NOON,
        "state": None, "text": "Hello", "reply_to": None, "attachment": None, "incomplete": False,
        "odd_time": False, **more,
    }  # fmt: skip


def shown(*messages: dict[str, Any], columns: int = 40, pending: Any = ()) -> list[str]:
    """Return the lines of messages, oldest first, as plain text."""
    blocks = list(MessageLines(NAMES).newest_first(messages, pending, columns))
    return [plain(line) for block in reversed(blocks) for line in block]


def plain(line: Line) -> str:
    """Return the text of a line."""
    return "".join(text for _, text in line)


def test_both_sides() -> None:
    """Each message has its time and its sender, an own one its state, and each day its date."""
    own = message(2, direction="out", state="acknowledged", text="Hi")
    later = message(3, sent=NOON + DAY)
    assert shown(message(), own, later) == [
        "-- 2027-01-15 --",
        "12:00 Bob: Hello",
        "12:00 Alice: Hi [acknowledged]",
        "-- 2027-01-16 --",
        "12:00 Bob: Hello",
    ]


def test_long_texts() -> None:
    """Further lines are indented, so that they cannot pass for another message."""
    text = "one two three four five six\n12:00 Alice: forged"
    assert shown(message(text=text), columns=24)[1:] == [
        "12:00 Bob: one two three",
        "      four five six",
        "      12:00 Alice:",
        "      forged",
    ]


def test_a_state_that_does_not_fit() -> None:
    """It is in a line of its own."""
    own = message(direction="out", state="failed", reason="The server refused.", text="x" * 20)
    assert shown(own, columns=34)[2:] == ["      [failed: The server refused]"]
    assert state_of(own) == "[failed: The server refused]"


def test_a_reply() -> None:
    """The beginning of the message that it answers is above it, if that is loaded."""
    first = message(text="What\nelse?")
    reply = message(2, direction="out", state="sent", text="Nothing", reply_to=1)
    assert shown(first, reply)[-2:] == ["      > What", "12:00 Alice: Nothing [sent]"]
    assert shown(reply)[-1:] == ["12:00 Alice: Nothing [sent]"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"text": "a\x1b[2J\u202eb\tc"}, r"a\x1b[2J\u202eb\tc"),
        ({"attachment": {"name": "a\x1b", "size": 2048}, "text": ""}, r"[file a\x1b, 2.0 KiB]"),
        ({"attachment": {}, "text": "See"}, "See\n[file without a name]"),
        ({"incomplete": True}, "Hello\n[a part is missing]"),
    ],
)
def test_what_else_a_message_has(more: dict[str, Any], text: str) -> None:
    """Files and missing parts are named, and nothing of it is harmful."""
    assert text_of_message(message(**more)) == text


def test_an_odd_time() -> None:
    """The message has the time when it arrived, and says what its sender says."""
    odd = message(odd_time=True, sent=0, received=NOON)
    assert shown(odd, columns=60)[1:] == ["12:00 Bob: Hello [sent 1970-01-01 00:00:00]"]


def test_what_was_entered() -> None:
    """It is below the messages, with why the daemon did not take it."""
    pending = [PendingText("a", "k", "0-0"), PendingText("b", "l", "0-0", "Too long.")]
    assert shown(message(), pending=pending)[2:] == [
        "      Alice: a [sending]",
        "      Alice: b [not sent: Too long]",
    ]


def test_lines_are_made_anew_when_a_message_changes() -> None:
    """What is kept of the lines is that of the same state and width."""
    rows = MessageLines(NAMES)
    own = message(direction="out", state="sent")
    for state in ("sent", "acknowledged"):
        [block] = rows.newest_first([{**own, "state": state}], (), 40)
        assert f"[{state}]" in plain(block[-1])


def test_names_are_cut_and_harmless() -> None:
    """A long name leaves space for the text."""
    names = SideNames("x", "very " * 20 + "\x1b")
    assert names.of(message()) == "very very very very ver…"


BLOCKS = [[[("", "a")], [("", "b")]], [[("", "c")]], [[("", "d")]]]


@pytest.mark.parametrize(
    ("height", "offset", "seen", "scrolled"),
    [(2, 0, "cd", 0), (2, 1, "bc", 1), (2, 9, "ab", 2), (9, 3, "abcd", 0), (3, 0, "bcd", 0)],
)
def test_window(height: int, offset: int, seen: str, scrolled: int) -> None:
    """It has the last lines that fit, or those above them, but never less than fits."""
    lines, actual = window(iter(reversed(BLOCKS)), height, offset)
    assert ("".join(map(plain, lines)), actual) == (seen, scrolled)
