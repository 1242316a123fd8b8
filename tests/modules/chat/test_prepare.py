"""What chat makes of the journal."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.chat import marks, queries
from qabel.modules.chat.numbers import conversation_id, id_of_received, id_of_sent
from tests.modules.chat.journals import (
    FRIEND,
    ME,
    MILLISECONDS,
    OTHER_ME,
    STRANGER,
    ChatDesk,
    Rows,
    chat_desk,
)

WITH_FRIEND = conversation_id(ME, FRIEND).hex()


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def page(desk: ChatDesk, other: bytes = FRIEND, me: bytes = ME) -> list[Any]:
    """Return all messages of a conversation, newest first."""
    number = conversation_id(me, other)
    reading = queries.page(Rows(desk), number, 100, before=None, after=None)
    return [each.view for each in result_of(Deferred.fromCoroutine(reading))]


def test_both_sides_are_in_the_order_of_arrival(desk: ChatDesk) -> None:
    """What was sent and what was received are one conversation, whatever time the sender says."""
    desk.hear("first", time_stamp=MILLISECONDS + 5000)
    desk.say("second")
    desk.hear("third")
    assert [(each.direction, each.text, each.state) for each in page(desk)] == [
        ("in", "third", None),
        ("out", "second", "queued"),
        ("in", "first", None),
    ]


def test_what_is_told(desk: ChatDesk) -> None:
    """Events have ids, and nothing that people wrote."""
    heard = desk.hear("secret")
    sent = desk.say("secret")
    desk.post()
    desk.hear("secret", STRANGER)
    stranger = conversation_id(ME, STRANGER).hex()
    assert [(kind, json.loads(detail)) for kind, detail in desk.told()] == [
        ("chat.message", {"id": id_of_received(heard), "conversation": WITH_FRIEND}),
        ("chat.unread", {"conversation": WITH_FRIEND}),
        ("chat.message", {"id": id_of_sent(sent), "conversation": WITH_FRIEND}),
        (
            "chat.state",
            {"id": id_of_sent(sent), "conversation": WITH_FRIEND, "state": "sent"},
        ),
        ("chat.request", {"id": stranger, "message": page(desk, STRANGER)[0].id}),
    ]
    identities = desk.rows("SELECT DISTINCT identity_id FROM events WHERE kind LIKE 'chat.%'")
    assert identities == [(1,)]


def test_an_ignored_stranger_is_not_told_of(desk: ChatDesk) -> None:
    """Messages of somebody who is ignored are kept, and no event says so."""
    desk.hear("Hello", STRANGER)
    number = conversation_id(ME, STRANGER)
    found = result_of(Deferred.fromCoroutine(queries.conversation(Rows(desk), number)))
    desk.change(marks.mark(found, {"ignored": 1}))
    before = len(desk.told())
    desk.hear("Hello?", STRANGER)
    assert len(page(desk, STRANGER)) == 2
    assert len(desk.told()) == before


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("box_message", {}, [""]),
        ("box_message", {"msg": 5}, ["5"]),
        ("poll", {"msg": "Shall we?"}, ["Shall we?"]),
        ("poll", {"question": "Shall we?"}, []),
        ("box_share_notification", {"msg": "A file", "url": "x", "key": "aa"}, ["A file"]),
    ],
)
def test_kinds(tmp_path: Path, kind: str, data: dict[str, Any], expected: list[str]) -> None:
    """Of other kinds the text for people is shown, if there is one."""
    with chat_desk(tmp_path, "poll") as desk:
        desk.hear("", data=data, model_object=kind)
        assert [each.text for each in page(desk)] == expected


def test_shares(desk: ChatDesk) -> None:
    """Of a file its name and size are shown, and not where it is, nor its key."""
    data = {"msg": "Look", "url": "https://x", "key": "aa" * 32, "file": "a.txt", "size": 5}
    desk.hear("", data=data, model_object="box_share_notification")
    [shown] = page(desk)
    assert json.loads(bytes(shown.attachment)) == {"name": "a.txt", "size": 5}


def test_odd_times(desk: ChatDesk) -> None:
    """A time more than a day away from the arrival is marked."""
    day = 24 * 60 * 60 * 1000
    for off in (-day - 1, -day, 0, day, day + 1):
        desk.hear("Hello", time_stamp=MILLISECONDS + off)
    assert [each.odd_time for each in page(desk)] == [True, False, False, False, True]


def test_one_message_to_several_people(desk: ChatDesk) -> None:
    """It is in the conversation with each of them, under another id."""
    sent = desk.say("All of you", 1, 2)
    [one], [two] = page(desk), page(desk, b"\x02" * 32)
    assert (one.id, two.id) == (id_of_sent(sent), id_of_sent(sent, 1))


def test_replies(desk: ChatDesk) -> None:
    """A reply names the message by its sender and time; one that is not there is none."""
    desk.hear("Question", time_stamp=MILLISECONDS - 7)
    known = {"sender": FRIEND.hex(), "time_stamp": MILLISECONDS - 7}
    desk.say("", data={"msg": "Answer", "reply_to": known})
    desk.hear("", data={"msg": "?", "reply_to": {"sender": FRIEND.hex(), "time_stamp": 1}})
    last, answer, question = page(desk)
    assert (last.reply_to, answer.reply_to, question.reply_to) == (None, question.id, None)


def test_what_is_deleted_is_gone(desk: ChatDesk) -> None:
    """With the last message of a stranger the conversation goes."""
    heard = desk.hear("Hello", STRANGER)
    desk.forget(heard)
    assert desk.rows("SELECT * FROM chat_messages") == []
    assert desk.rows("SELECT * FROM chat_conversations") == []


def test_nothing_stays_of_a_purged_identity(desk: ChatDesk) -> None:
    """Its marks go in the same transaction."""
    for me in (ME, OTHER_ME):
        desk.change(marks.open_conversation(conversation_id(me, FRIEND), me, FRIEND))
    result_of(
        desk.database.run(
            lambda connection: connection.execute("INSERT INTO purges VALUES (?, 1)", (ME,))
        )
    )
    assert desk.rows("SELECT identity FROM chat_marks") == [(OTHER_ME,)]


def derived(desk: ChatDesk) -> list[Any]:
    """Return all derived rows, but for when they were changed."""
    desk.settle()
    return [
        desk.rows("SELECT * FROM chat_messages ORDER BY id"),
        desk.rows(
            "SELECT id, identity, contact, messages, outgoing, unread FROM chat_conversations "
            "ORDER BY id"
        ),
    ]


KEYS = st.sampled_from([FRIEND, STRANGER, b"\x02" * 32])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), KEYS, st.integers(0, 3)),
        st.tuples(st.just("say"), st.sets(st.integers(1, 3), min_size=1)),
        st.tuples(st.just("post")),
        st.tuples(st.just("forget"), st.integers(0, 20)),
        st.tuples(st.just("read"), st.integers(0, 20)),
    ),
    max_size=25,
)


def play(desk: ChatDesk, steps: list[Any]) -> None:
    """Have things happen."""
    heard: list[int] = []
    for what, *rest in steps:
        if what == "hear":
            known = {"sender": ME.hex(), "time_stamp": MILLISECONDS - rest[1]}
            data = {"msg": "x", "reply_to": known}
            heard.append(desk.hear("", rest[0], data=data, time_stamp=MILLISECONDS - rest[1]))
        elif what == "say":
            desk.say("y", *rest[0])
        elif what == "post":
            desk.post()
        elif heard and what == "forget":
            desk.forget(heard.pop(rest[0] % len(heard)))
        elif heard:
            read(desk, heard[rest[0] % len(heard)])


def read(desk: ChatDesk, heard: int) -> None:
    """Mark everything up to a message as read, in all conversations."""
    for found in result_of(Deferred.fromCoroutine(queries.conversations(Rows(desk)))):
        desk.change(marks.mark_read(found, heard))


@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_a_rebuild_makes_the_same(steps: list[Any]) -> None:
    """Whatever happened: the derived tables are what the journal tells."""
    with TemporaryDirectory() as folder, chat_desk(Path(folder)) as desk:
        play(desk, steps)
        before = derived(desk)
        marked = desk.rows("SELECT id, read FROM chat_marks ORDER BY id")
        [(received,)] = desk.rows("SELECT count(*) FROM messages")
        [(sent,)] = desk.rows("SELECT count(*) FROM deliveries")
        assert len(before[0]) == received + sent
        assert (
            desk.rows(
                "SELECT id FROM chat_conversations AS one WHERE (messages, outgoing, unread) <> "
                "(SELECT count(*), total(direction = 'out'), total(direction = 'in' AND seq > "
                "coalesce((SELECT read FROM chat_marks WHERE id = one.id), 0)) "
                "FROM chat_messages WHERE conversation = one.id)"
            )
            == []
        )
        desk.rebuild()
        assert desk.chat.set_aside == 0
        assert derived(desk) == before
        assert desk.rows("SELECT id, read FROM chat_marks ORDER BY id") == marked


def test_deletions_are_told(desk: ChatDesk) -> None:
    """What was deleted is told by its id, wherever that was done, and that counts have changed."""
    heard = desk.hear("Hello")
    before = len(desk.told())
    desk.forget(heard)
    assert page(desk) == []
    newest = desk.rows("SELECT last_seq FROM state")[0][0]
    desk.journal.advance(newest)
    desk.settle()
    assert [(kind, json.loads(detail)) for kind, detail in desk.told()[before:]] == [
        ("chat.state", {"id": id_of_received(heard), "state": "deleted"}),
        ("chat.unread", {}),
    ]
