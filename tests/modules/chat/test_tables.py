"""The tables of chat."""

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from qabel.modules.api import Entry, Module, Prepared, Read
from qabel.modules.chat.module import module
from qabel.modules.chat.prepare import prepare
from qabel.modules.chat.tables import STEPS
from qabel.modules.runner import ModuleState
from tests.modules.chat.journals import ChatDesk, chat_desk


def found(desk: ChatDesk, word: str) -> int:
    """Return how many messages have a word."""
    [(count,)] = desk.read("SELECT count(*) FROM chat_words WHERE words MATCH ?", (word,))
    return int(count)


def first_version() -> Module:
    """Return chat as it was without the search."""

    def without_words(entries: Sequence[Entry], read: Read) -> Prepared:
        made = prepare(entries, read)
        made.changes[:] = [each for each in made.changes if "chat_words" not in each.sql]
        return made

    return evolve(module, steps=STEPS[:1], derived=module.derived[1:], prepare=without_words)


def test_messages_of_before_the_search_are_found(tmp_path: Path) -> None:
    """A chat of a version without the search has its messages indexed once."""
    with chat_desk(tmp_path, chat=first_version()) as desk:
        desk.hear("hello")
        desk.settle()
        desk.chat.stop()
        desk.begin()
        desk.settle()
        assert desk.chat.state is ModuleState.RUNNING
        assert found(desk, "hello") == 1
        desk.hear("hello again")
        desk.settle()
        assert found(desk, "hello") == 2


def unread(desk: ChatDesk) -> list[tuple[int]]:
    """Return how many messages are unread in each conversation."""
    return desk.read("SELECT unread FROM chat_conversations")


def test_messages_of_before_chat_are_read(tmp_path: Path) -> None:
    """What was received before chat was there is not unread, and stays so in a rebuild."""
    with chat_desk(tmp_path, chat=None) as desk:
        old = desk.hear("old")
        desk.begin()
        desk.settle()
        assert unread(desk) == [(0,)]
        new = desk.hear("new")
        desk.settle()
        assert unread(desk) == [(1,)]
        desk.rebuild()
        desk.settle()
        assert unread(desk) == [(1,)]
        desk.forget(old)
        assert unread(desk) == [(1,)]
        desk.forget(new)
        assert unread(desk) == []


def test_an_earlier_chat_keeps_what_is_unread(tmp_path: Path) -> None:
    """With a further version nothing becomes read by itself."""
    with chat_desk(tmp_path, chat=first_version()) as desk:
        desk.hear("unread")
        desk.settle()
        assert unread(desk) == [(1,)]
        desk.chat.stop()
        desk.begin()
        desk.settle()
        assert unread(desk) == [(1,)]
