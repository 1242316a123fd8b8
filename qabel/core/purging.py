"""Purging: an identity is removed for good, with its private key and all that hangs on it."""

from collections.abc import Awaitable, Callable

from attrs import evolve, frozen

from qabel.core.errors import Conflict, NotFound
from qabel.core.inbox.reader import InboxReader
from qabel.core.people.references import Reference, parse_reference
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.sending.poster import Poster
from qabel.core.settings import SettingsDocument
from qabel.core.tokens import TokenBook
from qabel.deferreds import shielded
from qabel.settings.items import Identity
from qabel.settings.synced import SyncedSettings
from qabel.store import purge
from qabel.store.database.database import Database
from qabel.store.purge import Purge, PurgedIdentity
from qabel.store.purged_keys import PurgedKeys


@frozen(kw_only=True, eq=False)
class Purging:
    """Removes identities, whether they are marked as deleted or not."""

    _synced: SettingsDocument[SyncedSettings]
    _database: Database
    _purged: PurgedKeys
    _inbox: InboxReader
    _poster: Poster
    _drops: OwnedDrops
    _tokens: TokenBook
    _post_due: Callable[[], Awaitable[None]]
    _now: Callable[[], float]

    async def purge(self, ref: Reference) -> None:
        """Remove an identity from the settings and from the tables, for good.

        Its private key, contacts, messages, sends and tokens go with it; only the digest of its
        public key stays, so that its id is not given to another.

        Args:
            ref: its id or public key; it may be marked as deleted.

        Raises:
            NotFound: there is no such identity.
            Conflict: another identity with the same key is not deleted.
            StoreError: nothing was changed, or a part is still to be deleted: that is tried again.

        """
        await shielded(self._purge(self._find(ref)))

    async def go_on(self) -> None:
        """Complete what a stop interrupted. Raises StoreError."""
        for each in await purge.unfinished(self._database, self._now()):
            await self._complete(each)

    async def _purge(self, identity: Identity) -> None:
        key = identity.public_key.raw
        self._purged.add(key)
        work = Purge(
            PurgedIdentity(id=identity.id, key=key, drops=self._own_drops(identity)), self._now()
        )
        try:
            await self._synced.change(lambda old, _: _without(old, identity), also=work)
        except BaseException:
            self._purged.remove([key])
            raise
        self._tokens.forget_identity(key)
        self._passed_on(work)
        if not work.is_done:
            await self._complete(work)
        # A reading that began meanwhile may have noted how far a drop was read.
        while await self._drops.forget_another():
            continue
        await self._post_due()

    async def _complete(self, work: Purge) -> None:
        while not work.is_done:
            await self._database.run(work.go_on)
            self._passed_on(work)

    def _passed_on(self, work: Purge) -> None:
        self._inbox.removed(work.messages, work.last_seq)
        self._poster.forget(work.sends, work.last_seq)

    def _find(self, ref: Reference) -> Identity:
        reference = parse_reference(ref)
        identities = self._synced.value.identities
        named = [each for each in identities if reference in (each.id, each.public_key)]
        # Several may have had the same key, but at most one of them is not deleted.
        found = next((each for each in named if each.living), named[0] if named else None)
        if found is None:
            raise NotFound("No such identity.")
        for each in identities:
            if each.living and each is not found and each.public_key == found.public_key:
                raise Conflict(f"Identity {each.id} has the same key; purge that one.")
        return found

    def _own_drops(self, identity: Identity) -> list[str]:
        gone = [each for each in self._synced.value.identities if _is_same(each, identity)]
        others = {
            url
            for each in self._synced.value.living_identities
            if not _is_same(each, identity)
            for url in each.drops
        }
        return [str(url) for each in gone for url in each.drops if url not in others]


def _is_same(one: Identity, other: Identity) -> bool:
    return one.public_key == other.public_key


def _without(old: SyncedSettings, identity: Identity) -> SyncedSettings:
    key = identity.public_key
    return evolve(
        old,
        identities=tuple(each for each in old.identities if each.public_key != key),
        contacts=tuple(each for each in old.contacts if each.my_identity != key),
    )
