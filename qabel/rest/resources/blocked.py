"""``/blocked``: the public keys whose messages are passed over."""

from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Routes
from qabel.core.people.blocked import BLOCKED_INPUT, BlockedView
from qabel.rest.http.call import Call

routes = Routes("Blocked senders")

SCOPES = {"contacts"}

_BLOCKED = list[BlockedView]


@routes.add(
    "GET",
    "/blocked",
    "List the blocked keys",
    operation="listBlocked",
    scopes=SCOPES,
    answers={200: "The blocked keys, oldest first."},
    returns=_BLOCKED,
)
def listed(call: Call) -> Reply:
    """List blocked keys."""
    return json_reply(call.core.blocked.all())


@routes.add(
    "POST",
    "/blocked",
    "Block a key: its messages are passed over",
    operation="blockKey",
    scopes=SCOPES,
    body=BLOCKED_INPUT,
    answers={
        201: "Blocked.",
        400: "Invalid key, or the key of an identity of your own.",
        409: "The key is blocked already.",
    },
    returns=BlockedView,
    headers={201: ("Location",)},
)
async def block(call: Call) -> Reply:
    """Block a key."""
    blocked = await call.core.blocked.add(call.body()["public_key"])
    return created(blocked, f"/blocked/{blocked.id}")


@routes.add(
    "DELETE",
    "/blocked/<id:blocked_id>",
    "Unblock a key: what is still on the drop servers is received",
    operation="unblockKey",
    scopes=SCOPES,
    answers={204: "Unblocked.", 404: "No such blocked key."},
)
async def unblock(call: Call, blocked_id: int) -> Reply:
    """Unblock a key."""
    await call.core.blocked.remove(blocked_id)
    return NO_CONTENT
