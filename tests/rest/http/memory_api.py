"""An API in memory: routes that a test declares, behind the real site, on connections in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from klein import Klein
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from qabel.contract.access import Access
from qabel.contract.routes import Route
from qabel.rest.app import Api
from qabel.rest.http.access_control import AccessControl, AccessOptions
from qabel.rest.http.dispatch import CONVERTERS, install, route_finder
from qabel.rest.http.request import ApiRequest
from qabel.rest.http.site import ApiSite
from tests.host.http_server.conftest import Line
from tests.rest.wire import Got, parse_answer

JSON = "application/json"


class NarrowLine(Line):
    """A connection in memory that takes anything at once, or, narrow, one write at a time."""

    is_narrow = False

    def write(self, data: bytes) -> None:
        """Take what is written, however much."""
        StringTransport.write(self, data)
        if self.is_narrow and self.producer is not None:
            self.producer.pauseProducing()

    def read_on(self) -> None:
        """Let the server write more."""
        assert self.producer is not None
        self.producer.resumeProducing()


@frozen
class KnownTokens:
    """Tokens, and what each of them allows."""

    allowed: Mapping[str, Access]
    path: Path = Path("/data/api-token")

    def check(self, value: str) -> Access | None:
        """Return what a token allows."""
        return self.allowed.get(value)


@define(eq=False)
class MemoryApi:
    """An API with a core of the test's own.

    Args:
        routes: all routes.
        core: what handlers get as their core.
        tokens: what each token allows.
        options: who may connect; as on the Unix socket if there are no tokens.

    """

    routes: Sequence[Route]
    core: Any = None
    tokens: Mapping[str, Access] = field(factory=dict)
    options: AccessOptions | None = None
    clock: Clock = field(factory=Clock)
    site: ApiSite = field(init=False)

    def __attrs_post_init__(self) -> None:
        app = Klein()
        app.url_map.converters.update(CONVERTERS)
        app.handle_errors(Exception)(Api.failed)
        for route in self.routes:
            install(app, route)
        services = _Services(self.core)
        bound = type("SmallApi", (), {"app": app, "services": services})()
        known: Any = KnownTokens(self.tokens)
        options = self.options or AccessOptions(unix=not self.tokens)
        self.site = ApiSite(
            bound.app.resource(),
            ApiRequest,
            AccessControl(known, options),
            frozenset(each.path.encode() for each in self.routes if not each.scopes),
            route_finder(app, self.routes),
            reactor=self.clock,
            max_connections=5,
        )

    def connect(self) -> tuple[Any, NarrowLine]:
        """Return the server's end of a new connection, and what it writes to."""
        channel, line = self.site.buildProtocol(None), NarrowLine()
        channel.makeConnection(line)
        return channel, line

    def ask(
        self, method: str, target: str, body: bytes = b"", *, token: str = "", **headers: str
    ) -> Got:
        """Send a request on a connection of its own, and return the answer."""
        channel, line = self.connect()
        channel.dataReceived(request(method, target, body, token=token, **headers))
        return parse_answer(line.value(), head=method == "HEAD")


@frozen
class _Services:
    core: Any


def request(
    method: str, target: str, body: bytes = b"", *, token: str = "", **headers: str
) -> bytes:
    """Return the bytes of a request; underscores in the names of headers stand for dashes."""
    given = {"host": "localhost", **headers}
    if token:
        given["authorization"] = f"Bearer {token}"
    if body:
        given["content-length"] = str(len(body))
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
    return head.encode("latin-1") + body
