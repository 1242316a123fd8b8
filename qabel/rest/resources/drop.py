"""``/drop``: received messages, and sending messages."""

from typing import Any

from qabel.contract.query import CURSOR, identifier
from qabel.contract.rejection import rejected
from qabel.contract.reply import NO_CONTENT, Headers, Reply, json_reply
from qabel.contract.routes import Routes
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.inbox.reader import MAX_WAIT
from qabel.core.inbox.views import IntroductionView, MessageView
from qabel.core.people.references import ReferenceForm
from qabel.core.sending.checked_send import MAX_RECIPIENTS
from qabel.core.sending.compose import DraftForm
from qabel.core.sending.views import OutcomeView
from qabel.forms.compound import Key, ListOf, Object, OrNull
from qabel.forms.plain import Flag, Integer, Number, Present, Text
from qabel.rest.http.call import Call

routes = Routes("Drops")

MAX_LIMIT = 10_000
MAX_IDEMPOTENCY_KEY = 255

_MESSAGES = list[MessageView]
_NAME = Text(100, shortest=1, printable=True)
_MODEL_OBJECT = Text(200, shortest=1, printable=True)

_READER = {
    "consumer": Key(
        _NAME, "default", description="The consumer whose cursor in the inbox is used."
    ),
    "of": identifier("The token whose consumer it is, 0 for the main token. Default: this token."),
    "identity": identifier("Only messages to this identity."),
    "contact": identifier("Only messages from this contact."),
    "model_object": Key(_MODEL_OBJECT, None, description="Only messages of this type."),
}
_QUERY = {
    **_READER,
    "hold": Key(
        Present(),
        default=False,
        description="Move no cursor: `POST /drop/ack` does, once the messages are processed.",
    ),
    "since": Key(
        CURSOR, None, description="Return messages after this cursor, and move no cursor."
    ),
    "limit": Key(
        Integer(1, MAX_LIMIT), 1000, description="The largest number of messages to return."
    ),
    "wait": Key(
        Number(0, MAX_WAIT),
        0.0,
        description="Seconds to wait for a message if there is none.",
    ),
}

_ACK = Object(
    {
        "upto": Key(
            CURSOR,
            description="The cursor of the last message processed: `X-Qabel-Latest`.",
            examples=["0"],
        ),
        # As in the query of the read; clients may put them into either.
        **{
            name: Key(OrNull(key.form), None, description=key.description)
            for name, key in _READER.items()
            if name != "of"
        },
    }
)

_BODY = Object(
    {
        "recipients": Key(
            ListOf(ReferenceForm(), MAX_RECIPIENTS, shortest=1),
            description="JSON list of contact ids or public keys.",
            examples=[[1]],
        ),
        "sender": Key(
            ReferenceForm(),
            description="Id or public key of the sending identity.",
            examples=[1],
        ),
        "drop_message": Key(
            DraftForm(),
            description="Drop message in JSON format: model_object and data are required.",
            examples=[{"model_object": "chat", "data": {"msg": "Hello"}}],
        ),
        "introduce": Key(
            OrNull(Flag()),
            None,
            description="Whether the message introduces the sender to its recipients, with alias, "
            "first drop URL and public key. Default: what `privacy.introduce` says, if it fits.",
        ),
    }
)


@routes.add(
    "GET",
    "/drop",
    "Retrieve new messages, oldest first; HEAD only checks for any",
    operation="receiveMessages",
    scopes={"read"},
    for_one_identity=True,
    query=_QUERY,
    instead={"of": ()},
    answers={
        200: "New drops available: a list of drop messages. Those that are damaged are named in "
        "X-Qabel-Damaged.",
        204: "No new drops available.",
        404: "No such token.",
        410: "The cursor is unknown or expired; `oldest` is the oldest available one.",
    },
    reads={
        "X-Qabel-New-Since": Key(CURSOR, None, description="The same as `since`."),
        "Cache-Control": Key(Text(), None, description="`no-cache` reads its drops first."),
    },
    returns=_MESSAGES,
    parts=(IntroductionView,),
    headers={200: ("X-Qabel-Latest", "X-Qabel-Damaged"), 204: ("X-Qabel-Latest",)},
)
async def retrieve(call: Call) -> Reply:
    """Return new messages; the consumer's cursor moves once all are handed to the connection."""
    page = await call.view.inbox.read(
        _query(call),
        wait=call.query["wait"],
        poll_first="no-cache" in (call.text_header("Cache-Control") or "").lower(),
        in_turn=not call.is_head,
    )
    latest: Headers = ((b"X-Qabel-Latest", page.latest.encode()),)
    if page.damaged:
        latest = (*latest, (b"X-Qabel-Damaged", page.damaged.encode()))
    if page.body is None:
        return Reply(204, content_type=None, headers=latest)
    if not call.is_head:
        page.on_its_way(call.request.notifyFinish())
    return Reply(200, page.body, headers=latest)


