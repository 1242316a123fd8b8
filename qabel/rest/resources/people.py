"""``/identities`` and ``/contacts``: who the user is, and whom the user knows."""

from twisted.internet.threads import deferToThread

from qabel.contract.reply import NO_CONTENT, Reply, created, file_reply, json_reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import BYTES, TEXT
from qabel.contract.uploads import read_upload, upload
from qabel.core.people.references import ReferenceForm
from qabel.core.people.views import ContactView, IdentityView, ImportedView
from qabel.drop.card_forms import QcoContact, QcoFile, QidFile
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Text
from qabel.rest.http.call import Call
from qabel.rest.resources.qr import FORMATS, draw
from qabel.settings.items import DROP_URLS
from qabel.settings.module_data import ModuleDataForm
from qabel.settings.qabel_forms import PUBLIC_KEY

routes = Routes("People")

READ = {"read", "send", "settings"}
WRITE = {"settings"}

_IDENTITIES = list[IdentityView]
_CONTACTS = list[ContactView]
_IMPORTED = list[ImportedView]

_LOCATION = {201: ("Location",)}
_ATTACHED = {200: ("Content-Disposition",)}
_OWNER_TEXT = "Whose contact: an identity's id or public key."
_OWNER = Key(OrNull(ReferenceForm()), None, description=_OWNER_TEXT)
_QUERY = {"identity": Key(Text(200, shortest=1), None, description=_OWNER_TEXT)}
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

_CONTACT_KEYS = {
    "alias": _ALIAS,
    "public_key": Key(PUBLIC_KEY, description="64 hexadecimal digits.", examples=["aa" * 32]),
    "drop_urls": Key(DROP_URLS, (), description="Where it can be reached."),
    "module_data": Key(ModuleDataForm(), None, description="What modules keep with it."),
}
_CONTACT = Object({**_CONTACT_KEYS, "identity": _OWNER})
_CONTACT_CHANGES = Object(_CONTACT_KEYS).as_changes()

_IDENTITY_UPLOAD, _IDENTITY_BODY = upload("The .qid document", [QidFile])
_CONTACTS_UPLOAD, _CONTACTS_BODY = upload(
    "The .qco document", [QcoFile, QcoContact], identity=_OWNER
)

_NO_IDENTITY = {404: "There is no such identity."}
_NO_CONTACT = {404: "There is no such contact."}


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
    return _file(body, f"identity-{call.core.people.identity(ref).id}.qid")


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
    return _file(body, f"identity-{call.view.people.identity(ref).id}.qco")


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


@routes.add(
    "GET",
    "/contacts",
    "List the contacts",
    scopes=READ,
    for_one_identity=True,
    query=_QUERY,
    answers={200: "A list of contacts."},
    gives=_CONTACTS,
)
def contacts(call: Call) -> Reply:
    """List contacts."""
    return json_reply(call.view.people.contacts(call.query["identity"]))


@routes.add(
    "POST",
    "/contacts",
    "Add a contact",
    scopes=WRITE,
    query=_QUERY,
    body=_CONTACT,
    answers={201: "Added.", 400: "It is not valid.", 409: "The contact exists already."},
    gives=ContactView,
    tells=_LOCATION,
)
async def add_contact(call: Call) -> Reply:
    """Add a contact."""
    given = call.body()
    modules = given["module_data"]
    contact = await call.core.people.add_contact(
        given["identity"] if given["identity"] is not None else call.query["identity"],
        given["alias"],
        given["public_key"],
        given["drop_urls"],
        None if modules is None else modules.value,
    )
    return created(contact, f"/contacts/{contact.id}")


@routes.add(
    "POST",
    "/contacts/import",
    "Import contacts from a .qco document, or from the text of a QR code",
    scopes=WRITE,
    query=_QUERY,
    raw=_CONTACTS_BODY,
    parts=(QcoFile, QcoContact),
    gives=_IMPORTED,
    answers={200: "A list of what became of each.", 400: "It is not a valid document."},
)
async def import_contacts(call: Call) -> Reply:
    """Import contacts."""
    given = call.checked(_CONTACTS_UPLOAD, call.read(read_upload))
    owner = given["identity"] if given["identity"] is not None else call.query["identity"]
    return json_reply(await call.core.cards.import_contacts(owner, given["document"]))


@routes.add(
    "GET",
    "/contacts/<id:contact_id>",
    "Read one contact",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The contact.", **_NO_CONTACT},
    gives=ContactView,
)
def contact(call: Call, contact_id: int) -> Reply:
    """Return one contact."""
    return json_reply(call.view.people.contact(contact_id))


@routes.add(
    "PATCH",
    "/contacts/<id:contact_id>",
    "Change a contact",
    scopes=WRITE,
    body=_CONTACT_CHANGES,
    answers={200: "Changed.", 400: "It is not valid.", **_NO_CONTACT},
    gives=ContactView,
)
async def change_contact(call: Call, contact_id: int) -> Reply:
    """Change one contact."""
    return json_reply(await call.core.people.change_contact(contact_id, call.body()))


@routes.add(
    "DELETE",
    "/contacts/<id:contact_id>",
    "Delete a contact; what came from it stays",
    scopes=WRITE,
    answers={204: "Deleted.", **_NO_CONTACT},
)
async def delete_contact(call: Call, contact_id: int) -> Reply:
    """Delete one contact."""
    await call.core.people.delete_contact(contact_id)
    return NO_CONTENT


@routes.add(
    "GET",
    "/contacts/<id:contact_id>/export",
    "Export a contact as a .qco document",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_CONTACT},
    gives=QcoFile,
    tells=_ATTACHED,
)
def export_contact(call: Call, contact_id: int) -> Reply:
    """Export a contact as a file."""
    return _file(call.view.cards.export_contact(contact_id), f"contact-{contact_id}.qco")


def _file(body: bytes, name: str) -> Reply:
    return file_reply(body, b"application/json", name)
