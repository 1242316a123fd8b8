"""Views of people: what clients see of identities and contacts, and what they never do."""

from attrs import evolve

from qabel.core.people.views import contact_view, identity_view
from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.jsontext import encode, parse
from qabel.settings.items import Contact, Identity
from qabel.settings.module_data import ModuleData
from qabel.settings.synced import SyncedSettings

DROP = "https://drop.example/" + "A" * 43
KEY, OTHER = PrivateKey(b"\1" * 32), PrivateKey(b"\2" * 32)
IDENTITY = Identity(
    id=3, created=5, updated=6, alias="me", private_key=KEY, drops=(DropURL.parse(DROP),)
)
CONTACT = Contact(
    id=4,
    created=7,
    updated=8,
    alias="Eve",
    public_key=OTHER.public_key,
    my_identity=KEY.public_key,
    drop_urls=(DropURL.parse(DROP),),
    modules=ModuleData(b'{"chat":{"muted":true}}'),
)


def test_an_identity() -> None:
    """An identity is shown with its public key; its private key is nowhere in the text."""
    text = encode(identity_view(IDENTITY))
    assert parse(text) == {
        "id": 3,
        "alias": "me",
        "public_key": KEY.public_key.hex,
        "drops": [DROP],
        "created": 5,
        "updated": 6,
    }
    assert KEY.hex.encode() not in text


def test_a_contact() -> None:
    """A contact is shown with the id and key of the identity that knows it, and module data."""
    view = contact_view(CONTACT, SyncedSettings(identities=(IDENTITY,), contacts=(CONTACT,)))
    assert parse(encode(view)) == {
        "id": 4,
        "alias": "Eve",
        "public_key": OTHER.public_key.hex,
        "my_identity": KEY.public_key.hex,
        "identity_id": 3,
        "drop_urls": [DROP],
        "module_data": {"chat": {"muted": True}},
        "created": 7,
        "updated": 8,
    }


def test_a_contact_of_nobody() -> None:
    """Of a contact whose identity is deleted only that one's key is shown."""
    deleted = evolve(IDENTITY, deleted=9)
    view = contact_view(CONTACT, SyncedSettings(identities=(deleted,), contacts=(CONTACT,)))
    assert (view.identity_id, view.my_identity) == (None, KEY.public_key.hex)
