"""One request and its answer, under limits, with one small family of errors for all that fails."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)

from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    EncodedBody,
    HeadersTooLong,
    IncompleteResponse,
    InvalidResponse,
    ResponseTooLarge,
    StaleConnection,
    TimedOut,
)
from qabel.net.exchange_limits import ExchangeLimits, Watchdog

T = TypeVar("T")

Work = Callable[[Watchdog], Coroutine[Any, Any, T]]


class Exchanges:
    """Runs exchanges under limits, and can end all that are under way."""

    def __init__(self, clock: IReactorTime, limits: ExchangeLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._under_way: set[Deferred[Any]] = set()
        self._closed = False

    async def run(self, peer: str, work: "Work[T]") -> T:
        """Run ``work`` under a watch, and give its result.

        ``peer`` is what errors call the other side. When the time is up, the work is cancelled,
        unless it gave the watch something else to do. Raises DropServerError.
        """
        if self._closed:
            raise ConnectFailed(f"{peer} was not called: the daemon is stopping.")
        watch = Watchdog(self._clock, self._limits)
        running = Deferred.fromCoroutine(work(watch))
        watch.expire = watch.expire or running.cancel
        self._under_way.add(running)
        try:
            return await running
        except DropServerError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again, as what it means
            if watch.expired:
                raise TimedOut(f"{peer} did not answer in time.") from None
            translate(error, peer)
        finally:
            watch.stop()
            self._under_way.discard(running)

    def close(self) -> Deferred[None]:
        """End all exchanges under way, and start none; fires when they have ended."""
        self._closed = True
        ends = []
        for each in list(self._under_way):
            end: Deferred[None] = Deferred()
            each.addBoth(_tell, end)
            ends.append(end)
            each.cancel()
        return gatherResults(ends).addCallback(lambda _: None)


def _tell(result: T, end: Deferred[None]) -> T:
    end.callback(None)
    return result


def translate(error: Exception, peer: str) -> NoReturn:
    """Raise what the error means; an error that is none of the network's is raised as it is."""
    reasons = list(_reasons(error))
    for kind, make in _MEANINGS.items():
        if any(isinstance(reason, kind) for reason in reasons):
            raise make(peer) from None
    if reasons != [error]:
        raise InvalidResponse(f"{peer} does not speak proper HTTP.") from None
    raise error


def is_stale(error: Exception) -> bool:
    """Tell whether a request failed because the kept connection for it was closed already."""
    return any(isinstance(reason, StaleConnection) for reason in _reasons(error))


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Give what lies beneath the errors that Twisted's HTTP client wraps others in."""
    if isinstance(error, (RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed)):
        for failure in error.reasons:
            yield from _reasons(failure.value)
    else:
        yield error


_MEANINGS: dict[type[BaseException], Callable[[str], Exception]] = {
    CancelledError: lambda _: CancelledError(),
    HeadersTooLong: lambda peer: ResponseTooLarge(f"{peer} sent headers without end."),
    EncodedBody: lambda peer: InvalidResponse(
        f"{peer} encoded its answer, which nobody asked for."
    ),
    SSL.Error: lambda peer: ConnectFailed(
        f"{peer} could not be trusted: its TLS certificate or its TLS is not right."
    ),
    VerificationError: lambda peer: ConnectFailed(
        f"{peer} could not be trusted: its TLS certificate is for another host."
    ),
    ConnectionClosed: lambda peer: IncompleteResponse(
        f"{peer} closed the connection before it answered."
    ),
    StaleConnection: lambda peer: IncompleteResponse(
        f"{peer} closed the connection before it answered."
    ),
}
