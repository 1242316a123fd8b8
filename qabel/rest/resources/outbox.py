"""``/outbox``: what is on its way, and what became of it."""

from qabel.contract.query import MAX_ID
from qabel.contract.reply import NO_CONTENT, Reply, json_reply
from qabel.contract.routes import Routes
from qabel.core.sending.views import SendView
from qabel.forms.compound import Key
from qabel.forms.plain import Integer
from qabel.rest.http.call import Call

routes = Routes("Outbox")

_SENDS = list[SendView]
_NOT_FOUND = {404: "There is no such send."}


@routes.add(
    "GET",
    "/outbox",
    "List what was sent, oldest first",
    scopes={"read", "send"},
    for_one_identity=True,
    query={
        "after": Key(Integer(0, MAX_ID), 0, description="Only those with a larger id."),
        "limit": Key(Integer(1, 1000), 100, description="How many at most."),
    },
    answers={200: "A list, recipient by recipient: sent, queued, failed, acknowledged."},
    gives=_SENDS,
)
async def sends(call: Call) -> Reply:
    """List sends."""
    return json_reply(await call.view.outbox.sends(call.query["after"], call.query["limit"]))


@routes.add(
    "GET",
    "/outbox/<id:send_id>",
    "See what became of one send",
    scopes={"read", "send"},
    for_one_identity=True,
    answers={200: "The send.", **_NOT_FOUND},
    gives=SendView,
)
async def read(call: Call, send_id: int) -> Reply:
    """Return one send."""
    return json_reply(await call.view.outbox.get(send_id))


@routes.add(
    "DELETE",
    "/outbox/<id:send_id>",
    "Delete a send; recipients that it was not sent to yet never get it",
    scopes={"send"},
    for_one_identity=True,
    answers={204: "Deleted.", **_NOT_FOUND},
)
async def delete(call: Call, send_id: int) -> Reply:
    """Delete one send."""
    await call.view.outbox.delete(send_id)
    return NO_CONTENT
