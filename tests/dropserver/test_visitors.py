"""Who may post a message now, by where it comes from; and what is noted of proxies."""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.web.http_headers import Headers

from qabel.dropserver.rates import Rate, Rates
from qabel.dropserver.visitors import Visitors
from qabel.host.http_server.sources import Proxies, Sources


class Request:
    """What of a request is looked at."""

    def __init__(self, host: str, **headers: str) -> None:
        self._host = host
        names = {name.replace("_", "-"): [value] for name, value in headers.items()}
        self.requestHeaders = Headers(names)

    def getClientAddress(self) -> IPv4Address:
        """Return the address of who is connected."""
        return IPv4Address("TCP", self._host, 1234)


def visitors(*proxies: str) -> Visitors:
    """Return what lets each source post one message in ten seconds."""
    return Visitors(Sources(Proxies.parse(proxies)), Rates(Clock(), Rate(0.1, 1)))


def wait(of: Visitors, host: str, **headers: str) -> float:
    """Return how long a request has to wait."""
    request: Any = Request(host, **headers)
    return of.wait(of.source(request))


def test_each_source_by_itself() -> None:
    """The second message of a source waits; behind a proxy, sources are those that it names."""
    direct = visitors()
    assert [wait(direct, "192.0.2.1") for _ in range(2)] == [0, pytest.approx(10)]
    assert wait(direct, "192.0.2.2", X_Forwarded_For="192.0.2.1") == 0
    behind = visitors("127.0.0.1")
    for each in ("192.0.2.1", "192.0.2.2"):
        assert wait(behind, "127.0.0.1", X_Forwarded_For=each) == 0
        assert wait(behind, "127.0.0.1", X_Forwarded_For=each) > 0


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9697", "127.0.0.1", "127.0.1.1:1", "[::1]:1"]
)
def test_this_machine(host: str) -> None:
    """It may post as often as it likes, and is no proxy."""
    own = visitors()
    with capturedLogs() as logged:
        assert [wait(own, "127.0.0.1", Host=host) for _ in range(3)] == [0, 0, 0]
    assert not own.is_proxy_undeclared
    assert logged == []


@pytest.mark.parametrize(
    "host", ["drop.example.org", "localhost.example", "192.0.2.1:80", "a.onion"]
)
def test_a_proxy_that_was_not_declared(host: str) -> None:
    """It is logged once, without the name; where proxies were declared, nothing is."""
    own = visitors()
    with capturedLogs() as logged:
        assert [wait(own, "127.0.0.1", Host=host) for _ in range(3)] == [0, 0, 0]
    assert own.is_proxy_undeclared
    [line] = logged
    assert host not in str(line)
    told = visitors("unix")
    with capturedLogs() as logged:
        wait(told, "127.0.0.1", Host=host)
    assert logged == []
