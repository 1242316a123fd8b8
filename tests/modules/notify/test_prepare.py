"""Which messages are worth a notice."""

import json
from types import SimpleNamespace
from typing import Any

from qabel.modules.api import Heard, Place
from qabel.modules.chat.service import UnreadConversation
from qabel.modules.notify.prepare import OLD, Notice, prepare

NOW = 1_800_000_000.0


class Chat:
    """What chat offers, as the test says."""

    def __init__(self, **conversations: UnreadConversation) -> None:
        self.conversations = conversations

    def unread(self, read: object, conversation: str) -> UnreadConversation | None:
        """Return what is unread."""
        return self.conversations.get(conversation)

    def is_unread(self, read: object, message_id: int) -> bool:
        """Return whether a message is unread: those with even ids are."""
        return message_id % 2 == 0


def told(kind: str, conversation: str | None, age: float = 0, **detail: object) -> Heard:
    """Return an event of chat."""
    where = {} if conversation is None else {"conversation": conversation}
    return Heard(
        place=Place(1),
        kind=f"chat.{kind}",
        time=int((NOW - age) * 1000),
        identity_id=1,
        identity=bytes(32),
        detail=json.dumps({**where, **detail}).encode(),
    )


def found(chat: Chat | None, *entries: Heard) -> tuple[list[object], list[str]]:
    """Return what is passed on, and the conversations of what is told."""
    tools = SimpleNamespace(service=lambda _: chat, now=lambda: NOW)
    read: Any = SimpleNamespace(tools=tools)
    made = prepare(entries, read)
    return made.passed_on, [str(each.detail["conversation"]) for each in made.told]


BOB = UnreadConversation(2, False, "Bob", "Hi")
MUTED = UnreadConversation(2, True, "Bob", "Hi")
READ = UnreadConversation(0, False, "Bob", "Hi")


def test_a_new_message() -> None:
    """It is told once for each conversation, with what is unread there now."""
    events = [told("message", "aa", id=2), told("unread", "aa"), told("message", "aa", id=4)]
    notices, conversations = found(Chat(aa=BOB), *events)
    assert notices == [Notice("aa", 2, is_new=True, name="Bob", text="Hi")]
    assert conversations == ["aa"]


def test_what_is_no_news() -> None:
    """Own messages, those that are read, old ones, and events without a conversation."""
    for event in (
        told("message", "aa", id=3),
        told("unread", "aa"),
        told("message", "aa", OLD + 1, id=2),
    ):
        assert found(Chat(aa=BOB), event) == ([Notice("aa", 2, False, "Bob", "Hi")], [])
    assert found(Chat(aa=BOB), told("unread", None)) == ([], [])


def test_what_is_not_said_any_more() -> None:
    """Muted and read conversations, and those that are with no contact, have no notice."""
    for chat in (Chat(aa=MUTED), Chat(aa=READ), Chat()):
        notices, conversations = found(chat, told("message", "aa", id=2))
        assert (notices, conversations) == ([Notice("aa", 0, is_new=False)], [])


def test_without_chat() -> None:
    """There is nothing to say."""
    assert found(None, told("message", "aa", id=2)) == ([], [])
