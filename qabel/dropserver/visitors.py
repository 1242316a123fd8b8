"""Who posts messages: where from, and how often. Nothing here is ever logged, or kept on disk."""

from collections.abc import Callable
from typing import ClassVar

from attrs import define, field
from twisted.logger import Logger

from qabel.dropserver.rates import Rates
from qabel.dropserver.request import DropRequest
from qabel.host.http_server.sources import LOCAL, Source, Sources, parse_address


@define(eq=False)
class Visitors:
    """Says whether a message may be posted now.

    Args:
        sources: tells where requests come from.
        rates: counts what comes from each source.
        advice: what to do about a proxy that was not declared.

    """

    _sources: Sources
    _rates: Rates
    _advice: str = ""
    on_proxy_undeclared: Callable[[], object] = field(default=lambda: None, kw_only=True)
    """Called once, when that is noticed."""
    is_proxy_undeclared: bool = field(default=False, init=False)
    """Whether requests came through something on this machine that was not declared as a proxy."""

    _log: ClassVar = Logger()

    def source(self, request: DropRequest) -> Source:
        """Return where a request comes from."""
        forwarded = request.requestHeaders.getRawHeaders("X-Forwarded-For", [])
        source = self._sources.of(request.getClientAddress(), forwarded)
        if source == LOCAL:
            self._look_for_proxy(request)
        return source

    def wait(self, source: Source) -> float:
        """Count a message; return 0, or the seconds to wait if its source has posted too many."""
        return 0.0 if source == LOCAL else self._rates.take(source)

    def _look_for_proxy(self, request: DropRequest) -> None:
        """Note a request from this machine for another one: what brought it was not declared."""
        host = request.requestHeaders.getRawHeaders("Host", ["localhost"])[-1]
        if self.is_proxy_undeclared or _is_here(host):
            return
        self.is_proxy_undeclared = True
        self.on_proxy_undeclared()
        self._log.warn(
            "Requests from elsewhere come through a program on this machine, such as a reverse "
            "proxy or Tor: the server cannot tell their senders apart, and limits none of them. "
            "{advice}",
            advice=self._advice,
        )


def _is_here(host: str) -> bool:
    """Return whether a Host header means this machine itself."""
    address = parse_address(host)
    if address is None:
        return host.partition(":")[0].lower() == "localhost"
    return address.is_loopback
