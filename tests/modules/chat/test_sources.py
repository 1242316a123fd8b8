"""Where the messages of conversations are."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from qabel.deferreds import result_of
from qabel.modules.chat import sources
from qabel.modules.chat.numbers import conversation_id
from tests.modules.chat.journals import FRIEND, ME, Rows, chat_desk


def test_all_messages_of_a_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its id in the inbox or in the outbox; the two sides are known."""
    monkeypatch.setattr(sources, "_MOST_IDS", 2)
    with chat_desk(tmp_path) as desk:
        heard = [desk.hear(str(each)) for each in range(3)]
        sent = [desk.say(str(each)) for each in range(2)]
        desk.hear("another", sender=b"\x07" * 32)
        desk.settle()
        number = conversation_id(ME, FRIEND)
        found = result_of(Deferred.fromCoroutine(sources.sources(Rows(desk), number)))
        assert found == (heard, sent)
        sides = result_of(Deferred.fromCoroutine(sources.sides(Rows(desk))))
        assert {(each.id, each.messages, each.outgoing) for each in sides} >= {(number, 5, 2)}
