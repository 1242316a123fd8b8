"""What a message says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.modules.chat.payload import BOX_MESSAGE, SHARE, ChatText, read_payload, write_payload


@given(st.text(), st.none() | st.tuples(st.text(), st.integers(-(2**63) + 1, 2**63 - 1)))
def test_what_is_written_is_read(text: str, reply: tuple[str, int] | None) -> None:
    """A message that is sent says the same on the other side."""
    said = ChatText(text, *(reply or (None, None)))
    assert read_payload(BOX_MESSAGE, write_payload(said)) == said


@pytest.mark.parametrize(
    "reply",
    [
        5,
        [],
        {},
        {"sender": "a"},
        {"sender": 5, "time_stamp": 5},
        {"sender": "a", "time_stamp": True},
    ],
)
def test_what_is_no_reply(reply: Any) -> None:
    """The text counts, whatever it is said to be a reply to."""
    assert read_payload(BOX_MESSAGE, {"msg": "x", "reply_to": reply}) == ChatText("x")


def test_what_has_no_text() -> None:
    """A message without text is one; of other kinds nothing is shown."""
    assert read_payload(BOX_MESSAGE, {}) == ChatText("")
    assert read_payload(SHARE, {"url": "x"}) is None
    assert read_payload("poll", {"msg": None}) is None


def test_texts_are_secret() -> None:
    """What was written is in no representation."""
    assert "secret" not in repr(ChatText("secret"))
