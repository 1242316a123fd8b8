"""``/webhooks``: URLs to which the daemon posts events."""

from qabel.contract.query import CURSOR
from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Routes
from qabel.core.journal.webhooks import (
    WEBHOOK_INPUT,
    NewWebhookView,
    UndeliveredView,
    WebhookView,
)
from qabel.forms.compound import Key
from qabel.rest.http.call import Call

routes = Routes("Webhooks")

# They export everything, and make the daemon send requests.
SCOPES = {"admin"}

_WEBHOOKS = list[WebhookView]
_UNDELIVERED = list[UndeliveredView]
_NOT_FOUND = {404: "No such webhook."}


@routes.add(
    "GET",
    "/webhooks",
    "List the webhooks",
    operation="listWebhooks",
    scopes=SCOPES,
    answers={200: "The webhooks."},
    returns=_WEBHOOKS,
)
def listed(call: Call) -> Reply:
    """List webhooks, without their secrets."""
    return json_reply(call.core.webhooks.all())


@routes.add(
    "POST",
    "/webhooks",
    "Add a webhook; only this response contains its secret",
    operation="addWebhook",
    scopes=SCOPES,
    body=WEBHOOK_INPUT,
    answers={201: "Added.", 400: "Invalid webhook.", 410: "The cursor is unknown or expired."},
    returns=NewWebhookView,
    headers={201: ("Location",)},
)
async def add(call: Call) -> Reply:
    """Add a webhook."""
    webhook = await call.core.webhooks.add(**call.body())
    return created(webhook, f"/webhooks/{webhook.id}")


@routes.add(
    "GET",
    "/webhooks/<id:webhook_id>",
    "Get a webhook",
    operation="getWebhook",
    scopes=SCOPES,
    answers={200: "The webhook.", **_NOT_FOUND},
    returns=WebhookView,
)
def read(call: Call, webhook_id: int) -> Reply:
    """Return a webhook."""
    return json_reply(call.core.webhooks.get(webhook_id))


@routes.add(
    "DELETE",
    "/webhooks/<id:webhook_id>",
    "Delete a webhook",
    operation="deleteWebhook",
    scopes=SCOPES,
    answers={204: "Deleted.", **_NOT_FOUND},
)
async def delete(call: Call, webhook_id: int) -> Reply:
    """Delete a webhook."""
    await call.core.webhooks.delete(webhook_id)
    return NO_CONTENT


@routes.add(
    "GET",
    "/webhooks/<id:webhook_id>/undelivered",
    "List undelivered entries",
    operation="listUndelivered",
    scopes=SCOPES,
    answers={200: "The undelivered entries, oldest first.", **_NOT_FOUND},
    returns=_UNDELIVERED,
)
async def undelivered(call: Call, webhook_id: int) -> Reply:
    """Return the entries that could not be delivered to a webhook."""
    return json_reply(await call.core.webhooks.undelivered(webhook_id))


@routes.add(
    "DELETE",
    "/webhooks/<id:webhook_id>/undelivered",
    "Delete undelivered entries up to a cursor",
    operation="deleteUndelivered",
    scopes=SCOPES,
    query={"upto": Key(CURSOR, description="The cursor of the last entry to delete.")},
    answers={
        204: "Deleted.",
        400: "Missing or invalid cursor.",
        410: "The cursor is not known here; the database may have been restored.",
        **_NOT_FOUND,
    },
)
async def forget_undelivered(call: Call, webhook_id: int) -> Reply:
    """Delete undelivered entries; entries added meanwhile stay."""
    await call.core.webhooks.forget_undelivered(webhook_id, call.query["upto"])
    return NO_CONTENT
