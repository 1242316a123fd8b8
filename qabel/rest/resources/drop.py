"""``/drop``: messages received, and messages to be sent."""

from qabel.contract.query import identifier, seconds, text, whole_number
from qabel.contract.rejection import rejected
from qabel.contract.reply import NO_CONTENT, Headers, Reply
from qabel.contract.routes import Header, Key, Routes
from qabel.contract.schemas import REFERENCE, listing, ref
from qabel.core.journal.inbox import MAX_WAIT, Query
from qabel.core.sending.compose import DROP_MODEL, MAX_TIME_STAMP
from qabel.jsontext import parse
from qabel.rest.http.call import Call
from qabel.settings.document import Fault

routes = Routes("Drops")

MAX_LIMIT = 10_000
MAX_IDEMPOTENCY_KEY = 255

_QUERY = (
    text("consumer", "default", "Whose place in the inbox counts.", longest=100),
    text("since", None, "Gives what came after this place, and moves nothing."),
    whole_number("limit", 1, MAX_LIMIT, 1000, "How many messages at most."),
    identifier("identity", "Only messages to this identity."),
    identifier("contact", "Only messages from this contact."),
    text("model_object", None, "Only messages of this kind."),
    seconds("wait", MAX_WAIT, "Holds the request until something is new, so long at most."),
)

_PLAIN = Query()

_BODY = (
    Key(
        "recipients",
        "JSON list of contact ids, or their public keys.",
        {"type": "array", "items": REFERENCE, "minItems": 1, "examples": [[1]]},
        required=True,
    ),
    Key(
        "sender",
        "Identity id of the sender, or its public key.",
        REFERENCE,
        True,
    ),
    Key(
        "drop_message",
        "Drop message in JSON format: model_object and data are needed.",
        {
            "type": "object",
            "properties": {
                "model_object": {"type": "string", "minLength": 1, "not": {"const": DROP_MODEL}},
                "data": {"type": "object"},
                "time_stamp": {"type": "integer", "minimum": 0, "maximum": MAX_TIME_STAMP},
                "acknowledge_id": {"type": "string", "minLength": 1},
                "version": {"const": 1},
                "sender": {"type": "string"},
                "receiver": {"type": "string"},
            },
            "required": ["model_object", "data"],
            "additionalProperties": False,
            "examples": [{"model_object": "chat", "data": {"msg": "Hello"}}],
        },
        required=True,
    ),
)


@routes.add(
    "GET",
    "/drop",
    "Retrieve what is new, oldest first; HEAD tells whether there is anything",
    scopes={"read"},
    for_one_identity=True,
    query=_QUERY,
    answers={
        200: "New drops available: a list of drop messages.",
        204: "No new drops available.",
        410: "The place is not of this database, or is gone; the oldest there is stands here.",
    },
    reads=(
        Header("X-Qabel-New-Since", "The same as `since`."),
        Header("Cache-Control", "`no-cache` asks the drop servers first."),
    ),
    gives=listing(ref("Message")),
    tells={200: ("X-Qabel-Latest",), 204: ("X-Qabel-Latest",)},
)
async def retrieve(call: Call) -> Reply:
    """Give what is new; the consumer's place moves once all of it has been handed over."""
    query = call.query
    poll_first = b"no-cache" in (call.header(b"Cache-Control") or b"").lower()
    wanted, wait, inbox = _query(call), query["wait"], call.core.inbox
    if call.is_head or wanted.since is not None:
        answer = await inbox.read(wanted, wait=wait, poll_first=poll_first)
    else:
        answer = await call.services.turns.read(inbox, wanted, wait=wait, poll_first=poll_first)
    latest: Headers = ((b"X-Qabel-Latest", answer.latest.encode()),)
    if answer.body is None:
        return Reply(204, content_type=None, headers=latest)
    if not call.is_head and wanted.since is None:
        call.services.turns.take(wanted, answer, call.request)
    return Reply(200, answer.body, headers=latest)


@routes.add(
    "GET",
    "/drop/<id:message_id>",
    "Read one message",
    scopes={"read"},
    for_one_identity=True,
    answers={200: "The message.", 404: "There is no such message."},
    gives=ref("Message"),
)
async def read(call: Call, message_id: int) -> Reply:
    """Give one message."""
    return Reply(200, await _message(call, message_id))


@routes.add(
    "DELETE",
    "/drop/<id:message_id>",
    "Delete one message for good",
    scopes={"admin"},
    answers={204: "Deleted.", 404: "There is no such message."},
)
async def delete(call: Call, message_id: int) -> Reply:
    """Delete one message."""
    await call.core.inbox.delete(message_id)
    return NO_CONTENT


@routes.add(
    "POST",
    "/drop",
    "Send a drop message to the specified contacts",
    scopes={"send"},
    for_one_identity=True,
    body=_BODY,
    answers={
        201: "Drop sent: every recipient's drop server has taken it.",
        202: "Stored; some are still to be tried.",
        400: "Invalid drop message, sender or recipients.",
        404: "Recipients not found.",
        409: "The Idempotency-Key was used for something else.",
        413: "Drop message too large.",
        415: "The content type is not taken.",
        507: "There is no room to keep it.",
    },
    reads=(
        Header(
            "Idempotency-Key",
            "The same key again gives the first answer again, and sends nothing.",
            {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
        ),
    ),
    gives=ref("Outcome"),
    tells={201: ("Location",), 202: ("Location",)},
)
async def send(call: Call) -> Reply:
    """Send a message."""
    members = call.members()
    missing = [Fault(key.name, "is missing") for key in _BODY if key.name not in members]
    if missing:
        raise rejected(400, "The body has not all that is needed.", faults=missing)
    outcome = await call.core.outbox.send(
        members["recipients"],
        members["sender"],
        members["drop_message"],
        idempotency_key=_idempotency_key(call),
        identity=call.access.identity_id,
    )
    location = b"/outbox/%d" % outcome.id
    status = 201 if outcome.complete else 202
    return Reply(status, outcome.body, headers=((b"Location", location),))


def _query(call: Call) -> Query:
    query, own = call.query, call.access.identity_id
    if not call.request.args and own is None:
        since = _since(call)
        return _PLAIN if since is None else Query(since=since)
    identity = query["identity"]
    if own is not None and identity not in (None, own):
        raise rejected(403, "The token is for another identity only.")
    return Query(
        consumer=query["consumer"],
        since=_since(call),
        limit=query["limit"],
        identity=own if own is not None else identity,
        contact=query["contact"],
        model_object=query["model_object"],
    )


def _since(call: Call) -> str | None:
    by_query: str | None = call.query["since"]
    by_header = call.text_header(b"X-Qabel-New-Since")
    if by_header is None:
        return by_query
    if by_query is not None and by_header != by_query:
        raise rejected(400, "The header X-Qabel-New-Since and ?since= say different things.")
    if not by_header:
        raise rejected(400, "The header X-Qabel-New-Since is empty.")
    return by_header


async def _message(call: Call, message_id: int) -> bytes:
    body = await call.core.inbox.message(message_id)
    own = call.access.identity_id
    if own is not None:
        message = parse(body, depth=200)
        if not isinstance(message, dict) or message.get("identity_id") != own:
            raise rejected(404, f"There is no message {message_id}.")
    return body


def _idempotency_key(call: Call) -> str | None:
    key = call.text_header(b"Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_IDEMPOTENCY_KEY:
        raise rejected(400, f"An Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY} characters.")
    return key
