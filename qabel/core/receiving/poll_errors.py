"""Why a drop could not be read."""

from qabel.net.drop_responses import shows_no_drop_server
from qabel.net.errors import (
    ConnectFailed,
    DropServerError,
    NotAdmitted,
    NotAllowed,
    ServerRefused,
    TimedOut,
)


class ReadFailed(Exception):
    """A drop could not be read this time; the text contains no drop id."""

    def __init__(
        self,
        text: str,
        *,
        shows_no_drop_server: bool = False,
        retry_after: float | None = None,
        is_not_admitted: bool = False,
    ) -> None:
        super().__init__(text)
        self.shows_no_drop_server = shows_no_drop_server
        """Whether the response was one that no drop server gives."""
        self.retry_after = retry_after
        """The seconds that the server asked to wait; None if it did not."""
        self.is_not_admitted = is_not_admitted
        """Whether the server did not accept the group token, or lack of one."""


class NotStored(ReadFailed):
    """What was in a drop could not be stored; the text is the error of the database."""


def read_failed(error: DropServerError) -> ReadFailed:
    """Return the error for a drop that could not be read because of its server."""
    return ReadFailed(
        error.detail,
        shows_no_drop_server=shows_no_drop_server(error),
        retry_after=error.retry_after if isinstance(error, ServerRefused) else None,
        is_not_admitted=isinstance(error, NotAdmitted),
    )


def is_away(failed: DropServerError | None) -> bool:
    """Return whether another request to the same server would be in vain at present."""
    if isinstance(failed, ServerRefused) and failed.status in (429, 503):
        return True
    return isinstance(failed, (ConnectFailed, NotAdmitted, NotAllowed, TimedOut))
