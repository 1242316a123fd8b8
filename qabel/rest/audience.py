"""Listeners that want the same and have been told as much: what is new is read once for all."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from qabel.core.concurrency import a_few_at_a_time
from qabel.core.log import Entry, Follower

BATCH = 50
"""Entries written at once: a slow listener's buffer holds no more."""


class Listener(Protocol):
    """One who is told: ``follower`` has its place."""

    follower: Follower
    paused: bool
    """Whether it has not yet taken what was written."""

    def write(self, data: bytes) -> None:
        """Write to it; this may pause it."""


class Audience:
    """Those who are told together, as long as each of them keeps up.

    Each has a follower of its own nonetheless, which is put forward as soon as it was written to.
    Whoever is paused leaves before anything else is written, and goes on alone from its place.
    """

    def __init__(
        self, follower: Follower, written: Callable[[list[Entry]], bytes], clock: Any
    ) -> None:
        """Prepare.

        Args:
            follower: reads for all, from when the first joins until the last has left.
            written: gives the bytes of entries.
            clock: the reactor, or a Clock.

        """
        self._follower = follower
        self._written = written
        self._clock = clock
        self._members: dict[Listener, Deferred[None]] = {}
        self._has_begun = False
        self.is_over = False
        """Whether nobody can join any more."""

    def has_place_for(self, listener: Listener) -> bool:
        """Tell whether a listener can join: whether it has been told exactly as much."""
        return not self.is_over and listener.follower.is_level_with(self._follower)

    def join(self, listener: Listener) -> "Deferred[None]":
        """Have a listener told what is new, until it is paused; then the Deferred fires.

        It fails if nothing more can be read. Cancel it to leave.
        """

        def leave(_: object) -> None:
            self._take_out(listener)

        left: Deferred[None] = Deferred(leave)
        self._members[listener] = left
        if not self._has_begun:
            self._has_begun = True
            Deferred.fromCoroutine(self._run()).addErrback(self._failed)
        return left

    async def _run(self) -> None:
        while entries := await self._follower.next(BATCH):
            tell = partial(self._tell, self._written(entries))
            await a_few_at_a_time(list(self._members), tell, self._clock)

    def _tell(self, data: bytes, listener: Listener) -> None:
        if listener not in self._members:
            return
        if not listener.paused:
            try:
                listener.write(data)
            except Exception:  # noqa: BLE001 - it is its listener's, and holds up no other
                self._take_out(listener).errback(Failure())
                return
            listener.follower.catch_up_with(self._follower)
        if listener.paused:
            self._take_out(listener).callback(None)

    def _take_out(self, listener: Listener) -> "Deferred[None]":
        left = self._members.pop(listener)
        if not self._members:
            self.is_over = True
            self._follower.close()
        return left

    def _failed(self, failure: Failure) -> "Deferred[None]":
        self.is_over = True

        def fail(listener: Listener) -> None:
            if listener in self._members:
                self._take_out(listener).errback(failure)

        return Deferred.fromCoroutine(a_few_at_a_time(list(self._members), fail, self._clock))
