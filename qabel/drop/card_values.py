"""What cards hold, whatever their form: contacts, identities, and entries that are neither."""

from collections.abc import Mapping
from typing import Any

import attrs

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.url import DropURL


@attrs.frozen
class ContactCard:
    """How somebody can be reached: name, key and drops. Unknown fields are empty.

    ``extra`` are the members of its object in a ``.qco`` file that are none of the others.
    """

    alias: str = attrs.field(repr=False)
    public_key: PublicKey
    drop_urls: tuple[DropURL, ...]
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class BadCard:
    """An entry of a ``.qco`` file that is not a contact, with its name if it has one."""

    alias: str = attrs.field(repr=False)
    reason: str


@attrs.frozen
class IdentityFile:
    """An identity with its private key, as it is moved between devices.

    ``extra`` are the members of its ``.qid`` file that are none of the others.
    """

    alias: str = attrs.field(repr=False)
    private_key: PrivateKey
    drop_urls: tuple[DropURL, ...]
    prefixes: tuple[str, ...] = attrs.field(default=(), repr=False)
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
