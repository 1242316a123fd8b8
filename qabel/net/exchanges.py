"""Runs exchanges (a request and its response) under limits, with one family of errors."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import attrs
from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)

from qabel.deferreds import when_done
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
from qabel.net.exchange_limits import ExchangeLimits, Watchdog, set_current_watchdog
from qabel.net.tls_errors import EXPECTS_TLS, describe_failure

T = TypeVar("T")

Work = Callable[[Watchdog], Coroutine[Any, Any, T]]
"""An exchange, which gets the watchdog that enforces its limits."""


@attrs.define(eq=False)
class Exchanges:
    """Runs exchanges under limits, and can cancel all that are under way."""

    _clock: IReactorTime
    _limits: ExchangeLimits
    _under_way: set[Deferred[Any]] = attrs.field(factory=set, init=False, repr=False)
    _closed: bool = attrs.field(default=False, init=False)

    async def run(self, peer: str, work: "Work[T]", *, has_tls: bool = True) -> T:
        """Run ``work`` under a watchdog and return its result.

        When a time limit is exceeded, the work is cancelled, unless it has set the watchdog's
        ``on_expire``. Raises DropServerError; its texts call the other side ``peer``, and say of
        one without TLS that it may expect that.
        """
        if self._closed:
            raise ConnectFailed(f"{peer} was not contacted: the daemon is stopping.")
        watchdog = Watchdog(self._clock, self._limits)
        running = Deferred.fromCoroutine(_work(work, watchdog))
        watchdog.on_expire = watchdog.on_expire or running.cancel
        self._under_way.add(running)
        try:
            return await running
        except DropServerError:
            raise
        except Exception as error:  # noqa: BLE001 - raised again, translated
            if watchdog.expired:
                raise TimedOut(f"{peer} did not respond in time.") from None
            raise translate(error, peer, has_tls=has_tls) from None
        finally:
            watchdog.stop()
            self._under_way.discard(running)

    def close(self) -> Deferred[None]:
        """Cancel all exchanges and reject new ones; fires when all have ended."""
        self._closed = True
        ended = []
        for each in list(self._under_way):
            ended.append(when_done(each))
            each.cancel()
        return gatherResults(ended).addCallback(lambda _: None)


async def _work(work: "Work[T]", watchdog: Watchdog) -> T:
    """Work in a context of its own, which ``Deferred.fromCoroutine`` has made."""
    set_current_watchdog(watchdog)
    return await work(watchdog)


def translate(error: Exception, peer: str, *, has_tls: bool = True) -> Exception:
    """Return the DropServerError for an error of Twisted's HTTP client.

    CancelledError is unwrapped; an error that does not come from the network is returned as it is.
    """
    reasons = list(_reasons(error))
    hint = "" if has_tls else f"; {EXPECTS_TLS}"
    for kind, make in _TRANSLATIONS.items():
        for reason in reasons:
            if isinstance(reason, kind):
                return make(peer, reason, hint)
    if reasons != [error]:
        return InvalidResponse(f"{peer} sent an invalid HTTP response{hint}.")
    return error


def is_stale(error: Exception) -> bool:
    """Return whether a request failed because the server had closed its kept connection."""
    return any(isinstance(reason, StaleConnection) for reason in _reasons(error))


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that Twisted's HTTP client has wrapped in ``error``, or itself."""
    if isinstance(error, (RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed)):
        for failure in error.reasons:
            yield from _reasons(failure.value)
    else:
        yield error


def _no_response(peer: str, _: BaseException, hint: str) -> Exception:
    return IncompleteResponse(f"{peer} closed the connection before it responded{hint}.")


_TRANSLATIONS: dict[type[BaseException], Callable[[str, BaseException, str], Exception]] = {
    CancelledError: lambda *_: CancelledError(),
    HeadersTooLong: lambda peer, *_: ResponseTooLarge(f"{peer} sent too many headers."),
    EncodedBody: lambda peer, *_: InvalidResponse(
        f"{peer} compressed its response although that was not requested."
    ),
    SSL.Error: lambda peer, error, _: ConnectFailed(
        f"{peer} {describe_failure(error, 'ended the connection with a TLS error')}."
    ),
    ConnectionClosed: _no_response,
    StaleConnection: _no_response,
}
