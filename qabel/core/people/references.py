"""How clients name identities and contacts: by id, or by public key."""

from qabel.core.errors import Invalid, NotFound
from qabel.crypto import InvalidKey, PublicKey
from qabel.settings.document import Fault
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings


def read_reference(ref: object) -> int | PublicKey | None:
    """Read an id or a public key, as a number or as a text; None for what is neither."""
    if isinstance(ref, bool):
        return None
    if isinstance(ref, int):
        return ref
    if not isinstance(ref, str):
        return None
    # A key may consist of decimal digits only; an id has never that many.
    if ref.isascii() and ref.isdecimal() and len(ref) <= 10:
        return int(ref)
    try:
        return PublicKey.from_hex(ref)
    except InvalidKey:
        return None


def find_identity(synced: SyncedSettings, ref: object) -> Identity | None:
    """Find a living identity."""
    reference = read_reference(ref)
    return None if reference is None else synced.identity(reference)


def find_contact(synced: SyncedSettings, identity: Identity, ref: object) -> Contact | None:
    """Find a living contact of a living identity."""
    reference = read_reference(ref)
    if isinstance(reference, PublicKey):
        return synced.contact_by_key(identity, reference)
    contact = None if reference is None else synced.contact(reference)
    owned = contact is not None and contact.my_identity == identity.public_key
    return contact if owned else None


def require_identity(synced: SyncedSettings, ref: object) -> Identity:
    """Find the identity that a path names. Raises NotFound."""
    identity = find_identity(synced, ref)
    if identity is None:
        raise NotFound("There is no such identity.")
    return identity


def choose_identity(synced: SyncedSettings, ref: object) -> Identity:
    """Find the identity that is meant: with a single one it need not be said which.

    Raises Invalid.
    """
    if ref is None:
        living = synced.living_identities
        if len(living) == 1:
            return living[0]
        what = "is needed, as there are several" if living else "is missing: make one first"
        raise Invalid("It is not clear which identity is meant.", [Fault("identity", what)])
    identity = find_identity(synced, ref)
    if identity is None:
        fault = Fault("identity", "must be the id or the public key of one of your identities")
        raise Invalid("The identity is unknown.", [fault])
    return identity
