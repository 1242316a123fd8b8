"""``/servers``: the drop servers, without the tokens of closed groups."""

from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Routes
from qabel.core.servers import DropServerView, ServerTestView
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Flag
from qabel.rest.http.call import Call
from qabel.settings.group_token_form import GroupTokenForm
from qabel.settings.qabel_forms import DropServerURLForm

routes = Routes("Servers")

SCOPES = {"servers"}

_SERVERS = list[DropServerView]

_URL = Key(
    DropServerURLForm(),
    description="The URL, without a drop id.",
    examples=["https://drop.example.org"],
)
_ACTIVE = Key(Flag(), default=True, description="Whether new drops may be created on it.")
_AUTH = Key(
    GroupTokenForm(),
    "",
    description="The token of the closed group that the server is for. It is never shown.",
)
_SERVER = Object({"url": _URL, "auth": _AUTH, "active": _ACTIVE})
_CHANGES = _SERVER.as_changes()
_TEST = Object(
    {
        "url": _URL,
        "auth": Key(
            GroupTokenForm(),
            None,
            description="A group token to try, in place of the one that is set; empty for none.",
        ),
    }
)

_NOT_FOUND = {404: "No such drop server."}


@routes.add(
    "GET",
    "/servers",
    "List the drop servers",
    operation="listServers",
    scopes=SCOPES,
    answers={200: "The drop servers; new drops are created on the preferred one."},
    returns=_SERVERS,
)
def listed(call: Call) -> Reply:
    """List drop servers."""
    return json_reply(call.view.servers.all())


@routes.add(
    "POST",
    "/servers",
    "Add a drop server",
    operation="addServer",
    scopes=SCOPES,
    body=_SERVER,
    answers={201: "Added.", 400: "Invalid drop server.", 409: "It is in the list already."},
    returns=DropServerView,
    headers={201: ("Location",)},
)
async def add(call: Call) -> Reply:
    """Add a drop server."""
    server = await call.view.servers.add(**call.body())
    return created(server, f"/servers/{server.id}")


@routes.add(
    "POST",
    "/servers/test",
    "Try the drop server at a URL: reading, posting a message to a new drop, and push",
    operation="testServer",
    scopes=SCOPES,
    body=_TEST,
    answers={200: "The result of the test.", 400: "Invalid URL."},
    returns=ServerTestView,
)
async def test(call: Call) -> Reply:
    """Test a drop server, which need not be in the list."""
    return json_reply(await call.view.servers.test(**call.body()))


@routes.add(
    "GET",
    "/servers/<id:server_id>",
    "Get a drop server",
    operation="getServer",
    scopes=SCOPES,
    answers={200: "The drop server.", **_NOT_FOUND},
    returns=DropServerView,
)
def read(call: Call, server_id: int) -> Reply:
    """Return a drop server."""
    return json_reply(call.view.servers.get(server_id))


@routes.add(
    "PATCH",
    "/servers/<id:server_id>",
    "Change a drop server; with another URL, its group token is removed unless given. What cannot "
    "be changed may be sent back as it is",
    operation="updateServer",
    scopes=SCOPES,
    body=_CHANGES,
    answers={
        200: "Changed.",
        400: "Invalid drop server.",
        409: "Another drop server has this URL.",
        **_NOT_FOUND,
    },
    returns=DropServerView,
)
async def change(call: Call, server_id: int) -> Reply:
    """Change a drop server."""
    changes = call.changes(call.view.servers.get(server_id))
    return json_reply(await call.view.servers.change(server_id, changes))


@routes.add(
    "DELETE",
    "/servers/<id:server_id>",
    "Delete a drop server; drops on it are still read",
    operation="deleteServer",
    scopes=SCOPES,
    answers={204: "Deleted.", **_NOT_FOUND},
)
async def delete(call: Call, server_id: int) -> Reply:
    """Delete a drop server."""
    await call.view.servers.delete(server_id)
    return NO_CONTENT


@routes.add(
    "POST",
    "/servers/<id:server_id>/prefer",
    "Create new drops on this drop server",
    operation="preferServer",
    scopes=SCOPES,
    answers={200: "Preferred.", 409: "It is not active.", **_NOT_FOUND},
    returns=DropServerView,
)
async def prefer(call: Call, server_id: int) -> Reply:
    """Prefer a drop server."""
    return json_reply(await call.view.servers.prefer(server_id))
