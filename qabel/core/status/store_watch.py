"""What keeps the database from being written or read: noted at once, and watched until it ends."""

from collections.abc import Callable

from attrs import define, evolve, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.core.status.store_probe import PATIENCE
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.host.regular_call import RegularCall
from qabel.store.database.errors import (
    Busy,
    Corrupt,
    FileReplaced,
    ReadOnly,
    StoreClosed,
    StoreFull,
)

INTERVAL = 1.0
"""Seconds between two checks whether the database can be written."""

_KINDS: tuple[tuple[type[StoreError], TroubleKind], ...] = (
    (StoreFull, TroubleKind.DISK_FULL),
    (ReadOnly, TroubleKind.STORE_READ_ONLY),
    (Busy, TroubleKind.STORE_LOCKED),
    (FileReplaced, TroubleKind.STORE_REPLACED),
    (Corrupt, TroubleKind.DAMAGE),
)


def kind_of(error: Exception) -> TroubleKind:
    """Return the kind of trouble that an error of the store is."""
    for kind, trouble in _KINDS:
        if isinstance(error, kind):
            return trouble
    return TroubleKind.STORE


@frozen
class StoreFailure:
    """A failure of the database that lasts."""

    kind: TroubleKind
    error: str
    since: float
    """When it began, in seconds on the clock."""


@define(eq=False)
class StoreWatch(Service):
    """Notes that the database fails, checks whether it still does, and resumes once it does not.

    It checks also while nothing fails: a disk may become read-only without anybody writing.

    Args:
        probe: fails with StoreError if the database cannot be written. It is given the kind of
            the present failure, or None; only if there is one may it write.
        on_recovery: called when the database can be written again, to resume what was postponed.
        clock: the clock.

    """

    _probe: Callable[[TroubleKind | None], "Deferred[None]"]
    _on_recovery: Callable[[], object]
    _clock: IReactorTime
    failure: StoreFailure | None = field(default=None, init=False)
    """What keeps the database from being written; None if nothing does."""
    damage: StoreFailure | None = field(default=None, init=False)
    """The damage that was found since the start; whatever is whole can be used."""
    _probing_since: float | None = field(default=None, init=False)
    _loop: RegularCall = field(init=False)

    name = "store-watch"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self._check, INTERVAL, self._clock, self._log, "Checking the database failed"
        )

    def startService(self) -> None:
        """Start checking."""
        super().startService()
        self._loop.start()

    def stopService(self) -> None:
        """Stop checking."""
        super().stopService()
        self._loop.stop()

    def failed(self, error: StoreError) -> None:
        """Note that the database failed."""
        kind = kind_of(error)
        found = StoreFailure(kind, str(error), self._clock.seconds())
        if kind is TroubleKind.DAMAGE:
            if self.damage is None:
                self.damage = found
        elif self.failure is None or self.failure.kind is not kind:
            since = found.since if self.failure is None else self.failure.since
            self.failure = evolve(found, since=since)

    @property
    def full_since(self) -> float | None:
        """When the disk became full, in seconds on the clock; None if it is not full."""
        failure = self.failure
        is_full = failure is not None and failure.kind is TroubleKind.DISK_FULL
        return failure.since if failure is not None and is_full else None

    @property
    def is_silent(self) -> bool:
        """Whether the database does not respond."""
        started = self._probing_since
        return started is not None and self._clock.seconds() - started > PATIENCE

    def troubles(self) -> list[Trouble]:
        """Return what is wrong at present."""
        found = [
            Trouble(each.kind, each.error)
            for each in (self.failure, self.damage)
            if each is not None and each.kind is not TroubleKind.DISK_FULL
        ]
        if self.is_silent:
            found.append(Trouble(TroubleKind.STORE, _SILENT))
        return found

    async def _check(self) -> None:
        before = self.failure
        self._probing_since = self._clock.seconds()
        try:
            await self._probe(None if before is None else before.kind)
        except StoreClosed:
            return
        except StoreError as error:
            if self.running:
                self.failed(error)
        else:
            # A failure during the check is newer than its result.
            if self.running and before is not None and self.failure is before:
                self._recovered()
        finally:
            self._probing_since = None

    def _recovered(self) -> None:
        self.failure = None
        self._on_recovery()


_SILENT = "The database does not respond: the disk may hang, or something keeps it busy."
