"""Look for damage in pages of the database that nobody reads, a few at a time."""

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qabel.core.errors import StoreError
from qabel.host.regular_call import RegularCall

INTERVAL = 2.0
"""Seconds between two checks of some pages: a gibibyte takes about a quarter of an hour."""

REST = 24 * 3600.0
"""Seconds between two checks of all pages."""


@define(eq=False)
class PageCheck(Service):
    """Checks all pages of the database after the start, and then once a day.

    What is damaged while nobody reads it would be noticed too late, and what was found before a
    restart would be forgotten. The database itself reports what is found.

    Args:
        check_some: checks some pages from a number on; its Deferred fires with the number of the
            next, or None after the last, or fails with StoreError.
        clock: the clock.

    """

    _check_some: "Callable[[int], Deferred[int | None]]"
    _clock: IReactorTime
    _next: int = field(default=1, init=False)
    _not_before: float = field(default=0.0, init=False)
    _loop: RegularCall = field(init=False)

    name = "page-check"
    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._loop = RegularCall(
            self._check, INTERVAL, self._clock, self._log, "Checking pages stopped unexpectedly"
        )

    def startService(self) -> None:
        """Start with the first page."""
        super().startService()
        self._next, self._not_before = 1, 0.0
        self._loop.start()

    def stopService(self) -> None:
        """Stop."""
        super().stopService()
        self._loop.stop()

    async def _check(self) -> None:
        if self._clock.seconds() < self._not_before:
            return
        try:
            following = await self._check_some(self._next)
        except StoreError:
            # It is reported as damage, or as what keeps the database from being used.
            following = None
        self._next = following or 1
        if following is None:
            self._not_before = self._clock.seconds() + REST
