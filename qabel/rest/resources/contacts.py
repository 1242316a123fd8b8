"""``/contacts``: the contacts of the identities."""

from typing import Any

from qabel.contract.query import MAX_ID
from qabel.contract.rejection import rejected
from qabel.contract.reply import NO_CONTENT, Reply, created, file_reply, json_reply
from qabel.contract.routes import LARGE_BODY, Routes
from qabel.contract.uploads import read_upload, upload
from qabel.core.people.references import Reference, ReferenceForm
from qabel.core.people.views import ContactView, ImportedView, VerificationView
from qabel.drop.card_forms import QcoContact, QcoFile
from qabel.forms.alias import Alias
from qabel.forms.alternative import ObjectOrOther
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Flag, Integer, Present, Text
from qabel.rest.http.call import Call
from qabel.settings.items import DROP_URLS
from qabel.settings.module_data import ModuleData, ModuleDataForm
from qabel.settings.qabel_forms import PUBLIC_KEY

routes = Routes("Contacts")

READ = {"read", "send", "contacts", "settings"}
EXPORT = {"contacts", "settings"}
WRITE = {"contacts"}

_CONTACTS = list[ContactView]
_IMPORTED = list[ImportedView]

_OWNER_TEXT = "The owner: the id or public key of an identity."
_OWNER = Key(OrNull(ReferenceForm()), None, description=_OWNER_TEXT)
_QUERY = {"identity": Key(Text(200, shortest=1), None, description=_OWNER_TEXT)}

_KEYS = {
    "alias": Key(Alias(), description="The name.", examples=["Alice"]),
    "public_key": Key(
        PUBLIC_KEY, description="The public key: 64 hexadecimal digits.", examples=["12" * 32]
    ),
    "drop_urls": Key(DROP_URLS, (), description="The drop URLs to send to."),
    "email": Key(Text(), "", description="The e-mail address."),
    "phone": Key(Text(), "", description="The phone number."),
    "module_data": Key(
        ModuleDataForm(), ModuleData(), description="The data of modules, by module."
    ),
}
_FROM_MESSAGE = Object(
    {
        "from_message": Key(
            Integer(0, MAX_ID),
            description="The id of a message that introduces its sender.",
            examples=[12],
        ),
        "alias": Key(
            OrNull(Alias()), None, description="The name, instead of the one in the message."
        ),
    },
    title="ContactFromMessage",
)
_CONTACT = ObjectOrOther(
    {**_KEYS, "identity": _OWNER}, "from_message", _FROM_MESSAGE, title="NewContact"
)
_BLOCKED = Key(Flag(), default=False, description="Pass over the messages of the contact.")
_ALIAS_CHECKED = Key(
    Flag(),
    default=False,
    description="The user knows that another contact has the same alias: `namesake` is null then.",
)
_CONTACT_CHANGES = Object(
    {**_KEYS, "blocked": _BLOCKED, "alias_checked": _ALIAS_CHECKED}
).as_changes()
_REPLACE = Key(
    Present(), default=False, description="Give contacts that are known the drop URLs in the file."
)

_CONTACTS_UPLOAD, _CONTACTS_BODY = upload(
    "ContactsUpload",
    "The .qco document, or the text of a QR code",
    [QcoFile, QcoContact],
    identity=_OWNER,
)

_VERIFICATION = Object(
    {
        "verified": Key(Flag(), default=True, description="False takes the mark away."),
        "digits": Key(
            OrNull(Text(200)), None, description="The digits that were compared, to be sure."
        ),
    }
)

_NO_CONTACT = {404: "No such contact."}


@routes.add(
    "GET",
    "/contacts",
    "List the contacts",
    operation="listContacts",
    scopes=READ,
    for_one_identity=True,
    query=_QUERY,
    answers={200: "The contacts."},
    returns=_CONTACTS,
)
def contacts(call: Call) -> Reply:
    """List contacts."""
    return json_reply(call.view.people.contacts(call.query["identity"]))


@routes.add(
    "POST",
    "/contacts",
    "Add a contact, or the sender of a message who introduces itself there",
    operation="addContact",
    scopes=WRITE,
    for_one_identity=True,
    query=_QUERY,
    body=_CONTACT,
    answers={
        201: "Added.",
        400: "Invalid contact, or the message does not introduce its sender.",
        404: "No such message.",
        409: "The contact exists already.",
    },
    returns=ContactView,
    headers={201: ("Location",)},
)
async def add_contact(call: Call) -> Reply:
    """Add a contact."""
    given = call.body()
    if "from_message" in given:
        if call.query["identity"] is not None:
            raise rejected(400, "The contact is for who received the message: leave out identity.")
        contact = await call.view.accepting.accept(given["from_message"], given["alias"])
    else:
        contact = await call.view.people.add_contact(
            _owner(call, given), **{name: given[name] for name in _KEYS if name in given}
        )
    return created(contact, f"/contacts/{contact.id}")


