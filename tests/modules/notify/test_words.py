"""What notices say."""

import pytest

from qabel.modules.notify.prepare import Notice
from qabel.modules.notify.words import LONGEST, Words, words_of, words_of_many

ONE = Notice("0a", 1, is_new=True, name="Bob\u202e", text="Hello\n there\x1b[1m")
TWO = Notice("0b", 2, is_new=True, name="Eve", text="x" * 999)


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("nothing", Words("New message", "")),
        ("sender", Words("Bob", "New message")),
        ("text", Words("Bob", "Hello there [1m")),
    ],
)
def test_no_more_than_may_be_shown(show: str, expected: Words) -> None:
    """The text is there only if it may be, in one line of what prints."""
    assert words_of(ONE, show) == expected


def test_long_and_empty_texts() -> None:
    """A long text is cut; where there is none, the number of messages is said."""
    assert len(words_of(TWO, "text").body) == LONGEST
    assert words_of(Notice("0c", 3, is_new=True, name="Al"), "text") == Words(
        "Al", "3 new messages"
    )


def test_several_conversations() -> None:
    """Together they have numbers only."""
    assert words_of_many([ONE, TWO]) == Words("3 new messages", "In 2 conversations")


def test_secrets_are_not_in_reprs() -> None:
    """Neither name nor text is in what a log may show."""
    assert "Eve" not in repr(TWO)
    assert "xxx" not in repr(TWO)
