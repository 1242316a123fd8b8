"""``/chat/conversations`` and ``/chat/unread``."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from qabel.contract.reply import NO_CONTENT
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Flag, Text
from qabel.modules.api import ModuleCall, Reply, json_reply
from qabel.modules.chat import marks, queries, sources
from qabel.modules.chat.numbers import CursorForm, ListCursor, conversation_id, no_conversation
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import Conversation
from qabel.modules.chat.subject import (
    DELETE,
    IDENTITY,
    NO_CONVERSATION,
    NOTES,
    READ,
    SEND,
    reference,
    routes,
)
from qabel.modules.chat.views import ConversationListView, ConversationView, UnreadView

MAX_DRAFT = 200_000

_OPEN = Object(
    {
        "identity": reference("Id or public key of the identity."),
        "contact": reference(
            "Id or public key of a contact of it; its own public key is for notes to oneself."
        ),
    }
)

_MARKS = Object(
    {
        "muted": Key(Flag(), description="Whether clients are to make no noise about it."),
        "pinned": Key(Flag(), description="Whether it is to stay in sight."),
        "archived": Key(Flag(), description="Whether it is out of the way."),
        "draft": Key(OrNull(Text(MAX_DRAFT)), description="What is being written."),
    }
).as_changes()

_READ = Object(
    {
        "upto": Key(
            CursorForm(),
            description="The cursor of the last message that was read.",
            examples=["0-0"],
        )
    }
)


@routes.add(
    "GET",
    "/chat/conversations",
    "List the conversations, newest first",
    operation="listConversations",
    scopes=READ,
    query={
        "identity": IDENTITY,
        "since": Key(CursorForm(), None, description="Only those that changed after this cursor."),
    },
    answers={200: "The conversations, and the cursor for `since`."},
    returns=ConversationListView,
)
async def listed(call: ModuleCall) -> Reply:
    """List conversations."""
    # Read first: what changes meanwhile comes again, and is not left out.
    cursor = await queries.clock(call)
    after = since(call.query, cursor)
    people = ChatPeople.of(call.messaging)
    found = of_identity(people.shown(await queries.conversations(call, after)), people, call.query)
    names = await names_of_strangers(call, people, found)
    views = [people.conversation_view(each, names.get(each.id)) for each in found]
    return json_reply(ConversationListView(views, str(cursor)))


@routes.add(
    "POST",
    "/chat/conversations",
    "Open the conversation with a contact, or the notes of an identity; it may still be empty",
    operation="openConversation",
    scopes=READ | SEND,
    body=_OPEN,
    answers={
        200: "The conversation, which was there.",
        201: "The conversation, which is empty.",
        400: "Unknown identity or contact.",
    },
    returns=ConversationView,
)
async def opened(call: ModuleCall) -> Reply:
    """Open a conversation."""
    given = call.body()
    people = ChatPeople.of(call.messaging)
    identity = people.identity(given["identity"])
    if str(given["contact"]).lower() == identity.key.hex():
        await call.messaging.keep_notes(identity.key, NOTES)
        people = ChatPeople.of(call.messaging)
    contact = people.contact(identity, given["contact"])
    number = conversation_id(identity.key, contact.key)
    was_there = await queries.find(call, number)
    if was_there is None:
        await call.change(marks.open_conversation(number, identity.key, contact.key))
    found = was_there or await queries.conversation(call, number)
    if call.access.scopes.isdisjoint({"chat:read", "admin"}):
        found = evolve(found, last=None, draft=None, unread=0, read=0)
    return json_reply(people.conversation_view(found), 201 if was_there is None else 200)


@routes.add(
    "PATCH",
    "/chat/conversations/<hex:conversation>",
    "Mute, pin or archive a conversation, or keep a draft",
    operation="changeConversation",
    scopes=READ,
    body=_MARKS,
    answers={200: "The conversation as it is now.", 404: NO_CONVERSATION},
    returns=ConversationView,
)
async def changed(call: ModuleCall, conversation: str) -> Reply:
    """Change the marks of a conversation."""
    given = call.body()
    people = ChatPeople.of(call.messaging)
    found = await shown(call, people, conversation)
    if given:
        await call.change(marks.mark(found, given))
        found = await queries.conversation(call, found.id)
    return json_reply(await view_of(call, people, found))


@routes.add(
    "PUT",
    "/chat/conversations/<hex:conversation>/read",
    "Mark messages as read, on this machine only",
    operation="markConversationRead",
    scopes=READ,
    body=_READ,
    answers={204: "They are read: the mark never moves back.", 404: NO_CONVERSATION},
)
async def read(call: ModuleCall, conversation: str) -> Reply:
    """Mark messages as read."""
    upto, _ = call.body()["upto"]
    found = await any_conversation(call, ChatPeople.of(call.messaging), conversation)
    await call.change(marks.mark_read(found, upto))
    return NO_CONTENT


@routes.add(
    "DELETE",
    "/chat/conversations/<hex:conversation>",
    "Delete all messages of a conversation for good, in the inbox and the outbox too",
    operation="deleteConversation",
    scopes=DELETE,
    answers={
        204: "Deleted. The other side keeps what it has.",
        404: NO_CONVERSATION,
    },
)
async def deleted(call: ModuleCall, conversation: str) -> Reply:
    """Delete a conversation."""
    found = await any_conversation(call, ChatPeople.of(call.messaging), conversation)
    messages, sends = await sources.sources(call, found.id)
    await call.messaging.delete_all(messages, sends)
    await call.change(marks.forget(found))
    return NO_CONTENT


@routes.add(
    "GET",
    "/chat/unread",
    "Count the unread messages",
    operation="countUnread",
    scopes=READ,
    answers={200: "How many there are, in all and by conversation, without requests."},
    returns=UnreadView,
)
async def unread(call: ModuleCall) -> Reply:
    """Count unread messages."""
    people = ChatPeople.of(call.messaging)
    counts = {
        number.hex(): count
        for number, identity, contact, count, outgoing in await queries.unread(call)
        if people.is_shown(identity, contact, outgoing)
    }
    return json_reply(UnreadView(sum(counts.values()), counts))


def since(query: Mapping[str, Any], cursor: ListCursor) -> int:
    """Return after which change a client wants conversations; -1 for all."""
    given = query["since"]
    if given is None:
        return -1
    changed, people = given
    # What people are called may have changed anywhere.
    return -1 if people != cursor.people or changed > cursor.changed else changed


def of_identity(
    found: list[Conversation], people: ChatPeople, query: Mapping[str, Any]
) -> list[Conversation]:
    """Return the conversations of the identity that the query names, if it names one."""
    number = query["identity"]
    if number is None:
        return found
    key = people.identity(number).key
    return [each for each in found if each.identity == key]


async def names_of_strangers(
    call: ModuleCall, people: ChatPeople, found: list[Conversation]
) -> dict[bytes, str]:
    """Return what those who are no contacts call themselves, by conversation."""
    ids = [each.id for each in found if (each.identity, each.contact) not in people.contacts]
    introduced = await queries.introductions(call, ids)
    return {number: alias for number, (_, alias) in introduced.items()}


async def view_of(call: ModuleCall, people: ChatPeople, found: Conversation) -> ConversationView:
    """Return a conversation as clients see it."""
    names = await names_of_strangers(call, people, [found])
    return people.conversation_view(found, names.get(found.id))


async def any_conversation(call: ModuleCall, people: ChatPeople, conversation: str) -> Conversation:
    """Return a conversation, or a request. Raises NotFound."""
    found = await queries.conversation(call, bytes.fromhex(conversation))
    if found.identity not in people.identities:
        raise no_conversation()
    return found


async def shown(call: ModuleCall, people: ChatPeople, conversation: str) -> Conversation:
    """Return a conversation that is no request. Raises NotFound."""
    found = await any_conversation(call, people, conversation)
    if not people.is_shown(found.identity, found.contact, found.outgoing):
        raise no_conversation()
    return found
