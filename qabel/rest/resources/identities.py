"""``/identities``: who the user is."""

from twisted.internet.threads import deferToThread

from qabel.contract.reply import NO_CONTENT, Reply, created, file_reply, json_reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import BYTES, TEXT
from qabel.contract.uploads import read_upload, upload
from qabel.core.people.views import IdentityView
from qabel.drop.card_forms import QcoFile, QidFile
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Text
from qabel.rest.http.call import Call
from qabel.rest.resources.qr import FORMATS, draw
from qabel.settings.items import DROP_URLS

routes = Routes("Identities")

READ = {"read", "send", "settings"}
WRITE = {"settings"}

_IDENTITIES = list[IdentityView]

_LOCATION = {201: ("Location",)}
_ATTACHED = {200: ("Content-Disposition",)}
_ALIAS = Key(Text(), description="Its name.", examples=["Alice"])

_IDENTITY = Object(
    {
        "alias": _ALIAS,
        "drops": Key(OrNull(DROP_URLS), None, description="Its drop URLs, if none is to be made."),
    }
)
_IDENTITY_CHANGES = Object(
    {"alias": _ALIAS, "drops": Key(DROP_URLS, description="Its drop URLs.")}
).as_changes()

_IDENTITY_UPLOAD, _IDENTITY_BODY = upload("The .qid document", [QidFile])

_NO_IDENTITY = {404: "There is no such identity."}


@routes.add(
    "GET",
    "/identities",
    "List the identities",
    scopes=READ,
    for_one_identity=True,
    answers={200: "A list of identities, without their private keys."},
    gives=_IDENTITIES,
)
def identities(call: Call) -> Reply:
    """List identities."""
    return json_reply(call.view.people.identities())


@routes.add(
    "POST",
    "/identities",
    "Create an identity: a key pair, and a drop on the first active drop server",
    scopes=WRITE,
    body=_IDENTITY,
    answers={201: "Created.", 400: "It is not valid.", 409: "There is no active drop server."},
    gives=IdentityView,
    tells=_LOCATION,
)
async def add_identity(call: Call) -> Reply:
    """Create an identity."""
    given = call.body()
    identity = await call.core.people.add_identity(given["alias"], given["drops"])
    return created(identity, f"/identities/{identity.id}")


@routes.add(
    "POST",
    "/identities/import",
    "Import an identity from a .qid document",
    scopes=WRITE,
    raw=_IDENTITY_BODY,
    parts=(QidFile,),
    answers={
        201: "Imported.",
        400: "It is not a valid document.",
        409: "The identity exists already.",
    },
    gives=IdentityView,
    tells=_LOCATION,
)
async def import_identity(call: Call) -> Reply:
    """Import an identity."""
    given = call.checked(_IDENTITY_UPLOAD, call.read(read_upload))
    identity = await call.core.cards.import_identity(given["document"])
    return created(identity, f"/identities/{identity.id}")


@routes.add(
    "GET",
    "/identities/<ref:ref>",
    "Read one identity",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The identity, without its private key.", **_NO_IDENTITY},
    gives=IdentityView,
)
def identity(call: Call, ref: str) -> Reply:
    """Return one identity."""
    return json_reply(call.view.people.identity(ref))


@routes.add(
    "PATCH",
    "/identities/<ref:ref>",
    "Change an identity's alias or drops",
    scopes=WRITE,
    body=_IDENTITY_CHANGES,
    answers={200: "Changed.", 400: "It is not valid.", **_NO_IDENTITY},
    gives=IdentityView,
)
async def change_identity(call: Call, ref: str) -> Reply:
    """Change one identity."""
    return json_reply(await call.core.people.change_identity(ref, call.body()))


@routes.add(
    "DELETE",
    "/identities/<ref:ref>",
    "Delete an identity; its messages stay",
    scopes=WRITE,
    answers={204: "Deleted.", **_NO_IDENTITY},
)
async def delete_identity(call: Call, ref: str) -> Reply:
    """Delete one identity."""
    await call.core.people.delete_identity(ref)
    return NO_CONTENT


@routes.add(
    "GET",
    "/identities/<ref:ref>/export",
    "Export an identity as a .qid document, which holds its private key",
    scopes=WRITE,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_IDENTITY},
    gives=QidFile,
    tells=_ATTACHED,
)
def export_identity(call: Call, ref: str) -> Reply:
    """Export an identity with its private key."""
    body = call.core.cards.export_identity(ref)
    return file_reply(
        body, b"application/json", f"identity-{call.core.people.identity(ref).id}.qid"
    )


@routes.add(
    "GET",
    "/identities/<ref:ref>/contact",
    "Export what an identity hands to others as a .qco document",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_IDENTITY},
    gives=QcoFile,
    tells=_ATTACHED,
)
def contact_file(call: Call, ref: str) -> Reply:
    """Export what others need to know of an identity."""
    body = call.view.cards.contact_file(ref)
    return file_reply(
        body, b"application/json", f"identity-{call.view.people.identity(ref).id}.qco"
    )


def _declare_qr(suffix: str, content_type: str) -> None:
    @routes.add(
        "GET",
        f"/identities/<ref:ref>/qr.{suffix}",
        f"Return what an identity hands to others as a QR code ({suffix})",
        scopes=READ,
        for_one_identity=True,
        answers={200: "The QR code.", 409: "It does not fit into one.", **_NO_IDENTITY},
        gives=TEXT if content_type.startswith("text/") else BYTES,
        produces=content_type,
    )
    async def qr(call: Call, ref: str) -> Reply:
        content = call.view.cards.contact_text(ref)
        return Reply(200, await deferToThread(draw, content, suffix), content_type.encode())


for _suffix, _content_type in FORMATS.items():
    _declare_qr(_suffix, _content_type)
