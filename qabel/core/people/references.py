"""References to identities and contacts: by id, or by public key."""

from collections.abc import Sequence

from qabel.core.errors import Invalid, NotFound
from qabel.crypto import InvalidKey, PublicKey
from qabel.drop.pasted import clean_key
from qabel.forms.errors import FieldError, invalid
from qabel.forms.form import Form, Schema
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings

Reference = int | str | PublicKey
"""An id or a public key; the string is either of them in text form."""


class ReferenceForm(Form[int | str]):
    """An id or a public key; it is looked up later."""

    def read(self, value: object) -> int | str:
        """Check that the value can be a reference."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise invalid("must be an id or a public key")
        return value

    def write(self, value: int | str) -> int | str:
        """Return the reference as it is."""
        return value

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return {"type": ["integer", "string"]}


def parse_reference(ref: Reference) -> int | PublicKey | None:
    """Return the id or the public key; None for a string that is neither."""
    if not isinstance(ref, str):
        return ref
    # A key may consist of decimal digits only, but an id never has that many.
    if ref.isascii() and ref.isdecimal() and len(ref) <= 10:
        return int(ref)
    try:
        return PublicKey.from_hex(clean_key(ref))
    except InvalidKey:
        return None


def find_identity(synced: SyncedSettings, ref: Reference) -> Identity | None:
    """Return an identity that is not deleted, or None."""
    reference = parse_reference(ref)
    return None if reference is None else synced.identity(reference)


def find_contact(synced: SyncedSettings, identity: Identity, ref: Reference) -> Contact | None:
    """Return a contact of an identity that is not deleted, or None."""
    reference = parse_reference(ref)
    if isinstance(reference, PublicKey):
        return synced.contact_by_key(identity, reference)
    contact = None if reference is None else synced.contact(reference)
    owned = contact is not None and contact.my_identity == identity.public_key
    return contact if owned else None


def require_identity(synced: SyncedSettings, ref: Reference) -> Identity:
    """Return the identity that a reference names. Raises NotFound."""
    identity = find_identity(synced, ref)
    if identity is None:
        raise NotFound("No such identity.")
    return identity


def choose_identity(living: Sequence[Identity], ref: Reference | None) -> Identity:
    """Return the identity that a reference names; None for the only one. Raises Invalid.

    ``living`` are the identities to choose from.
    """
    if ref is not None:
        reference = parse_reference(ref)
        for each in living:
            if reference in (each.id, each.public_key):
                return each
        error = FieldError("identity", "must be the id or the public key of an identity")
        raise Invalid("Unknown identity.", [error])
    if len(living) == 1:
        return living[0]
    if living:
        error = FieldError("identity", "is required: several identities exist")
        raise Invalid("Several identities exist: pass identity.", [error])
    error = FieldError("identity", "is missing: no identity exists yet")
    raise Invalid("No identity exists yet. Create one first: `qabel identity new ALIAS`", [error])
