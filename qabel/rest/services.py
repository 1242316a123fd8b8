"""What handlers work with besides their request."""

from collections.abc import Callable

from attrs import frozen

from qabel.core.service import CoreService
from qabel.rest.events.streams import Streams
from qabel.rest.turns import Turns


@frozen
class Services:
    """The core, and what all requests share."""

    core: CoreService
    streams: Streams
    turns: Turns
    openapi: Callable[[], bytes]
    """Returns the contract as an OpenAPI document."""
