"""Storing what a module made: rows, events and messages to send, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from qabel.core.errors import CoreError, Invalid, StoreError
from qabel.core.sending.outbox import ToSend
from qabel.modules.api import Place, Prepared
from qabel.modules.reading import describe
from qabel.store.database.errors import StoreClosed
from qabel.store.database.transactions import DISK_FAILURES
from qabel.store.modules.changes import Told
from qabel.store.modules.progress import ModuleRepository, Written
from qabel.store.outbox.adding import KeyedSend

NOT_ITS_FAULT = (CancelledError, StoreClosed, *DISK_FAILURES)
"""Failures that are not the module's."""

_Store = Callable[[Sequence[KeyedSend]], Awaitable[Written | None]]


class TakesMessages(Protocol):
    """What messages of modules are handed to: ``qabel.core.sending.outbox.Outbox``."""

    async def hand_over(
        self, module: str, messages: Sequence[ToSend], store: _Store
    ) -> Written | None:
        """Check messages, have them stored, and post them."""


@frozen(eq=False)
class Storing:
    """Stores what one module made.

    Args:
        name: the module.
        repository: stores it.
        outbox: takes what is sent.
        now: returns seconds since the epoch.

    """

    _name: str
    _repository: ModuleRepository
    _outbox: TakesMessages
    _now: Callable[[], float]

    _log = Logger()

    async def write(
        self,
        at: Place,
        to: Place,
        prepared: Prepared,
        told: Sequence[Told],
        sends: Sequence[ToSend],
    ) -> Written | None:
        """Store what the module made of some entries; return None if it is elsewhere by now.

        Args:
            at: the place that the entries follow.
            to: the last of them.
            prepared: the changes.
            told: the events.
            sends: what is sent.

        Raises:
            CoreError: something cannot be sent.
            StoreError: it cannot be stored.

        """
        write = partial(
            self._repository.write, self._name, at, to, prepared.changes, told, now=self._now()
        )
        return await self._store(sends, write)

    async def take_up(
        self, place: Place, prepared: Prepared, sends: Sequence[ToSend]
    ) -> Written | None:
        """Store what the module made of an entry that was set aside, if that can be stored now.

        Raises StoreError if the database cannot be used at present.
        """
        take_up = partial(
            self._repository.take_up, self._name, place, prepared.changes, now=self._now()
        )
        try:
            return await self._store(sends, take_up)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - it stays set aside
            self._log.debug(
                "{name} cannot store it: {error}", name=self._name, error=explain(error)
            )
            return None

    async def _store(
        self, sends: Sequence[ToSend], store: "Callable[..., Deferred[Written | None]]"
    ) -> Written | None:
        def stored(keyed: Sequence[KeyedSend] = ()) -> "Deferred[Written | None]":
            return store(sends=keyed)

        if not sends:
            return await stored()
        return await self._outbox.hand_over(self._name, sends, stored)


def explain(error: Exception) -> str:
    """Return why something could not be stored, without the text of an exception of the module."""
    if isinstance(error, Invalid) and error.errors:
        wrong = "; ".join(f"{each.key} {each.detail}" for each in error.errors)
        return f"It sends what cannot be sent: {error.detail} {wrong}"
    if isinstance(error, CoreError):
        return f"It sends what cannot be sent: {error.detail}"
    return str(error) if isinstance(error, StoreError) else describe(error)
