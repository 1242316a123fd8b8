"""Read drops because somebody who reads the inbox asks for it (``no-cache``)."""

from collections.abc import Callable, Iterable

from attrs import frozen
from twisted.internet.defer import Deferred

from qabel.core.receiving.full_readings import Cause
from qabel.core.receiving.owned_drops import OwnedDrops
from qabel.core.receiving.poller import Poller
from qabel.drop.url import DropURL
from qabel.settings.items import Identity
from qabel.settings.synced import SyncedSettings


@frozen(kw_only=True)
class ReaderPolls:
    """Reads the drops that a request is about, and no others.

    Args:
        poller: reads them.
        drops: decides which are read in full.
        synced: returns the synced settings.
        owner_of: returns whose a drop is, as ``Isolation.owner_of``.

    """

    _poller: Poller
    _drops: OwnedDrops
    _synced: Callable[[], SyncedSettings]
    _owner_of: Callable[[DropURL], bytes | None]

    def poll(self, identity: int | None, contact: int | None) -> Deferred[None]:
        """Read drops now: those of one owner at once, those of several each at random.

        Args:
            identity: the id of the identity that the request is about; None for all.
            contact: the id of the contact that it is about, whose identity that is; None for all.

        Returns:
            A Deferred that fires when all of them were read.

        """
        wanted = list(self._wanted(identity, contact))
        urls = {url for each in wanted for url in each.drops}
        owners = {self._owner_of(url) for url in urls}
        # What several identities read has an owner of its own, beside an identity that reads it.
        every = {each.public_key.raw for each in wanted} if len(wanted) == 1 else owners
        first = every.pop() if len(every) == 1 else None
        for url in urls:
            self._drops.ask(url, Cause.READER, at_once=self._owner_of(url) == first)
            due = self._drops.due(url)
            if due is not None:
                self._poller.hasten(url, due)
        return self._poller.poll_now(urls, first)

    def _wanted(self, identity: int | None, contact: int | None) -> Iterable[Identity]:
        synced = self._synced()
        keys = {each.my_identity.raw for each in synced.living_contacts if each.id == contact}
        for each in synced.living_identities:
            if identity in (None, each.id) and (contact is None or each.public_key.raw in keys):
                yield each
