"""Which messages of the inbox and the outbox there are for what conversations show."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.chat import origins, queries, sources
from qabel.modules.chat.numbers import conversation_id
from tests.modules.chat.journals import FRIEND, ME, ChatDesk, Rows, chat_desk

T = TypeVar("T")

NUMBER = conversation_id(ME, FRIEND)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def of(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a query."""
    return result_of(Deferred.fromCoroutine(work))


def part(n: int, of: int = 2, part_id: str = "t") -> dict[str, Any]:
    """Return a part of a text."""
    return {"msg": f"part {n}", "part": {"id": part_id, "n": n, "of": of}}


def test_of_all_parts(desk: ChatDesk) -> None:
    """Of a text all parts are found, and of a conversation those that wait for others too."""
    heard = [desk.hear("one"), *(desk.hear("", data=part(n)) for n in (1, 2))]
    sent = [desk.say("two"), *(desk.say("", data=part(n)) for n in (1, 2))]
    waits = desk.hear("", data=part(1, 3, "other"))
    shown = of(queries.page(Rows(desk), NUMBER, 100, before=None, after=None))
    found = of(origins.origins(Rows(desk), shown))
    assert (found.messages, found.sends) == (set(heard), set(sent))
    messages, sends = of(sources.sources(Rows(desk), NUMBER))
    assert (messages, sends) == (sorted([*heard, waits]), sorted(sent))


def test_what_has_failed(desk: ChatDesk) -> None:
    """Of a text only some parts may have failed; of a single message, all of it."""
    first, second = [desk.say("", data=part(n)) for n in (1, 2)]
    single = desk.say("single")
    desk.rows(f"UPDATE deliveries SET state = 'failed' WHERE send_id = {second}")
    [one, text] = of(queries.page(Rows(desk), NUMBER, 100, before=None, after=None))
    rows = Rows(desk)
    assert of(origins.failed_sends(rows, text, FRIEND)) == [second]
    assert of(origins.other_parts(rows, text, FRIEND)) == [first]
    assert of(origins.failed_sends(rows, one, FRIEND)) == [single]
    assert of(origins.other_parts(rows, one, FRIEND)) == []
    data = of(origins.sent_data(rows, [second, first]))
    assert data == [("box_message", part(2)), ("box_message", part(1))]


def test_a_text_before_chat_has_seen_it(desk: ChatDesk) -> None:
    """What was just sent in parts looks as it does once chat has it."""
    sent = [desk.say("", data=part(n)) for n in (1, 2)]
    just = of(origins.sent_as(Rows(desk), sent, NUMBER, FRIEND))
    assert just == of(queries.page(Rows(desk), NUMBER, 1, before=None, after=None))[0]
