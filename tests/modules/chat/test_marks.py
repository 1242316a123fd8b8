"""What users do with conversations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.chat import marks, queries
from qabel.modules.chat.numbers import conversation_id
from qabel.modules.chat.queries import Conversation
from tests.modules.chat.journals import FRIEND, ME, ChatDesk, Rows, chat_desk

NUMBER = conversation_id(ME, FRIEND)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ChatDesk]:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def found(desk: ChatDesk) -> Conversation | None:
    """Return the conversation."""
    return result_of(Deferred.fromCoroutine(queries.find(Rows(desk), NUMBER)))


def conversation(desk: ChatDesk) -> Conversation:
    """Return the conversation, which must be there."""
    there = found(desk)
    assert there is not None
    return there


def test_each_change_moves_the_clock(desk: ChatDesk) -> None:
    """Opened, marked, read and forgotten: a conversation has changed each time."""
    desk.change(marks.open_conversation(NUMBER, ME, FRIEND))
    first = conversation(desk)
    desk.change(marks.mark(first, {"muted": True}))
    second = conversation(desk)
    assert (second.muted, second.changed > first.changed) == (1, True)
    heard = desk.hear("Hello")
    third = conversation(desk)
    assert (third.unread, third.changed > second.changed) == (1, True)
    desk.change(marks.mark_read(third, heard))
    assert (conversation(desk).unread, conversation(desk).muted) == (0, 1)
    assert desk.told()[-1][0] == "chat.unread"
    desk.forget(heard)
    desk.change(marks.forget(third))
    assert found(desk) is None


def test_a_mark_that_does_not_exist(desk: ChatDesk) -> None:
    """Only known columns are written."""
    desk.hear("Hello")
    with pytest.raises(ValueError, match="no mark identity"):
        marks.mark(conversation(desk), {"identity": b""})


def test_ignoring_outlasts_deleting(desk: ChatDesk) -> None:
    """Who is ignored stays ignored when the messages are deleted."""
    heard = desk.hear("Hello")
    desk.change(marks.mark(conversation(desk), {"ignored": 1, "draft": "No"}))
    desk.forget(heard)
    desk.hear("Again")
    desk.change(marks.forget(conversation(desk)))
    assert (conversation(desk).ignored, conversation(desk).draft) == (1, None)