@routes.add(
    "POST",
    "/contacts/import",
    "Import contacts from a .qco document, or from the text of a QR code",
    operation="importContacts",
    scopes=WRITE,
    for_one_identity=True,
    query={**_QUERY, "replace": _REPLACE},
    raw=_CONTACTS_BODY,
    parts=(QcoFile, QcoContact),
    returns=_IMPORTED,
    answers={200: "The outcome for each contact.", 400: "Invalid document."},
    body_limit=LARGE_BODY,
)
async def import_contacts(call: Call) -> Reply:
    """Import contacts."""
    given = call.checked(_CONTACTS_UPLOAD, call.read(read_upload))
    imported = await call.view.cards.import_contacts(
        _owner(call, given), given["document"], replace=call.query["replace"]
    )
    return json_reply(imported)


@routes.add(
    "GET",
    "/contacts/<id:contact_id>",
    "Get a contact",
    operation="getContact",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The contact.", **_NO_CONTACT},
    returns=ContactView,
)
def contact(call: Call, contact_id: int) -> Reply:
    """Return a contact."""
    return json_reply(call.view.people.contact(contact_id))


@routes.add(
    "PATCH",
    "/contacts/<id:contact_id>",
    "Change a contact; what cannot be changed may be sent back as it is",
    operation="updateContact",
    scopes=WRITE,
    for_one_identity=True,
    body=_CONTACT_CHANGES,
    answers={200: "Changed.", 400: "Invalid contact.", **_NO_CONTACT},
    returns=ContactView,
)
async def change_contact(call: Call, contact_id: int) -> Reply:
    """Change a contact."""
    changes = call.changes(call.view.people.contact(contact_id))
    return json_reply(await call.view.people.change_contact(contact_id, changes))


@routes.add(
    "DELETE",
    "/contacts/<id:contact_id>",
    "Delete a contact, but not its messages",
    operation="deleteContact",
    scopes=WRITE,
    for_one_identity=True,
    answers={204: "Deleted.", **_NO_CONTACT},
)
async def delete_contact(call: Call, contact_id: int) -> Reply:
    """Delete a contact."""
    await call.view.people.delete_contact(contact_id)
    return NO_CONTENT


@routes.add(
    "GET",
    "/contacts/<id:contact_id>/verification",
    "Get the text to compare with a contact",
    operation="getVerification",
    scopes=READ,
    for_one_identity=True,
    answers={200: "The text.", **_NO_CONTACT},
    returns=VerificationView,
)
def verification(call: Call, contact_id: int) -> Reply:
    """Return the verification text of a contact."""
    return json_reply(call.view.people.verification(contact_id))


@routes.add(
    "PUT",
    "/contacts/<id:contact_id>/verification",
    "Mark a contact as verified, once the text was compared",
    operation="verifyContact",
    scopes=WRITE,
    for_one_identity=True,
    body=_VERIFICATION,
    answers={200: "Marked.", 409: "The digits are not those of the contact.", **_NO_CONTACT},
    returns=VerificationView,
)
async def verify(call: Call, contact_id: int) -> Reply:
    """Mark a contact as verified, or take the mark away."""
    given = call.body()
    view = await call.view.people.verify_contact(
        contact_id, given["digits"], is_verified=given["verified"]
    )
    return json_reply(view)


@routes.add(
    "DELETE",
    "/contacts/<id:contact_id>/verification",
    "Take the mark of verification away from a contact",
    operation="unverifyContact",
    scopes=WRITE,
    for_one_identity=True,
    answers={204: "Taken away.", **_NO_CONTACT},
)
async def unverify(call: Call, contact_id: int) -> Reply:
    """Take the mark of verification away."""
    await call.view.people.verify_contact(contact_id, is_verified=False)
    return NO_CONTENT


@routes.add(
    "GET",
    "/contacts/<id:contact_id>/export",
    "Export a contact as a .qco document",
    operation="exportContact",
    scopes=EXPORT,
    for_one_identity=True,
    answers={200: "The document.", 409: "The contact cannot be exported.", **_NO_CONTACT},
    returns=QcoFile,
    headers={200: ("Content-Disposition",)},
)
def export_contact(call: Call, contact_id: int) -> Reply:
    """Export a contact as a file."""
    body = call.view.cards.export_contact(contact_id)
    return file_reply(body, b"application/json", f"contact-{contact_id}.qco")


def _owner(call: Call, given: dict[str, Any]) -> Reference | None:
    """Return the owner of a contact: from the body, or else from the query."""
    owner: Reference | None = given["identity"]
    by_query: Reference | None = call.query["identity"]
    return owner if owner is not None else by_query
