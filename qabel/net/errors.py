"""Errors of exchanges with other hosts.

Their texts show no more of a URL than host and port; commands to mend it, the URL of the server.
"""

from typing import ClassVar


class DropServerError(Exception):
    """The base class: an exchange with a drop server failed.

    ``kind`` identifies the kind of error for programs; ``detail`` is a sentence for the user.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConnectFailed(DropServerError):
    """No connection: unknown host name, nobody listening, or TLS failed."""

    kind = "connect"


class ProxyFailed(ConnectFailed):
    """No connection: the proxy is to blame, and not the server."""

    kind = "proxy"


class TimedOut(DropServerError):
    """The exchange took too long, the server was silent too long, or sent too slowly."""

    kind = "timeout"


class IncompleteResponse(DropServerError):
    """The connection ended before the response did; complete parts were handed over."""

    kind = "torn"


class ResponseTooLarge(DropServerError):
    """The response or its headers are larger than any that a drop server would send."""

    kind = "too-big"


class InvalidResponse(DropServerError):
    """The response is not one that a drop server would send."""

    kind = "bad-answer"


class NotAllowed(DropServerError):
    """The daemon may not connect to this server; ``detail`` says how to allow it."""

    kind = "not-allowed"


class ServerRefused(DropServerError):
    """The server rejected the request with this HTTP status.

    ``permanent``: repeating the request is pointless. ``retry_after``: seconds that the server
    asked us to wait, or None.
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


class NotAdmitted(ServerRefused):
    """The server rejected the group token of the request, or asked for one that it had not.

    Only the user can mend that; then the same request may be repeated.
    """


class StaleConnection(Exception):
    """The server closed a kept connection before it sent any byte of a response."""


class HeadersTooLong(Exception):
    """The headers of a response exceed the limit."""


class EncodedBody(Exception):
    """The body of a response is compressed or otherwise encoded."""


class WebhookFailed(Exception):
    """A webhook could not be called; ``kind`` and ``detail`` are as in DropServerError."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
