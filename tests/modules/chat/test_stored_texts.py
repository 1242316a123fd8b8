"""Texts in parts as they are stored."""

from pathlib import Path
from typing import Any

import pytest

from qabel.modules.chat.numbers import conversation_id, id_of_sent
from qabel.modules.chat.parts import PATIENCE
from qabel.modules.chat.payloads import ChatPayload
from qabel.modules.chat.stored_texts import Sides, StoredTexts
from tests.modules.chat.journals import FRIEND, ME, MILLISECONDS, ChatDesk, chat_desk

NUMBER = conversation_id(ME, FRIEND)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Return a desk at which chat runs."""
    with chat_desk(tmp_path) as made:
        yield made


def part(n: int) -> dict[str, Any]:
    """Return a part of a text."""
    return {"msg": f"part {n}", "part": {"id": "t", "n": n, "of": 2}}


def test_what_was_received(desk: ChatDesk) -> None:
    """Its parts are read where the inbox has them, until they are deleted."""
    heard = desk.hear("", data=part(1))
    stored = StoredTexts(desk.read)
    text = stored.find((NUMBER, "in", "t"))
    assert (list(text.pieces), text.shown, text.is_told) == ([1], None, False)
    assert stored.sides(text) == Sides(ME, FRIEND, 1, 7)
    said = stored.said(text.key, text.first)
    assert said.text == "part 1"
    desk.forget(heard)
    assert stored.said(text.key, text.first) == ChatPayload("")
    assert stored.sides(text) is None
    assert stored.find(text.key).pieces == {}


def test_what_is_sent(desk: ChatDesk) -> None:
    """Its parts are read where the outbox has them, with their states."""
    sent = [desk.say("", data=part(n)) for n in (1, 2)]
    stored = StoredTexts(desk.read)
    key = stored.key_of(sent[1], NUMBER)
    assert key == (NUMBER, "out", "t")
    assert stored.key_of(999, NUMBER) is None
    text = stored.find(key)
    assert (text.shown, text.id) == (id_of_sent(sent[0]), id_of_sent(sent[0]))
    assert stored.said(key, text.newest).text == "part 2"
    assert (stored.state(text, FRIEND), stored.has_failed(key, text.first)) == ("queued", False)
    desk.rows("UPDATE deliveries SET state = 'failed'")
    assert (stored.state(text, FRIEND), stored.has_failed(key, text.first)) == ("failed", True)


def test_what_is_due(desk: ChatDesk) -> None:
    """A text of which a part is missing is due an hour after the first part, until it is shown."""
    desk.hear("", data=part(1))
    stored = StoredTexts(desk.read)
    assert stored.due(MILLISECONDS + PATIENCE - 1) == []
    assert stored.due(MILLISECONDS + PATIENCE) == [(NUMBER, "in", "t")]
    assert stored.newest_number() == desk.journal.last_seq
    desk.hear("", data=part(2))
    assert stored.due(MILLISECONDS + PATIENCE) == []
    assert (stored.late_place(5), stored.replaces(5)) == (None, None)
