"""Texts in parts: shown once, as a whole, whatever comes in between."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.chat import marks, queries
from qabel.modules.chat.numbers import (
    conversation_id,
    id_of_received,
    id_of_received_text,
    id_of_sent,
)
from qabel.modules.chat.parts import PATIENCE
from qabel.modules.ticks import INTERVAL
from tests.modules.chat.journals import (
    FRIEND,
    ME,
    MILLISECONDS,
    STRANGER,
    ChatDesk,
    Rows,
    chat_desk,
)

WITH_FRIEND = conversation_id(ME, FRIEND)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def page(desk: ChatDesk, other: bytes = FRIEND) -> list[Any]:
    """Return all messages of a conversation, newest first."""
    number = conversation_id(ME, other)
    reading = queries.page(Rows(desk), number, 100, before=None, after=None)
    return [each.view for each in result_of(Deferred.fromCoroutine(reading))]


def texts(desk: ChatDesk, other: bytes = FRIEND) -> list[tuple[str, bool]]:
    """Return the texts of a conversation, oldest first, and whether they are incomplete."""
    return [(each.text, each.incomplete) for each in page(desk, other)[::-1]]


def part(n: Any, of: Any = 3, text: str | None = None, part_id: Any = "t") -> dict[str, Any]:
    """Return a part of a text."""
    return {"msg": f"{n} " if text is None else text, "part": {"id": part_id, "n": n, "of": of}}


def hear(desk: ChatDesk, n: Any, of: Any = 3, sender: bytes = FRIEND, **more: Any) -> int:
    """Receive a part of a text."""
    given = {"text": None, "part_id": "t"}
    given |= {name: more.pop(name) for name in list(more) if name in given}
    return desk.hear("", sender, data=part(n, of, **given), **more)


def say(desk: ChatDesk, n: int, of: int = 3, part_id: str = "t") -> int:
    """Send a part of a text."""
    return desk.say("", data=part(n, of, part_id=part_id))


def unread(desk: ChatDesk) -> int:
    """Return how many messages of the friend are unread."""
    return sum(row[3] for row in result_of(Deferred.fromCoroutine(queries.unread(Rows(desk)))))


def later(desk: ChatDesk, seconds: float = PATIENCE / 1000) -> None:
    """Let time pass, and chat look at what is due."""
    desk.now += seconds
    desk.clock.advance(INTERVAL)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_in_any_order(desk: ChatDesk, order: Sequence[int]) -> None:
    """It is one message, with the time of its first part, at the place of what came last."""
    heard = [hear(desk, n, time_stamp=MILLISECONDS + n) for n in order[:2]]
    desk.hear("between")
    assert texts(desk) == [("between", False)]
    last = hear(desk, order[2], time_stamp=MILLISECONDS + order[2])
    newest, between = page(desk)
    assert (newest.text, newest.incomplete, newest.sent) == ("1 2 3 ", False, MILLISECONDS + 1)
    assert (newest.id, newest.cursor) == (id_of_received_text(heard[0]), f"{last}-0")
    assert between.text == "between"
    assert unread(desk) == 2
    assert [kind for kind, _ in desk.told()] == ["chat.message", "chat.unread"] * 2


def test_interleaved(desk: ChatDesk) -> None:
    """Texts of different senders and ids do not mix."""
    for n in (1, 2, 3):
        hear(desk, n)
        hear(desk, n, part_id="other", text=f"o{n}")
        hear(desk, n, sender=STRANGER, text=f"s{n}")
    assert texts(desk) == [("1 2 3 ", False), ("o1o2o3", False)]
    assert texts(desk, STRANGER) == [("s1s2s3", False)]
    assert [kind for kind, _ in desk.told()].count("chat.request") == 1


@pytest.mark.parametrize(
    ("n", "of"),
    [(1, 3), (2, 4), (4, 3), (0, 3), (2, 65), (2, None), ("2", 3), (2, "3"), (True, 3)],
)
def test_a_part_that_does_not_fit(desk: ChatDesk, n: Any, of: Any) -> None:
    """A second part with a number, or one that contradicts, is a message of its own."""
    hear(desk, 1)
    hear(desk, n, of, text="odd")
    assert texts(desk) == [("odd", False)]
    hear(desk, 2)
    hear(desk, 3)
    assert texts(desk) == [("odd", False), ("1 2 3 ", False)]


@pytest.mark.parametrize("value", [5, "t", None, [], {}, {"id": 5, "n": 1, "of": 2}])
def test_a_part_that_is_none(desk: ChatDesk, value: Any) -> None:
    """What is no part of a text is a message of its own."""
    desk.hear("", data={"msg": "x", "part": value})
    assert texts(desk) == [("x", False)]


def test_a_part_that_never_comes(desk: ChatDesk) -> None:
    """After an hour what is there is shown, as something new; when the rest comes, it is mended."""
    first = hear(desk, 1)
    hear(desk, 3)
    later(desk, PATIENCE / 1000 - 1)
    last = desk.hear("later")
    assert texts(desk) == [("later", False)]
    found = result_of(Deferred.fromCoroutine(queries.conversation(Rows(desk), WITH_FRIEND)))
    desk.change(marks.mark_read(found, last))
    assert unread(desk) == 0
    told = len(desk.told())
    later(desk, 2)
    assert texts(desk) == [("later", False), ("1 3 ", True)]
    assert unread(desk) == 1
    assert [kind for kind, _ in desk.told()[told:]] == ["chat.message", "chat.unread"]
    shown = page(desk)[0]
    hear(desk, 2)
    [mended, _] = page(desk)
    assert (mended.text, mended.incomplete) == ("1 2 3 ", False)
    assert mended.id == shown.id == id_of_received_text(first)
    assert mended.cursor == shown.cursor
    assert unread(desk) == 1
    assert [kind for kind, _ in desk.told()[told:]] == ["chat.message", *["chat.unread"] * 2]


def test_its_place_stays(desk: ChatDesk) -> None:
    """A rebuild shows a text that was not complete where it was shown, and mended as it was."""
    hear(desk, 1)
    desk.hear("later")
    later(desk)
    desk.hear("last")
    before = page(desk)
    for n in (2, 3):
        desk.rebuild()
        desk.settle()
        assert page(desk) == before
        hear(desk, n)
        before = page(desk)
    assert texts(desk) == [("later", False), ("1 2 3 ", False), ("last", False)]


def test_deleting_a_part(desk: ChatDesk) -> None:
    """With one part of it nothing of a text is shown; an hour later the rest is."""
    heard = [hear(desk, n) for n in (1, 2, 3)]
    desk.forget(heard[1])
    assert desk.rows("SELECT * FROM chat_messages") == []
    later(desk)
    assert texts(desk) == [("1 3 ", True)]
    for each in (heard[0], heard[2]):
        desk.forget(each)
    for table in ("chat_messages", "chat_parts", "chat_late", "chat_conversations"):
        assert desk.rows(f"SELECT * FROM {table}") == []


def test_replies_to_a_text(desk: ChatDesk) -> None:
    """A reply names the first part; what answers is in the first part, too."""
    question = desk.hear("question", time_stamp=MILLISECONDS - 5)
    answer = part(1) | {"reply_to": {"sender": FRIEND.hex(), "time_stamp": MILLISECONDS - 5}}
    desk.say("", data=answer)
    say(desk, 2)
    say(desk, 3)
    known = {"sender": ME.hex(), "time_stamp": MILLISECONDS}
    desk.hear("", data={"msg": "thanks", "reply_to": known})
    thanks, text, first = page(desk)
    assert (first.id, text.reply_to) == (id_of_received(question), id_of_received(question))
    assert thanks.reply_to == text.id


def test_states(desk: ChatDesk) -> None:
    """What is sent in parts has one state, which is told once."""
    first = say(desk, 1)
    say(desk, 2)
    assert page(desk) == []
    say(desk, 3)
    [shown] = page(desk)
    assert (shown.id, shown.text, shown.state) == (id_of_sent(first), "1 2 3 ", "queued")
    told = len(desk.told())
    for expected in ("queued", "queued", "sent"):
        desk.post()
        assert page(desk)[0].state == expected
    desk.settle()
    assert [json.loads(detail)["state"] for _, detail in desk.told()[told:]] == ["sent"]
    desk.rows("UPDATE deliveries SET acknowledged = 1 WHERE send_id = (SELECT max(id) FROM sends)")
    assert page(desk)[0].state == "acknowledged"
    desk.rows("UPDATE deliveries SET state = 'failed' WHERE send_id = 1")
    assert page(desk)[0].state == "failed"


def test_a_part_that_is_sent_again(desk: ChatDesk) -> None:
    """It takes the place of the one that has failed; otherwise it is a message of its own."""
    sent = [say(desk, n) for n in (1, 2, 3)]
    say(desk, 1)
    assert [text for text, _ in texts(desk)] == ["1 2 3 ", "1 "]
    desk.rows(f"UPDATE deliveries SET state = 'failed' WHERE send_id = {sent[1]}")
    again = say(desk, 2)
    assert [text for text, _ in texts(desk)] == ["1 ", "1 2 3 "]
    before = page(desk)
    assert before[0].cursor.endswith(f"-{again}")
    desk.rebuild()
    desk.settle()
    assert page(desk) == before
    desk.rows(f"DELETE FROM sends WHERE id = {sent[1]}")
    assert page(desk) == before
    desk.rebuild()
    desk.settle()
    assert page(desk) == before


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["hear", "say"]),
            st.sampled_from("tu"),
            st.integers(1, 3),
            st.sampled_from([3, 3, 2]),
        ),
        st.tuples(st.just("later")),
        st.tuples(st.just("plain")),
        st.tuples(st.just("forget"), st.sampled_from("tup")),
        st.tuples(st.just("fail"), st.integers(1, 9)),
        st.tuples(st.just("restart")),
    ),
    max_size=20,
)


def play(desk: ChatDesk, steps: list[Any]) -> None:
    """Have things happen."""
    heard: dict[str, list[int]] = {each: [] for each in "tup"}
    for what, *rest in steps:
        if what == "hear":
            heard[rest[0]].append(hear(desk, rest[1], rest[2], part_id=rest[0]))
        elif what == "say":
            say(desk, rest[1], rest[2], rest[0])
        elif what == "later":
            later(desk, PATIENCE / 2000)
        elif what == "plain":
            heard["p"].append(desk.hear("plain"))
        elif what == "fail":
            desk.rows(f"UPDATE deliveries SET state = 'failed' WHERE send_id = {rest[0]}")
        elif what == "restart":
            desk.chat.stop()
            desk.begin()
        else:
            # All parts: what was a second one while the first was there would be the first now.
            while heard[rest[0]]:
                desk.forget(heard[rest[0]].pop())


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_rebuild_makes_the_same(steps: list[Any]) -> None:
    """Whatever came, went, failed or was killed: all of it is shown, once, and a rebuild agrees."""
    with TemporaryDirectory() as folder, chat_desk(Path(folder)) as desk:
        play(desk, steps)
        later(desk, 2 * PATIENCE / 1000)
        desk.settle()
        before = page(desk)
        desk.rebuild()
        desk.settle()
        later(desk, 1)
        assert desk.chat.set_aside == 0
        assert page(desk) == before
        [(received,)] = desk.rows("SELECT count(*) FROM messages")
        [(shown,)] = desk.rows(
            "SELECT (SELECT count(*) FROM chat_parts WHERE direction = 'in') + (SELECT count(*) "
            "FROM chat_messages WHERE direction = 'in' AND parts = 0)"
        )
        assert shown == received
        assert desk.rows("SELECT * FROM chat_parts WHERE shown IS NULL") == []
        counts = desk.rows("SELECT messages, outgoing, unread FROM chat_conversations")
        incoming = sum(each.direction == "in" for each in before)
        outgoing = len(before) - incoming
        assert counts == ([(len(before), outgoing, incoming)] if before else [])
