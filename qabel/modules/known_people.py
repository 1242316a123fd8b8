"""People as modules know them: identities, contacts, and whose messages are passed over."""

from attrs import field, frozen

from qabel.core.service import CoreService


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
        return [
            KnownContact(
                id=each.id,
                identity=each.my_identity.raw,
                key=each.public_key.raw,
                alias=each.alias,
            )
            for each in self._core.synced.value.living_contacts
        ]

    def blocked(self) -> frozenset[bytes]:
        """Return the public keys whose messages are passed over, but for those of contacts."""
        return self._core.blocked.keys
