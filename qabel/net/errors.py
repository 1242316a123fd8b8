"""What can go wrong with another host. No text here names more of a URL than host and port."""

from typing import ClassVar


class DropServerError(Exception):
    """The family: a drop server did not do what it was asked.

    ``kind`` names the sort of error for machines, ``detail`` is one sentence for the user.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConnectFailed(DropServerError):
    """There is no connection: no such name, nobody listening, or no agreement on TLS."""

    kind = "connect"


class TimedOut(DropServerError):
    """It took too long, was silent for too long, or dripped too slowly."""

    kind = "timeout"


class IncompleteResponse(DropServerError):
    """The connection ended before the answer did; what came whole was handed over."""

    kind = "torn"


class ResponseTooLarge(DropServerError):
    """The answer, or its headers, are bigger than anything a drop server would send."""

    kind = "too-big"


class InvalidResponse(DropServerError):
    """The answer is none that a drop server would give."""

    kind = "bad-answer"


class NotAllowed(DropServerError):
    """The daemon may not speak to this server; ``detail`` tells how the user can allow it."""

    kind = "not-allowed"


class ServerRefused(DropServerError):
    """The server said no, with this HTTP status.

    ``permanent``: trying the same again is no use. ``retry_after``: how many seconds the server
    asked to be left alone, if it did.
    """

    kind = "refused"

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        permanent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.permanent = permanent
        self.retry_after = retry_after


class StaleConnection(Exception):
    """A kept connection turned out to be closed by the server before it answered anything."""


class HeadersTooLong(Exception):
    """The header lines of an answer did not end where they should have."""


class EncodedBody(Exception):
    """The body of an answer is compressed, or encoded otherwise."""


class WebhookFailed(Exception):
    """A webhook could not be called; ``kind`` and ``detail`` are as in DropServerError."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
