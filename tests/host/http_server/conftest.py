"""A server in memory: one connection, and a resource that never answers by itself."""

from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.host.http_server.channel import BoundedChannel, Refusals
from qabel.host.http_server.request import BoundedRequest
from qabel.host.http_server.site import BoundedSite

REQUEST_TIME = 60.0
REFUSALS = Refusals(malformed=b"malformed", too_slow=b"too slow", full=b"full")


class Line(StringTransport):
    """A connection in memory that remembers how it was ended."""

    aborted = False

    def abortConnection(self) -> None:
        """Note that it was cut."""
        self.aborted = True


class Silent(Resource):
    """Never answers, and remembers who asked."""

    isLeaf = True

    def render(self, request: Any) -> int:
        """Keep the request."""
        self.request = request
        return NOT_DONE_YET


class SmallRequest(BoundedRequest):
    """A request that may have ten bytes of body."""

    body_limit = 10
    too_large = b"too large"


@attrs.define(eq=False)
class Server:
    """A server in memory."""

    clock: Clock = attrs.field(factory=Clock)
    resource: Silent = attrs.field(factory=Silent)
    site: BoundedSite = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.site = BoundedSite(
            self.resource,
            SmallRequest,
            REFUSALS,
            reactor=self.clock,
            max_connections=2,
            request_time=REQUEST_TIME,
        )
        self.site.startFactory()

    def connect(self) -> tuple[BoundedChannel, Line]:
        """Return a new connection, and what it is written to."""
        channel, line = self.site.buildProtocol(None), Line()
        channel.makeConnection(line)
        return channel, line


@pytest.fixture
def server() -> Server:
    """Return a server in memory."""
    return Server()
