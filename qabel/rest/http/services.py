"""What all handlers share."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from attrs import frozen

from qabel.core.journal.follower import Follower
from qabel.core.service import CoreService
from qabel.modules.host import ModuleHost


class EventStreams(Protocol):
    """Streams of server-sent events: ``qabel.rest.events.streams.Streams``."""

    def serve(self, request: Any, follower: Follower, /) -> Awaitable[None]:
        """Write what a follower returns until it ends or the client disconnects."""


@frozen
class Services:
    """The core, and what else all requests share."""

    core: CoreService
    streams: EventStreams
    modules: ModuleHost
    openapi: Callable[[], bytes]
    """Returns the OpenAPI document."""
