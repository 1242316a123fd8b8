"""What chat offers to other modules."""

import pytest_twisted

from qabel.modules.chat.service import ChatService
from tests.modules.chat.conftest import ChatServer


@pytest_twisted.ensureDeferred
async def test_what_is_unread(chat: ChatServer) -> None:
    """Of conversations with contacts it is known how much is unread, and whether they are muted."""
    await chat.server.receive("one", "two")
    await chat.settled()
    service = chat.host._equipment.of("chat").service("chat")
    assert isinstance(service, ChatService)
    read = chat.server.core.database.side.read
    listed = (await chat.good("GET", "/chat/conversations"))["conversations"]
    [mine] = [each for each in listed if each["unread"]]
    found = service.unread(read, mine["id"])
    assert found is not None
    assert (found.count, found.is_muted, found.name, found.text) == (2, False, "Alice", "two")
    assert service.is_unread(read, mine["last"]["id"])
    await chat.good("PATCH", f"/chat/conversations/{mine['id']}", {"muted": True})
    upto = {"upto": mine["last"]["cursor"]}
    await chat.good("PUT", f"/chat/conversations/{mine['id']}/read", upto)
    found = service.unread(read, mine["id"])
    assert found is not None
    assert (found.count, found.is_muted) == (0, True)
    assert not service.is_unread(read, mine["last"]["id"])
    assert "Alice" not in repr(found)


@pytest_twisted.ensureDeferred
async def test_strangers_have_no_conversations(chat: ChatServer) -> None:
    """What they write is a request, and what is not there is nothing."""
    await chat.eve_writes("Hello")
    [request] = (await chat.good("GET", "/chat/requests"))["requests"]
    service = chat.host._equipment.of("chat").service("chat")
    read = chat.server.core.database.side.read
    assert service.unread(read, request["id"]) is None
    assert service.unread(read, "0a" * 16) is None
    own = [each for each in (1, 999) if service.is_unread(read, each)]
    assert own == []
