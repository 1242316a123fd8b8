"""Calls from other threads to the reactor's thread, and their errors. Nothing here knows Qabel."""

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred


class EmbedError(Exception):
    """The daemon cannot be used in this way; the text says what to do."""


class Stopped(EmbedError):
    """The reactor or the daemon that was called has stopped."""


class CallTimeout(EmbedError, TimeoutError):
    """A call exceeded its timeout."""


@define(eq=False)
class ReactorCall:
    """A call to be made in the reactor's thread. All but ``done`` is for that thread alone.

    Args:
        function: returns a value, or something to await.
        timeout: seconds after which the call is cancelled; None for no limit.

    """

    function: Callable[[], Any]
    timeout: float | None
    done: "Future[Any]" = field(factory=Future, init=False)
    """The result, for the thread that waits for it."""
    _running: "Deferred[None] | None" = field(default=None, init=False)
    _reason: BaseException | None = field(default=None, init=False)

    def begin(self, clock: Any) -> None:
        """Call the function, unless the call was cancelled before. The clock is the reactor."""
        if self._reason is not None:
            self._finish(self._reason)
            return
        self._running = Deferred.fromCoroutine(self._run())
        if self.timeout is not None and not self.done.done():
            late = CallTimeout(f"The call took longer than {self.timeout} seconds.")
            deadline = clock.callLater(self.timeout, self.give_up, late)
            self._running.addBoth(lambda _: deadline.active() and deadline.cancel())

    def give_up(self, reason: BaseException) -> None:
        """Cancel the call, which then fails with this reason."""
        if self._reason is None:
            self._reason = reason
        if self._running is not None:
            self._running.cancel()

    def abandon(self, reason: BaseException) -> None:
        """Make the call fail, if it has not ended, because the reactor has."""
        self._finish(reason)

    async def _run(self) -> None:
        # Caught here, and not from the Deferred, which would lose the traceback.
        try:
            result = self.function()
            if isinstance(result, Awaitable):
                result = await result
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            self._finish(self._reason or error)
        else:
            if not self.done.done():
                self.done.set_result(result)

    def _finish(self, error: BaseException) -> None:
        # Work that was abandoned with the reactor ends when it is collected as garbage.
        if not self.done.done():
            self.done.set_exception(error)
