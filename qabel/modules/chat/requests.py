"""``/chat/requests``: messages of people who are no contacts."""

from collections.abc import Mapping

from qabel.contract.reply import NO_CONTENT
from qabel.core.errors import Invalid
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.errors import FieldError
from qabel.forms.plain import Present, Text
from qabel.modules.api import ModuleCall, Reply, json_reply
from qabel.modules.chat import marks, queries
from qabel.modules.chat.conversations import any_conversation, of_identity
from qabel.modules.chat.numbers import no_conversation
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import Conversation
from qabel.modules.chat.subject import IDENTITY, PEOPLE, READ, routes
from qabel.modules.chat.views import ConversationView, RequestListView, RequestView

MAX_ALIAS = 1000

NO_REQUEST = "No such request."

_ACCEPT = Object(
    {
        "alias": Key(
            OrNull(Text(MAX_ALIAS, shortest=1, printable=True)),
            None,
            description="The name of the contact. Default: what the sender is called in the "
            "introduction.",
        )
    }
)


@routes.add(
    "GET",
    "/chat/requests",
    "List the messages of people who are no contacts, by sender, newest first",
    operation="listRequests",
    scopes=READ,
    query={
        "identity": IDENTITY,
        "ignored": Key(Present(), default=False, description="List those that are ignored."),
    },
    answers={200: "The requests."},
    returns=RequestListView,
)
async def listed(call: ModuleCall) -> Reply:
    """List requests."""
    cursor = await queries.clock(call)
    people = ChatPeople.of(call.messaging)
    found = [
        each
        for each in of_identity(await queries.conversations(call), people, call.query)
        if people.is_request(each) and bool(each.ignored) is call.query["ignored"]
    ]
    said = await queries.introductions(call, [each.id for each in found])
    views = [_view(call, people, each, said) for each in found]
    return json_reply(RequestListView(views, str(cursor)))


@routes.add(
    "POST",
    "/chat/requests/<hex:request_id>/accept",
    "Make a contact of the sender of a request, as the introduction says",
    operation="acceptRequest",
    scopes=PEOPLE,
    body=_ACCEPT,
    answers={
        200: "The conversation that it is now.",
        400: "The messages do not introduce their sender.",
        404: NO_REQUEST,
        409: "The sender is a contact already.",
    },
    returns=ConversationView,
)
async def accept(call: ModuleCall, request_id: str) -> Reply:
    """Accept a request."""
    alias = call.body()["alias"]
    found = await _request(call, request_id)
    introduced = await queries.introductions(call, [found.id])
    if found.id not in introduced:
        error = FieldError("id", "has no introduction of its sender")
        raise Invalid(
            "The messages do not introduce their sender. Ask for the contact card instead: "
            "qabel contact import FILE.",
            [error],
        )
    await call.messaging.accept(introduced[found.id][0], alias)
    if found.ignored:
        await call.change(marks.mark(found, {"ignored": 0}))
    found = await queries.conversation(call, found.id)
    return json_reply(ChatPeople.of(call.messaging).conversation_view(found))


@routes.add(
    "POST",
    "/chat/requests/<hex:request_id>/ignore",
    "Hide what the sender of a request writes",
    operation="ignoreRequest",
    scopes=PEOPLE,
    answers={204: "Hidden; `?ignored=1` lists it.", 404: NO_REQUEST},
)
async def ignore(call: ModuleCall, request_id: str) -> Reply:
    """Ignore a sender."""
    found = await _request(call, request_id)
    await call.change(marks.mark(found, {"ignored": 1}))
    return NO_CONTENT


@routes.add(
    "POST",
    "/chat/requests/<hex:request_id>/block",
    "Pass over what the sender of a request writes from now on, to all identities",
    operation="blockRequest",
    scopes=PEOPLE,
    answers={
        204: "Blocked: `/blocked` lists the key.",
        400: "The sender is an identity of your own.",
        404: NO_REQUEST,
    },
)
async def block(call: ModuleCall, request_id: str) -> Reply:
    """Block a sender."""
    found = await _request(call, request_id)
    await call.messaging.block(found.contact)
    return NO_CONTENT


def _view(
    call: ModuleCall,
    people: ChatPeople,
    found: Conversation,
    said: Mapping[bytes, tuple[int, str]],
) -> RequestView:
    _, alias = said.get(found.id, (0, None))
    named = [] if alias is None else call.messaging.contacts_named(found.identity, alias)
    return people.request_view(found, alias, named)


async def _request(call: ModuleCall, request_id: str) -> Conversation:
    people = ChatPeople.of(call.messaging)
    found = await any_conversation(call, people, request_id)
    if not people.is_request(found):
        raise no_conversation()
    return found
