"""What the tables of chat have."""

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred

from qabel.core.errors import NotFound
from qabel.deferreds import result_of
from qabel.modules.chat import origins, queries
from qabel.modules.chat.numbers import ChatCursor, conversation_id, id_of_received
from tests.modules.chat.journals import FRIEND, ME, STRANGER, ChatDesk, Rows, chat_desk

T = TypeVar("T")
NUMBER = conversation_id(ME, FRIEND)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ChatDesk]:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def of(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a query."""
    return result_of(Deferred.fromCoroutine(work))


def test_more_than_one_statement_takes(desk: ChatDesk) -> None:
    """All messages of a long conversation come, each once, oldest first."""
    for number in range(queries._AT_ONCE + 3):
        desk.hear(str(number))
    desk.settle()

    async def every() -> list[str]:
        pages = queries.all_pages(Rows(desk), NUMBER)
        return [each.view.text async for some in pages for each in some]

    assert of(every()) == [str(number) for number in range(queries._AT_ONCE + 3)]


def test_between_two_cursors(desk: ChatDesk) -> None:
    """A page may be bounded on both sides; it is the newest part then."""
    places = [ChatCursor(desk.hear(str(number))) for number in range(6)]
    page = queries.page(Rows(desk), NUMBER, 2, before=places[5], after=places[1])
    assert [each.view.text for each in of(page)] == ["4", "3"]


def test_introductions(desk: ChatDesk) -> None:
    """The newest introduction of a conversation counts."""
    desk.hear("one", STRANGER, meta_data=b'{"alias":"Old"}')
    newest = desk.hear("two", STRANGER, meta_data=b'{"alias":"New"}')
    desk.hear("three", STRANGER)
    desk.hear("four")
    stranger = conversation_id(ME, STRANGER)
    found = of(queries.introductions(Rows(desk), [stranger, NUMBER]))
    assert found == {stranger: (newest, "New")}
    assert of(queries.introductions(Rows(desk), [])) == {}


def test_what_is_not_there(desk: ChatDesk) -> None:
    """Messages and conversations that do not exist are errors, or left out of lists."""
    heard = id_of_received(desk.hear("Hello"))
    assert [each.view.id for each in of(queries.messages(Rows(desk), [heard, 999]))] == [heard]
    for work in (
        queries.message(Rows(desk), 999),
        queries.conversation(Rows(desk), bytes(16)),
        origins.sent_data(Rows(desk), [999]),
        origins.sent_as(Rows(desk), [999], NUMBER, FRIEND),
    ):
        with pytest.raises(NotFound):
            of(work)


def test_a_message_before_chat_has_seen_it(desk: ChatDesk) -> None:
    """What was just sent looks as it does once chat has it."""
    sent = desk.say("Hello")
    just = of(origins.sent_as(Rows(desk), [sent], NUMBER, FRIEND))
    assert just == of(queries.page(Rows(desk), NUMBER, 1, before=None, after=None))[0]


def test_unread(desk: ChatDesk) -> None:
    """Only conversations with unread messages are counted."""
    desk.say("Hello")
    assert of(queries.unread(Rows(desk))) == []
    desk.hear("Hello")
    assert of(queries.unread(Rows(desk))) == [(NUMBER, ME, FRIEND, 1, 1)]
    assert of(queries.clock(Rows(desk))).changed == 2
