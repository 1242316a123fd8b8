"""``/identities`` and ``/contacts``: who the user is, and whom the user knows."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.threads import deferToThread

from qabel.contract.query import text
from qabel.contract.rejection import rejected
from qabel.contract.reply import NO_CONTENT, Reply, created, file_reply, json_reply
from qabel.contract.routes import Key, Routes
from qabel.contract.schemas import OPTIONAL_REFERENCE, STRING, listing, nullable, ref
from qabel.contract.uploads import CONTACT_BODY, IDENTITY_BODY, read_upload
from qabel.forms.forms import MAX_TEXT
from qabel.rest.http.call import Call
from qabel.rest.resources.qr import FORMATS, draw
from qabel.settings.document import Fault
from qabel.settings.qabel_forms import DropURLForm

routes = Routes("People")

READ = {"read", "send", "settings"}
WRITE = {"settings"}

_ALIAS = {"type": "string", "maxLength": MAX_TEXT, "examples": ["Alice"]}
_LOCATION = {201: ("Location",)}
_ATTACHED = {200: ("Content-Disposition",)}
_DROPS = {"type": "array", "items": DropURLForm().schema()}
_KEY = {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$", "examples": ["aa" * 32]}
_MODULE_DATA = {"type": "object", "additionalProperties": {"type": "object"}}
_OWNER = text("identity", None, "Whose contact: an identity's id or public key.")
_OWNER_KEY = Key("identity", "Whose contact: an identity's id or public key.", OPTIONAL_REFERENCE)

_IDENTITY_BODY = (
    Key("alias", "Its name.", _ALIAS, True),
    Key("drops", "Its drop URLs, if none is to be made.", nullable(_DROPS)),
)
_CONTACT_BODY = (
    Key("alias", "Its name.", _ALIAS, True),
    Key("public_key", "64 hexadecimal digits.", _KEY, True),
    Key("drop_urls", "Where it is reached.", _DROPS),
    Key("module_data", "What modules keep with it.", _MODULE_DATA),
    _OWNER_KEY,
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
    gives=listing(ref("Identity")),
)
def identities(call: Call) -> Reply:
    """List identities."""
    own = call.access.identity_id
    return json_reply(
        [each for each in call.core.directory.identities() if own in (None, each["id"])]
    )


@routes.add(
    "POST",
    "/identities",
    "Make an identity: a key pair, and a drop on the first active drop server",
    scopes=WRITE,
    body=_IDENTITY_BODY,
    answers={201: "Made.", 400: "It is not valid.", 409: "There is no active drop server."},
    gives=ref("Identity"),
    tells=_LOCATION,
)
async def add_identity(call: Call) -> Reply:
    """Make an identity."""
    given = call.members()
    identity = await call.core.directory.add_identity(given.get("alias"), given.get("drops"))
    return created(identity, f"/identities/{identity['id']}")


@routes.add(
    "POST",
    "/identities/import",
    "Take in an identity from a .qid document",
    scopes=WRITE,
    raw=IDENTITY_BODY,
    answers={201: "Taken in.", 400: "It is no valid document.", 409: "It is there already."},
    gives=ref("Identity"),
    tells=_LOCATION,
)
async def import_identity(call: Call) -> Reply:
    """Take in an identity."""
    document, given = call.read(read_upload)
    if given:
        raise rejected(400, "Unknown keys in the body: identity. Known keys: document.")
    identity = await call.core.directory.import_identity(document)
    return created(identity, f"/identities/{identity['id']}")


@routes.add(
    "GET",
    "/identities/<ref:ref>",
    "Read one identity",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The identity, without its private key.", **_NO_IDENTITY},
    gives=ref("Identity"),
)
def identity(call: Call, ref: str) -> Reply:
    """Give one identity."""
    return json_reply(_identity(call, ref))


@routes.add(
    "PATCH",
    "/identities/<ref:ref>",
    "Change an identity's alias or drops",
    scopes=WRITE,
    body=(Key("alias", "Its name.", _ALIAS), Key("drops", "Its drop URLs.", _DROPS)),
    answers={200: "Changed.", 400: "It is not valid.", **_NO_IDENTITY},
    gives=ref("Identity"),
)
async def change_identity(call: Call, ref: str) -> Reply:
    """Change one identity."""
    return json_reply(await call.core.directory.change_identity(ref, call.members()))


@routes.add(
    "DELETE",
    "/identities/<ref:ref>",
    "Delete an identity; its messages stay",
    scopes=WRITE,
    answers={204: "Deleted.", **_NO_IDENTITY},
)
async def delete_identity(call: Call, ref: str) -> Reply:
    """Delete one identity."""
    await call.core.directory.delete_identity(ref)
    return NO_CONTENT


@routes.add(
    "GET",
    "/identities/<ref:ref>/export",
    "Give the .qid document of an identity, which holds its private key",
    scopes=WRITE,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_IDENTITY},
    gives=ref("IdentityFile"),
    tells=_ATTACHED,
)
def export_identity(call: Call, ref: str) -> Reply:
    """Give an identity with its private key."""
    directory = call.core.directory
    name = f"identity-{directory.identity(ref)['id']}.qid"
    return file_reply(directory.export_identity(ref), b"application/json", name)


@routes.add(
    "GET",
    "/identities/<ref:ref>/contact",
    "Give the .qco document that an identity hands to others",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_IDENTITY},
    gives=ref("ContactFile"),
    tells=_ATTACHED,
)
def contact_file(call: Call, ref: str) -> Reply:
    """Give what others need to know of an identity."""
    name = f"identity-{_identity(call, ref)['id']}.qco"
    return file_reply(call.core.directory.contact_file(ref), b"application/json", name)


def _declare_qr(suffix: str, content_type: str) -> None:
    @routes.add(
        "GET",
        f"/identities/<ref:ref>/qr.{suffix}",
        f"Give what an identity hands to others as a QR code ({suffix})",
        scopes=READ,
        for_one_identity=True,
        answers={200: "The QR code.", 409: "It does not fit into one.", **_NO_IDENTITY},
        gives=STRING if content_type.startswith("text/") else {},
        produces=content_type,
    )
    async def qr(call: Call, ref: str) -> Reply:
        _identity(call, ref)
        content = call.core.directory.contact_text(ref)
        return Reply(200, await deferToThread(draw, content, suffix), content_type.encode())


for _suffix, _content_type in FORMATS.items():
    _declare_qr(_suffix, _content_type)


@routes.add(
    "GET",
    "/contacts",
    "List the contacts",
    scopes=READ,
    for_one_identity=True,
    query=(_OWNER,),
    answers={200: "A list of contacts."},
    gives=listing(ref("Contact")),
)
def contacts(call: Call) -> Reply:
    """List contacts."""
    own = call.access.identity_id
    found = call.core.directory.contacts(call.query["identity"])
    return json_reply([each for each in found if own in (None, each["identity_id"])])


@routes.add(
    "POST",
    "/contacts",
    "Add a contact",
    scopes=WRITE,
    query=(_OWNER,),
    body=_CONTACT_BODY,
    answers={201: "Added.", 400: "It is not valid.", 409: "It is there already."},
    gives=ref("Contact"),
    tells=_LOCATION,
)
async def add_contact(call: Call) -> Reply:
    """Add a contact."""
    given = call.members()
    owner = _owner(call, given)
    contact = await call.core.directory.add_contact(owner, given)
    return created(contact, f"/contacts/{contact['id']}")


@routes.add(
    "POST",
    "/contacts/import",
    "Take in contacts from a .qco document, or from the text of a QR code",
    scopes=WRITE,
    query=(_OWNER,),
    raw=CONTACT_BODY,
    gives=listing(ref("Imported")),
    answers={200: "A list of what became of each.", 400: "It is no valid document."},
)
async def import_contacts(call: Call) -> Reply:
    """Take in contacts."""
    document, given = call.read(read_upload)
    return json_reply(await call.core.directory.import_contacts(_owner(call, given), document))


@routes.add(
    "GET",
    "/contacts/<id:contact_id>",
    "Read one contact",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The contact.", **_NO_CONTACT},
    gives=ref("Contact"),
)
def contact(call: Call, contact_id: int) -> Reply:
    """Give one contact."""
    return json_reply(_contact(call, contact_id))


@routes.add(
    "PATCH",
    "/contacts/<id:contact_id>",
    "Change a contact",
    scopes=WRITE,
    body=_CONTACT_BODY[:-1],
    answers={200: "Changed.", 400: "It is not valid.", **_NO_CONTACT},
    gives=ref("Contact"),
)
async def change_contact(call: Call, contact_id: int) -> Reply:
    """Change one contact."""
    return json_reply(await call.core.directory.change_contact(contact_id, call.members()))


@routes.add(
    "DELETE",
    "/contacts/<id:contact_id>",
    "Delete a contact; what came from it stays",
    scopes=WRITE,
    answers={204: "Deleted.", **_NO_CONTACT},
)
async def delete_contact(call: Call, contact_id: int) -> Reply:
    """Delete one contact."""
    await call.core.directory.delete_contact(contact_id)
    return NO_CONTENT


@routes.add(
    "GET",
    "/contacts/<id:contact_id>/export",
    "Give the .qco document of a contact",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The document.", 409: "It cannot be written.", **_NO_CONTACT},
    gives=ref("ContactFile"),
    tells=_ATTACHED,
)
def export_contact(call: Call, contact_id: int) -> Reply:
    """Give a contact as a file."""
    _contact(call, contact_id)
    body = call.core.directory.export_contact(contact_id)
    return file_reply(body, b"application/json", f"contact-{contact_id}.qco")


def _identity(call: Call, ref: str) -> Mapping[str, Any]:
    """Find an identity that whoever asks may see."""
    found = call.core.directory.identity(ref)
    if call.access.identity_id not in (None, found["id"]):
        raise rejected(404, "There is no such identity.")
    return found


def _contact(call: Call, contact_id: int) -> Mapping[str, Any]:
    """Find a contact that whoever asks may see."""
    found = call.core.directory.contact(contact_id)
    if call.access.identity_id not in (None, found["identity_id"]):
        raise rejected(404, f"There is no contact {contact_id}.")
    return found


def _owner(call: Call, given: dict[str, object]) -> str | None:
    """Take out whose contact it is: from the body, else from the query."""
    owner = given.pop("identity", None)
    if owner is None:
        by_query: str | None = call.query["identity"]
        return by_query
    if isinstance(owner, bool) or not isinstance(owner, int | str):
        fault = Fault("identity", "must be the id or the public key of one of your identities")
        raise rejected(400, "The identity is unknown.", faults=[fault])
    return str(owner)
