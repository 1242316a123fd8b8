"""The keys of identities that are purged: nothing of theirs is stored any more."""

from collections.abc import Iterable

import attrs

from qabel.store.database.errors import StoreError


class Purged(StoreError):
    """The identity was purged meanwhile."""


@attrs.frozen(eq=False)
class PurgedKeys:
    """Public keys whose messages and sends are not stored.

    A message may have been opened, or a send sealed, before the purge that it reaches the store
    after. The store's thread works in order: what was handed to it before ``add`` is deleted by
    the purge that is handed to it after ``add``, and what comes later is stopped here.
    """

    _keys: set[bytes] = attrs.field(factory=set, init=False, repr=False)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def add(self, key: bytes) -> None:
        """Store nothing of this identity from now on."""
        self._keys.add(key)

    def remove(self, keys: Iterable[bytes]) -> None:
        """Store things of these identities again: they exist."""
        self._keys.difference_update(keys)
