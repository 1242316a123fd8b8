"""The order of sending: messages of one identity are stored in the order in which they came."""

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from qabel.deferreds import FairLock, when_done


@define(eq=False)
class Turn:
    """The turn of one message, which comes when all earlier ones have left theirs."""

    _lock: FairLock
    _granted: "Deferred[None]" = field(init=False)
    _has_left: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._granted = Deferred.fromCoroutine(self._lock.acquire())

    async def reached(self) -> None:
        """Wait for the turn."""
        await when_done(self._granted)

    def leave(self) -> None:
        """Let the next one have its turn; the second time it does nothing."""
        if self._has_left:
            return
        self._has_left = True
        if self._granted.called:
            self._lock.release()
        else:
            self._granted.addErrback(_given_up)
            self._granted.cancel()


@define(eq=False)
class SendingOrder:
    """Gives turns, for each key in the order of asking; different keys do not wait."""

    _locks: dict[bytes, FairLock] = field(factory=dict, init=False)

    def enter(self, key: bytes) -> Turn:
        """Return the next turn, which must be left in any case."""
        return Turn(self._locks.setdefault(key, FairLock()))


def _given_up(failure: Failure) -> None:
    failure.trap(CancelledError)
