"""The ids of conversations and messages, and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.core.errors import NotFound
from qabel.forms.errors import InvalidInput
from qabel.modules.chat.numbers import (
    ChatCursor,
    CursorForm,
    ListCursor,
    conversation_id,
    id_of_received,
    id_of_received_text,
    id_of_sent,
    no_conversation,
)

NUMBERS = st.integers(0, 10**18 - 1)


def test_conversations() -> None:
    """The id follows from the two keys, each in its part."""
    me, other = b"\x01" * 32, b"\x02" * 32
    assert conversation_id(me, other) == conversation_id(me, other)
    assert conversation_id(me, other) != conversation_id(other, me)
    assert conversation_id(me, other).hex() == "48545a1e80028368c0a4cf8f38d0985b"
    assert isinstance(no_conversation(), NotFound)


@given(received=st.integers(0, 2**40), sent=st.integers(0, 2**40), number=st.integers(0, 999))
def test_messages(received: int, sent: int, number: int) -> None:
    """What was received has other ids than what was sent, and each recipient's has its own."""
    assert id_of_received(received) != id_of_sent(sent, number)
    assert id_of_sent(sent, number) // 2 == sent * 1024 + number
    assert id_of_received_text(received) not in (id_of_sent(sent, number), id_of_received(sent))
    assert id_of_received_text(received) % 2 == 1


@given(NUMBERS, NUMBERS)
def test_cursors(one: int, two: int) -> None:
    """What was returned is read back."""
    for text in (str(ChatCursor(one, two)), str(ListCursor(one, two))):
        assert CursorForm().read_text(text) == (one, two)
        assert CursorForm().write((one, two)) == text


@pytest.mark.parametrize("text", ["", "1", "1-", "-1-2", "1-2-3", "a-b", "1" * 19 + "-0", "1-2\n"])
def test_what_is_no_cursor(text: object) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidInput):
        CursorForm().read(text)
