"""When what was deleted is erased: soon after, once for all that was deleted meanwhile."""

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qabel.store.database.errors import StoreClosed, StoreError

DELAY = 1.5
"""Seconds after a deletion: what is deleted meanwhile is erased with it."""


@attrs.define(eq=False)
class Erasing:
    """Erases soon after it was requested, and tries again for as long as that fails.

    Args:
        erase_some: erases a part, so that others need not wait; its Deferred fires with whether
            that was all, or fails with StoreError.
        clock: measures the delays.

    """

    _erase_some: "Callable[[], Deferred[bool]]"
    _clock: Any
    is_wanted: bool = attrs.field(default=False, init=False)
    """Whether something was deleted that is not erased yet."""
    failure: str | None = attrs.field(default=None, init=False)
    """Why the last attempt failed."""
    _call: Any = attrs.field(default=None, init=False)
    is_running: bool = attrs.field(default=False, init=False)
    """Whether something is being erased, or was as the database closed."""
    _is_stopped: bool = attrs.field(default=False, init=False)

    _log: ClassVar = Logger()

    def request(self) -> None:
        """Erase what was deleted, soon."""
        self.is_wanted = True
        if self._call is None and not self.is_running and not self._is_stopped:
            self._call = self._clock.callLater(DELAY, self._begin)

    def stop(self) -> None:
        """Erase nothing from now on."""
        self._is_stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _begin(self) -> None:
        self._call, self.is_running, self.is_wanted = None, True, False
        Deferred.fromCoroutine(self._erase()).addErrback(
            lambda failure: self._log.failure("Erasing deleted data failed unexpectedly", failure)
        )

    async def _erase(self) -> None:
        try:
            while not await self._erase_some():
                continue
            self.failure = None
        except StoreClosed:
            self.is_wanted = True
        except StoreError as error:
            self.is_wanted = True
            self._note(str(error))
        finally:
            self.is_running = False
        if self.is_wanted:
            self.request()

    def _note(self, error: str) -> None:
        if self.failure is None:
            self._log.warn(
                "Deleted data cannot be erased from the disk yet; this is tried again: {error}",
                error=error,
            )
        self.failure = error
