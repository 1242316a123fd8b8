"""``/webhooks``: URLs to which the daemon brings what is new."""

from qabel.contract.query import text
from qabel.contract.rejection import rejected
from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Key, Routes
from qabel.contract.schemas import listing, ref
from qabel.core.journal.webhooks import KINDS, MIN_SECRET
from qabel.net.webhook_client import MAX_URL
from qabel.rest.http.call import Call
from qabel.settings.document import Fault

routes = Routes("Webhooks")

SCOPES = {"admin"}

_NOT_FOUND = {404: "There is no such webhook."}

_URL = {
    "type": "string",
    "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$",
    "maxLength": MAX_URL,
    "examples": ["http://127.0.0.1:8000/hook"],
}
_KINDS = {
    "type": "array",
    "items": {"enum": list(KINDS)},
    "minItems": 1,
    "default": ["drop"],
}
_SINCE = {"type": ["string", "null"]}
_SECRET = {"type": "string", "minLength": MIN_SECRET, "maxLength": 256}

_BODY = (
    Key("url", "Where to bring it: loopback, unless others are allowed.", _URL, True),
    Key("kinds", "What to tell of.", _KINDS),
    Key("secret", "The key of the signatures; made if it is not given.", _SECRET),
    Key("since", "The place after which to begin; from now on, if not given.", _SINCE),
)


@routes.add(
    "GET",
    "/webhooks",
    "List the webhooks",
    scopes=SCOPES,
    answers={200: "A list of webhooks."},
    gives=listing(ref("Webhook")),
)
def listed(call: Call) -> Reply:
    """List webhooks, without their secrets."""
    return json_reply(call.core.webhooks.list())


@routes.add(
    "POST",
    "/webhooks",
    "Add a webhook; only this answer tells its secret",
    scopes=SCOPES,
    body=_BODY,
    answers={201: "Added.", 400: "It is not valid.", 410: "The place is gone."},
    gives=ref("NewWebhook"),
    tells={201: ("Location",)},
)
async def add(call: Call) -> Reply:
    """Add a webhook."""
    webhook = await call.core.webhooks.add(call.members())
    return created(webhook, f"/webhooks/{webhook['id']}")


@routes.add(
    "GET",
    "/webhooks/<id:webhook_id>",
    "Read one webhook",
    scopes=SCOPES,
    answers={200: "The webhook.", **_NOT_FOUND},
    gives=ref("Webhook"),
)
def read(call: Call, webhook_id: int) -> Reply:
    """Give one webhook."""
    return json_reply(call.core.webhooks.get(webhook_id))


@routes.add(
    "DELETE",
    "/webhooks/<id:webhook_id>",
    "Forget a webhook",
    scopes=SCOPES,
    answers={204: "Forgotten.", **_NOT_FOUND},
)
async def delete(call: Call, webhook_id: int) -> Reply:
    """Forget one webhook."""
    await call.core.webhooks.delete(webhook_id)
    return NO_CONTENT


@routes.add(
    "GET",
    "/webhooks/<id:webhook_id>/undelivered",
    "List what could not be delivered",
    scopes=SCOPES,
    answers={200: "A list, oldest first.", **_NOT_FOUND},
    gives=listing(ref("Undelivered")),
)
async def undelivered(call: Call, webhook_id: int) -> Reply:
    """Give what a webhook could not be told."""
    return Reply(200, await call.core.webhooks.undelivered(webhook_id))


@routes.add(
    "DELETE",
    "/webhooks/<id:webhook_id>/undelivered",
    "Take what was seen to off the list of what could not be delivered",
    scopes=SCOPES,
    query=(text("upto", None, "Required: the place of the last entry that was seen to."),),
    answers={
        204: "It is listed no more.",
        400: "There is no place.",
        410: "The place is not of this database.",
        **_NOT_FOUND,
    },
)
async def forget_undelivered(call: Call, webhook_id: int) -> Reply:
    """Shorten the list; what was added to it meanwhile stays."""
    upto = call.query["upto"]
    if upto is None:
        fault = Fault("upto", "is required: the place of the last entry that was seen to")
        raise rejected(400, "The query is not valid.", faults=[fault])
    await call.core.webhooks.forget_undelivered(webhook_id, upto)
    return NO_CONTENT
