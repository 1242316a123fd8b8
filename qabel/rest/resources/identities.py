"""``/identities``: the identities of the user."""

from twisted.internet.threads import deferToThread

from qabel.contract.reply import NO_CONTENT, Reply, created, file_reply, json_reply
from qabel.contract.routes import LARGE_BODY, Routes
from qabel.contract.schemas import BYTES, TEXT
from qabel.contract.uploads import BYTES as ANY_BYTES
from qabel.contract.uploads import read_upload, upload
from qabel.core.people.views import IdentityView, ImportedIdentityView
from qabel.drop.card_forms import QcoFile, QidFile
from qabel.forms.alias import Alias
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Present, Text
from qabel.rest.http.call import Call
from qabel.rest.resources.qr import FORMATS, draw
from qabel.settings.items import DROP_URLS

routes = Routes("Identities")

READ = {"read", "send", "contacts", "keys", "settings"}
CARDS = {"contacts", "settings"}
WRITE = {"contacts"}
KEYS = {"keys"}

_IDENTITIES = list[IdentityView]

_LOCATION = {201: ("Location",)}
_ATTACHED = {200: ("Content-Disposition",)}
_ALIAS = Key(Alias(), description="The name.", examples=["Alice"])

_REACHED_BY = {
    "email": Key(Text(), "", description="The e-mail address in contact files."),
    "phone": Key(Text(), "", description="The phone number in contact files."),
}
_IDENTITY = Object(
    {
        "alias": _ALIAS,
        "drops": Key(OrNull(DROP_URLS), None, description="The drop URLs. Default: a new one."),
        **_REACHED_BY,
    }
)
_IDENTITY_CHANGES = Object(
    {"alias": _ALIAS, "drops": Key(DROP_URLS, description="The drop URLs."), **_REACHED_BY}
).as_changes()

_IDENTITY_UPLOAD, _IDENTITY_BODY = upload("IdentityUpload", "The .qid document", [QidFile])

_PURGE = Key(
    Present(),
    default=False,
    description="Remove its private key, messages, sends, tokens and contacts for good, also of "
    "an identity that was deleted before.",
)
_ALLOW_PRIVATE = Key(
    Present(),
    default=False,
    description="Take drop URLs on this machine or in a private network, too.",
)

_NO_IDENTITY = {404: "No such identity."}


@routes.add(
    "GET",
    "/identities",
    "List the identities",
    operation="listIdentities",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The identities, without their private keys."},
    returns=_IDENTITIES,
)
def identities(call: Call) -> Reply:
    """List identities."""
    return json_reply(call.view.people.identities())


@routes.add(
    "POST",
    "/identities",
    "Create an identity: a key pair, and a drop on the first active drop server",
    operation="createIdentity",
    scopes=WRITE,
    body=_IDENTITY,
    answers={201: "Created.", 400: "Invalid identity.", 409: "No active drop server."},
    returns=IdentityView,
    headers=_LOCATION,
)
async def add_identity(call: Call) -> Reply:
    """Create an identity."""
    given = call.body()
    identity = await call.core.people.add_identity(**given)
    return created(identity, f"/identities/{identity.id}")


@routes.add(
    "POST",
    "/identities/import",
    "Import an identity from a .qid document",
    operation="importIdentity",
    scopes=KEYS,
    query={"allow_private": _ALLOW_PRIVATE},
    raw=_IDENTITY_BODY,
    parts=(QidFile,),
    answers={
        201: "Imported.",
        400: "Invalid document, or drop URLs on this machine or in a private network.",
        409: "The identity exists already.",
    },
    returns=ImportedIdentityView,
    headers=_LOCATION,
    body_limit=LARGE_BODY,
)
async def import_identity(call: Call) -> Reply:
    """Import an identity."""
    given = call.checked(_IDENTITY_UPLOAD, call.read(read_upload))
    identity = await call.core.cards.import_identity(
        given["document"], allow_private=call.query["allow_private"]
    )
    return created(identity, f"/identities/{identity.id}")


@routes.add(
    "GET",
    "/identities/<ref:ref>",
    "Get an identity",
    operation="getIdentity",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The identity, without its private key.", **_NO_IDENTITY},
    returns=IdentityView,
)
def identity(call: Call, ref: str) -> Reply:
    """Return an identity."""
    return json_reply(call.view.people.identity(ref))


@routes.add(
    "PATCH",
    "/identities/<ref:ref>",
    "Change an identity; what cannot be changed may be sent back as it is",
    operation="updateIdentity",
    scopes=WRITE,
    body=_IDENTITY_CHANGES,
    answers={200: "Changed.", 400: "Invalid identity.", **_NO_IDENTITY},
    returns=IdentityView,
)
async def change_identity(call: Call, ref: str) -> Reply:
    """Change an identity."""
    changes = call.changes(call.core.people.identity(ref))
    return json_reply(await call.core.people.change_identity(ref, changes))


@routes.add(
    "DELETE",
    "/identities/<ref:ref>",
    "Delete an identity, but not its messages, or purge it with everything that belongs to it",
    operation="deleteIdentity",
    scopes=WRITE,
    query={"purge": _PURGE},
    instead={"purge": KEYS},
    answers={
        204: "Deleted.",
        409: "Another identity with the same key is not deleted.",
        **_NO_IDENTITY,
    },
)
async def delete_identity(call: Call, ref: str) -> Reply:
    """Delete an identity, or purge it."""
    if call.query["purge"]:
        await call.core.purging.purge(ref)
    else:
        await call.core.people.delete_identity(ref)
    return NO_CONTENT


@routes.add(
    "GET",
    "/identities/<ref:ref>/export",
    "Export an identity, with its private key, as a .qid document",
    operation="exportIdentity",
    scopes=KEYS,
    answers={200: "The document.", 409: "The identity cannot be exported.", **_NO_IDENTITY},
    returns=QidFile,
    headers=_ATTACHED,
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
    "Export the contact card of an identity as a .qco document",
    operation="exportContactCard",
    scopes=CARDS,
    for_one_identity=True,
    answers={200: "The document.", 409: "The identity cannot be exported.", **_NO_IDENTITY},
    returns=QcoFile,
    headers=_ATTACHED,
)
def contact_file(call: Call, ref: str) -> Reply:
    """Export the contact card of an identity: its name, public key and drop URLs."""
    body = call.view.cards.contact_file(ref)
    return file_reply(
        body, b"application/json", f"identity-{call.view.people.identity(ref).id}.qco"
    )


def _declare_qr(suffix: str, content_type: str) -> None:
    is_text = content_type.startswith("text/")

    @routes.add(
        "GET",
        f"/identities/<ref:ref>/qr.{suffix}",
        f"Get the contact card of an identity as a QR code ({suffix})",
        operation=f"getContactCard{suffix.title()}",
        scopes=CARDS,
        for_one_identity=True,
        answers={200: "The QR code.", 409: "Too long for a QR code.", **_NO_IDENTITY},
        returns=TEXT if is_text else BYTES,
        # Generators of clients know no images.
        produces=(content_type,) if is_text else (content_type, ANY_BYTES),
    )
    async def qr(call: Call, ref: str) -> Reply:
        content = call.view.cards.contact_text(ref)
        wanted = call.request.getHeader(b"Accept")
        produced = ANY_BYTES if not is_text and wanted == ANY_BYTES.encode() else content_type
        return Reply(200, await deferToThread(draw, content, suffix), produced.encode())


for _suffix, _content_type in FORMATS.items():
    _declare_qr(_suffix, _content_type)
