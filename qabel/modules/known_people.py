"""People as modules know them: identities, contacts, and whose messages are passed over."""

from attrs import field, frozen

from qabel.core.service import CoreService
from qabel.crypto import PublicKey
from qabel.settings.items import Contact
from qabel.settings.namesakes import known_by_name


@frozen(kw_only=True)
class KnownIdentity:
    """One of the user's identities."""

    id: int
    key: bytes
    """The public key: 32 bytes."""
    alias: str = field(repr=False)


@frozen(kw_only=True)
class KnownContact:
    """A contact of an identity."""

    id: int
    identity: bytes
    """The public key of the identity: 32 bytes."""
    key: bytes
    """The public key: 32 bytes."""
    alias: str = field(repr=False)
    verified: int = 0
    """When the user compared keys with it, in seconds since the epoch, or 0."""


@frozen
class KnownPeople:
    """People as they are called now. May be used on any thread."""

    _core: CoreService

    def identities(self) -> list[KnownIdentity]:
        """Return the user's identities."""
        return [
            KnownIdentity(id=each.id, key=each.public_key.raw, alias=each.alias)
            for each in self._core.synced.value.living_identities
        ]

    def contacts(self) -> list[KnownContact]:
        """Return the contacts of all identities, as they are called now."""
        return [_known(each) for each in self._core.synced.value.living_contacts]

    def contacts_named(self, identity: bytes, alias: str) -> list[KnownContact]:
        """Return the contacts of an identity that somebody with this alias may be taken for.

        Args:
            identity: the public key of the identity.
            alias: what somebody calls themselves.

        Returns:
            The contacts; the first is the one that the user knows by this alias.

        """
        named = self._core.synced.value.contacts_named(PublicKey(identity), alias)
        known = known_by_name(named)
        return [_known(each) for each in sorted(named, key=lambda each: each is not known)]

    def blocked(self) -> frozenset[bytes]:
        """Return the public keys whose messages are passed over, but for those of contacts."""
        return self._core.blocked.keys


def _known(contact: Contact) -> KnownContact:
    return KnownContact(
        id=contact.id,
        identity=contact.my_identity.raw,
        key=contact.public_key.raw,
        alias=contact.alias,
        verified=contact.verified,
    )