@routes.add(
    "POST",
    "/drop/ack",
    "Acknowledge messages read with `hold`: they are not new to the consumer any more",
    operation="acknowledgeMessages",
    scopes={"read"},
    for_one_identity=True,
    query=_READER,
    instead={"of": ()},
    body=_ACK,
    answers={
        204: "The cursor is at `upto`, or past it: it never moves back.",
        404: "No such token.",
        410: "The cursor is not known here; the database may have been restored.",
    },
)
async def acknowledge(call: Call) -> Reply:
    """Move the cursor of a consumer; parameters and consumer are those of the read."""
    given = call.body()
    upto = given.pop("upto")
    in_body = {name: value for name, value in given.items() if value is not None}
    for name, value in in_body.items():
        if call.query[name] not in (_READER[name].default, value):
            raise rejected(400, f"{name} differs in the query and in the body.")
    await call.view.inbox.acknowledge(MessageQuery(**_reader(call) | in_body), upto)
    return NO_CONTENT


@routes.add(
    "GET",
    "/drop/<id:message_id>",
    "Get a message",
    operation="getMessage",
    scopes={"read"},
    for_one_identity=True,
    answers={200: "The message.", 404: "No such message."},
    returns=MessageView,
)
async def read(call: Call, message_id: int) -> Reply:
    """Return a message."""
    return json_reply(await call.view.inbox.message(message_id))


@routes.add(
    "DELETE",
    "/drop/<id:message_id>",
    "Delete a message permanently",
    operation="deleteMessage",
    scopes={"delete"},
    for_one_identity=True,
    answers={204: "Deleted.", 404: "No such message."},
)
async def delete(call: Call, message_id: int) -> Reply:
    """Delete a message."""
    await call.view.inbox.delete(message_id)
    return NO_CONTENT


@routes.add(
    "POST",
    "/drop",
    "Send a drop message to the specified contacts",
    operation="sendMessage",
    scopes={"send"},
    for_one_identity=True,
    body=_BODY,
    answers={
        201: "Drop sent: the drop server of every recipient accepted it.",
        202: "Stored; the daemon keeps trying some recipients.",
        400: "Invalid drop message, sender or recipients.",
        404: "Recipients not found.",
        409: "The Idempotency-Key was used for another request.",
        413: "Drop message too large, with the introduction if `introduce` is true.",
        415: "The content type is not supported.",
        507: "Not enough disk space to store the message.",
    },
    reads={
        "Idempotency-Key": Key(
            Text(MAX_IDEMPOTENCY_KEY, shortest=1),
            None,
            description="A repeated key returns the first response again, and sends nothing.",
        ),
    },
    returns=OutcomeView,
    headers={201: ("Location",), 202: ("Location",)},
)
async def send(call: Call) -> Reply:
    """Send a message."""
    given = call.body()
    outcome = await call.view.outbox.send(
        given["recipients"],
        given["sender"],
        given["drop_message"],
        introduce=given["introduce"],
        idempotency_key=call.text_header("Idempotency-Key"),
    )
    location = b"/outbox/%d" % outcome.id
    status = 201 if outcome.is_complete else 202
    return json_reply(outcome, status, ((b"Location", location),))


def _query(call: Call) -> MessageQuery:
    since, hold = _since(call), call.query["hold"]
    if hold and since is not None:
        raise rejected(400, "A read with a cursor (since) moves nothing: leave out hold.")
    limit = call.query["limit"]
    return MessageQuery(**_reader(call), since=since, hold=hold, limit=limit)


def _reader(call: Call) -> dict[str, Any]:
    """Return the parameters that say whose cursor it is, and for which messages."""
    query = call.query
    return {name: query[name] for name in _READER}


def _since(call: Call) -> str | None:
    by_query: str | None = call.query["since"]
    by_header = call.text_header("X-Qabel-New-Since")
    if by_header is None:
        return by_query
    if by_query is not None and by_header != by_query:
        raise rejected(400, "The header X-Qabel-New-Since and ?since= differ.")
    return by_header
