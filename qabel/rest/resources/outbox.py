"""``/outbox``: sent messages, and the state of their deliveries."""

from qabel.contract.query import MAX_ID
from qabel.contract.reply import NO_CONTENT, Reply, json_reply
from qabel.contract.routes import Routes
from qabel.core.sending.views import SendView
from qabel.forms.compound import Key
from qabel.forms.plain import Integer
from qabel.rest.http.call import Call

routes = Routes("Outbox")

_SENDS = list[SendView]
_NOT_FOUND = {404: "No such send."}


@routes.add(
    "GET",
    "/outbox",
    "List sends, oldest first",
    operation="listSends",
    scopes={"read", "send"},
    for_one_identity=True,
    query={
        "after": Key(Integer(0, MAX_ID), 0, description="Only sends with an id above this one."),
        "limit": Key(Integer(1, 1000), 100, description="The largest number of sends to return."),
    },
    answers={
        200: "The sends, with the state of each recipient: sent, queued, failed or acknowledged."
    },
    returns=_SENDS,
)
async def sends(call: Call) -> Reply:
    """List sends."""
    return json_reply(await call.view.outbox.sends(call.query["after"], call.query["limit"]))


@routes.add(
    "GET",
    "/outbox/<id:send_id>",
    "Get a send and the state of its deliveries",
    operation="getSend",
    scopes={"read", "send"},
    for_one_identity=True,
    answers={200: "The send.", **_NOT_FOUND},
    returns=SendView,
)
async def read(call: Call, send_id: int) -> Reply:
    """Return a send."""
    return json_reply(await call.view.outbox.get(send_id))


@routes.add(
    "DELETE",
    "/outbox/<id:send_id>",
    "Delete a send, and cancel its queued deliveries",
    operation="deleteSend",
    scopes={"send"},
    for_one_identity=True,
    answers={204: "Deleted.", **_NOT_FOUND},
)
async def delete(call: Call, send_id: int) -> Reply:
    """Delete a send."""
    await call.view.outbox.delete(send_id)
    return NO_CONTENT
