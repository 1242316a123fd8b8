"""Views of people: what clients see of identities and contacts, and what they never do."""

from attrs import evolve

from qabel.core.people.views import NamesakeView, contact_view, identity_view
from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.jsontext import encode, parse
from qabel.settings.extra import Extra
from qabel.settings.items import Contact, Identity
from qabel.settings.module_data import ModuleData
from qabel.settings.synced import SyncedSettings

DROP = "https://drop.example/" + "A" * 43
KEY, OTHER = PrivateKey(b"\1" * 32), PrivateKey(b"\2" * 32)
IDENTITY = Identity(
    id=3,
    created=5,
    updated=6,
    alias="me",
    private_key=KEY,
    drops=(DropURL.parse(DROP),),
    email="me@example.com",
    phone="+49",
    prefixes=("secret",),
    extra=Extra(b'{"secret":1}'),
)
CONTACT = Contact(
    id=4,
    created=7,
    updated=8,
    alias="Eve",
    public_key=OTHER.public_key,
    my_identity=KEY.public_key,
    drop_urls=(DropURL.parse(DROP),),
    email="eve@example.com",
    phone="+1",
    verified=9,
    blocked=True,
    introduced=True,
    modules=ModuleData(b'{"chat":{"muted":true}}'),
    extra=Extra(b'{"a":1}'),
)


def test_an_identity() -> None:
    """An identity is shown with its public key, without private key and prefixes."""
    text = encode(identity_view(IDENTITY))
    assert parse(text) == {
        "id": 3,
        "alias": "me",
        "public_key": KEY.public_key.hex,
        "drops": [DROP],
        "email": "me@example.com",
        "phone": "+49",
        "created": 5,
        "updated": 6,
    }
    assert KEY.hex.encode() not in text
    assert b"secret" not in text


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
        "email": "eve@example.com",
        "phone": "+1",
        "verified": 9,
        "blocked": True,
        "introduced": True,
        "same_alias": [],
        "namesake": None,
        "alias_checked": False,
        "extra": {"a": 1},
        "module_data": {"chat": {"muted": True}},
        "created": 7,
        "updated": 8,
    }


def test_a_contact_of_nobody() -> None:
    """Of a contact whose identity is deleted only that one's key is shown."""
    deleted = evolve(IDENTITY, deleted=9)
    view = contact_view(CONTACT, SyncedSettings(identities=(deleted,), contacts=(CONTACT,)))
    assert (view.identity_id, view.my_identity) == (None, KEY.public_key.hex)


def test_contacts_with_the_same_alias() -> None:
    """A contact is shown with the ids of those that a reader takes for it by their names."""
    twin = evolve(CONTACT, id=5, alias=" EVE", public_key=PrivateKey(b"\3" * 32).public_key)
    synced = SyncedSettings(identities=(IDENTITY,), contacts=(CONTACT, twin))
    assert contact_view(CONTACT, synced).same_alias == [5]
    assert contact_view(twin, synced).same_alias == [4]


def test_a_known_name_with_another_key() -> None:
    """Who has the name of a contact that is known by it is pointed out, until it is checked."""
    twin = evolve(
        CONTACT, id=5, alias="eve", verified=0, public_key=PrivateKey(b"\3" * 32).public_key
    )
    synced = SyncedSettings(identities=(IDENTITY,), contacts=(CONTACT, twin))
    assert contact_view(CONTACT, synced).namesake is None
    assert contact_view(twin, synced).namesake == NamesakeView(4, 9)
    checked = evolve(twin, alias_checked=True)
    both = SyncedSettings(identities=(IDENTITY,), contacts=(CONTACT, checked))
    assert contact_view(checked, both).namesake is None
