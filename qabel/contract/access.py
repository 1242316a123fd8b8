"""What a token allows: routes declare it, the core decides it, and access control checks it."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from attrs import field, frozen
from msgspec import Meta

ScopeName = Literal[
    "status",
    "read",
    "send",
    "delete",
    "contacts",
    "keys",
    "preferences",
    "servers",
    "backup",
    "sessions",
    "settings",
    "admin",
]

Scope = Annotated[ScopeName, Meta(title="Scope")]
"""A scope as clients see it."""

SCOPES: tuple[str, ...] = get_args(ScopeName)
"""All scopes that a token can have; ``admin`` includes the others."""

MODULE_NAME = "[a-z][a-z0-9]{1,31}"
"""The names of modules."""

MODULE_SCOPE = f"{MODULE_NAME}:[a-z]{{1,16}}"
"""The scopes of modules: the name of the module, a colon, and what may be done with it."""

ANY_MODULE = "MODULE:read"
"""Of a route: the scope ``read`` of any module suffices."""

FOR_ONE_IDENTITY: tuple[str, ...] = ("read", "send", "delete", "contacts")
"""The scopes of which a token that is limited to one identity can have some."""

SCOPE_TEXTS: Mapping[str, str] = {
    "status": "See the state of the daemon, and its metrics.",
    "read": "Read messages and the outbox; see the names and keys of identities and contacts.",
    "send": "Send messages, and see and cancel what was sent with the same token; see the names "
    "and keys of identities and contacts.",
    "delete": "Delete messages.",
    "contacts": "Create, change, delete and export contacts, and create, change and delete "
    "identities; no private keys.",
    "keys": "Export and import identities with their private keys, and purge them.",
    "preferences": "Read and change the local settings (/settings), also which proxy is used.",
    "servers": "See, add, change, test and remove drop servers, without their credentials.",
    "backup": "Write a copy of the encrypted database into the data directory.",
    "sessions": "List the tokens without their values, and revoke any but the main one.",
    "settings": "Read and change both settings documents as a whole. /synced contains private "
    "keys and credentials: as powerful as admin.",
    "admin": "Everything.",
}
"""What each scope allows, for users."""

OWNER = 0
"""The owner of what was done without a further token: the owner of the daemon."""


@frozen
class OneIdentity:
    """The only identity that a token may act for: both the id and the public key must match."""

    id: int
    key: bytes = field(repr=False)
    """The public key: 32 bytes."""


@frozen
class Access:
    """What a caller may do."""

    scopes: frozenset[str]
    identity: OneIdentity | None = None
    """The only identity that the caller may act for; None if it may act for all."""
    token_id: int | None = None
    """The id of the token; None for the main token, and for requests that need none."""

    @property
    def owner(self) -> int:
        """The owner of the caller's consumers and idempotency keys."""
        return OWNER if self.token_id is None else self.token_id

    @property
    def is_admin(self) -> bool:
        """Whether the caller is the owner of the daemon, or as good."""
        return "admin" in self.scopes

    @property
    def sees_all_sends(self) -> bool:
        """Whether the caller may see what was sent with other tokens."""
        return self.is_admin or "read" in self.scopes

    @property
    def sees_details(self) -> bool:
        """Whether the caller may see more of identities and contacts than names and keys.

        That is: drop URLs, e-mail addresses, phone numbers, and unknown keys of their files.
        Whoever knows a drop URL can watch the drop and fill it, also after the token was revoked.
        """
        return not self.scopes.isdisjoint(("contacts", "keys", "settings", "admin"))


EVERYTHING = Access(frozenset(SCOPES))
"""The access of the main token."""

NOBODY = Access(frozenset())
"""The access of a caller without a token, for routes that need none."""
