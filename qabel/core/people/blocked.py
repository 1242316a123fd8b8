"""Blocked senders: public keys whose messages are passed over, for all identities."""

from collections.abc import Callable

from attrs import define, field

from qabel.contract.types import Id, KeyHex, Milliseconds, View
from qabel.core.errors import Conflict, Invalid, NotFound
from qabel.crypto import PublicKey
from qabel.deferreds import shielded
from qabel.forms.compound import Key, Object
from qabel.forms.errors import FieldError
from qabel.settings.items import Contact
from qabel.settings.qabel_forms import PUBLIC_KEY
from qabel.settings.synced import SyncedSettings
from qabel.store.blocked import BlockedKey, BlockedRepository


class BlockedView(View):
    """A public key whose messages are passed over."""

    id: Id
    public_key: KeyHex
    created: Milliseconds


BLOCKED_INPUT = Object(
    {
        "public_key": Key(
            PUBLIC_KEY, description="The public key: 64 hexadecimal digits.", examples=["aa" * 32]
        )
    }
)
"""The body of a request to block a key."""


def is_blocked_contact(contact: Contact | None) -> bool:
    """Return whether somebody is a contact whose messages are passed over."""
    return contact is not None and contact.blocked


@define(eq=False, kw_only=True)
class BlockedKeys:
    """The blocked keys, held in memory. Contacts can be blocked, too: that is a flag of theirs."""

    _repository: BlockedRepository
    _synced: Callable[[], SyncedSettings]
    _now: Callable[[], float]
    """Seconds since the epoch."""
    _on_change: Callable[[], object]
    """Called after each change."""
    keys: frozenset[bytes] = field(default=frozenset(), init=False, repr=False)
    """The keys; another object after each change."""
    _records: dict[int, BlockedKey] = field(factory=dict, init=False, repr=False)

    async def load(self) -> None:
        """Load all keys. Raises StoreError."""
        self._set({each.id: each for each in await self._repository.all()})

    def all(self) -> list[BlockedView]:
        """Return all blocked keys, oldest first."""
        return [_view(each) for each in self._records.values()]

    async def add(self, public_key: PublicKey) -> BlockedView:
        """Pass over the messages of a key from now on.

        Raises:
            Invalid: it is the key of an identity of the user's own.
            Conflict: it is blocked already.
            StoreError: it could not be stored.

        """
        if self._synced().identity(public_key) is not None:
            error = FieldError("public_key", "is the key of an identity of your own")
            raise Invalid("You cannot block an identity of your own.", [error])
        added = await shielded(self._add(public_key.raw))
        if added is None:
            raise Conflict("This key is blocked already.")
        return _view(added)

    async def remove(self, blocked_id: int) -> None:
        """Receive the messages of a key again. Raises NotFound or StoreError."""
        if not await shielded(self._remove(blocked_id)):
            raise NotFound(f"No blocked key {blocked_id}.")

    async def _add(self, key: bytes) -> BlockedKey | None:
        added = await self._repository.add(key, now=self._now())
        if added is not None:
            self._set({**self._records, added.id: added})
            self._on_change()
        return added

    async def _remove(self, blocked_id: int) -> bool:
        removed = await self._repository.remove(blocked_id)
        self._set({key: each for key, each in self._records.items() if key != blocked_id})
        self._on_change()
        return removed

    def _set(self, records: dict[int, BlockedKey]) -> None:
        self._records = records
        self.keys = frozenset(each.key for each in records.values())


def _view(record: BlockedKey) -> BlockedView:
    return BlockedView(id=record.id, public_key=record.key.hex(), created=record.created)
