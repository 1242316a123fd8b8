"""How clients name identities and contacts: by id, or by public key."""

from collections.abc import Sequence

from qabel.core.errors import Invalid, NotFound
from qabel.crypto import InvalidKey, PublicKey
from qabel.forms.errors import FieldError, invalid
from qabel.forms.form import Form, Schema
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings

Reference = int | str | PublicKey
"""An id or a public key, as a number or as a text."""


class ReferenceForm(Form[int | str]):
    """An id or a public key; what it stands for is found out later."""

    def read(self, value: object) -> int | str:
        """Check that it may be one."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise invalid("must be an id or a public key")
        return value

    def write(self, value: int | str) -> int | str:
        """Return it as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it."""
        return {"type": ["integer", "string"]}


def parse_reference(ref: Reference) -> int | PublicKey | None:
    """Return the id or the public key; None for a text that is neither."""
    if not isinstance(ref, str):
        return ref
    # A key may consist of decimal digits only; an id has never that many.
    if ref.isascii() and ref.isdecimal() and len(ref) <= 10:
        return int(ref)
    try:
        return PublicKey.from_hex(ref)
    except InvalidKey:
        return None


def find_identity(synced: SyncedSettings, ref: Reference) -> Identity | None:
    """Find a living identity."""
    reference = parse_reference(ref)
    return None if reference is None else synced.identity(reference)


def find_contact(synced: SyncedSettings, identity: Identity, ref: Reference) -> Contact | None:
    """Find a living contact of a living identity."""
    reference = parse_reference(ref)
    if isinstance(reference, PublicKey):
        return synced.contact_by_key(identity, reference)
    contact = None if reference is None else synced.contact(reference)
    owned = contact is not None and contact.my_identity == identity.public_key
    return contact if owned else None


def require_identity(synced: SyncedSettings, ref: Reference) -> Identity:
    """Find the identity that a path names. Raises NotFound."""
    identity = find_identity(synced, ref)
    if identity is None:
        raise NotFound("There is no such identity.")
    return identity


def choose_identity(living: Sequence[Identity], ref: Reference | None) -> Identity:
    """Find the identity that is meant; a single one need not be named. Raises Invalid."""
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
        error = FieldError("identity", "is required, as there are several identities")
        raise Invalid("Specify the identity: there are several.", [error])
    error = FieldError("identity", "is missing: there are no identities yet")
    raise Invalid("There is no identity yet. Create one first.", [error])
