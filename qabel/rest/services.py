"""What handlers work with besides their request."""

from collections.abc import Callable

from attrs import frozen

from qabel.core.service import CoreService
from qabel.rest.events.streams import Streams


@frozen
class Services:
    """The core, and what all requests share."""

    core: CoreService
    streams: Streams
    openapi: Callable[[], bytes]
    """Returns the contract as an OpenAPI document."""
