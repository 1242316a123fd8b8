"""``/outbox``: what is on its way, and what became of it."""

from qabel.contract.query import MAX_ID, whole_number
from qabel.contract.reply import NO_CONTENT, Reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import listing, ref
from qabel.rest.http.call import Call

routes = Routes("Outbox")

_NOT_FOUND = {404: "There is no such send."}


@routes.add(
    "GET",
    "/outbox",
    "List what was sent, oldest first",
    scopes={"read", "send"},
    for_one_identity=True,
    query=(
        whole_number("after", 0, MAX_ID, 0, "Only those with a larger id."),
        whole_number("limit", 1, 1000, 100, "How many at most."),
    ),
    answers={200: "A list, recipient by recipient: sent, queued, failed, acknowledged."},
    gives=listing(ref("Send")),
)
async def sends(call: Call) -> Reply:
    """List sends."""
    query, own = call.query, call.access.identity_id
    return Reply(200, await call.core.outbox.sends(query["after"], query["limit"], own))


@routes.add(
    "GET",
    "/outbox/<id:send_id>",
    "See what became of one send",
    scopes={"read", "send"},
    for_one_identity=True,
    answers={200: "The send.", **_NOT_FOUND},
    gives=ref("Send"),
)
async def read(call: Call, send_id: int) -> Reply:
    """Give one send."""
    return Reply(200, await call.core.outbox.get(send_id, call.access.identity_id))


@routes.add(
    "DELETE",
    "/outbox/<id:send_id>",
    "Forget a send; what was not yet posted of it never will be",
    scopes={"send"},
    for_one_identity=True,
    answers={204: "Forgotten.", **_NOT_FOUND},
)
async def delete(call: Call, send_id: int) -> Reply:
    """Forget one send."""
    await call.core.outbox.delete(send_id, call.access.identity_id)
    return NO_CONTENT
