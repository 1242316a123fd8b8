"""What those who run a drop server can ask it: ``/health`` and ``/metrics``, apart from the public.

On its private socket they can also have it purge messages. Nothing here names a drop or an address.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.request import DropRequest
from qabel.dropserver.server_state import State
from qabel.dropserver.storage import StoreUnavailable

PURGE = b"/purge"

METRICS = b"text/plain; version=0.0.4; charset=utf-8"


Purging = Callable[[MessagePurge, Callable[[], bool]], Awaitable[None]]
"""Does a purge to its end, or until it is wanted no more. Raises StoreUnavailable."""


class AdminResource(Resource):
    """``/health`` and ``/metrics``; and ``/purge``, for those who may do that.

    Args:
        state: returns the state of the server.
        purging: purges messages; None where nobody may.

    """

    isLeaf = True
    _log: ClassVar = Logger()

    def __init__(
        self, state: Callable[[], Awaitable[State]], purging: Purging | None = None
    ) -> None:
        super().__init__()
        self._state = state
        self._purging = purging

    def render(self, request: DropRequest) -> int:
        """Respond to a request."""
        request.responseHeaders.removeHeader(b"Server")
        answers = {b"/health": self._health, b"/metrics": self._metrics}
        answer = answers.get(request.path)
        if request.path == PURGE and self._purging is not None:
            self._render_purge(request, self._purging)
        elif answer is None:
            _say(request, 404, {"error": "Not found: there are /health and /metrics"})
        elif request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            _say(request, 405, {"error": "Method not allowed"})
        else:
            self._run(request, answer(request))
        return NOT_DONE_YET

    def _run(self, request: DropRequest, work: Coroutine[Any, Any, None]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed, request)

    def _render_purge(self, request: DropRequest, purging: Purging) -> None:
        if request.method != b"POST":
            request.setHeader(b"Allow", b"POST")
            _say(request, 405, {"error": "Method not allowed"})
            return
        try:
            purge = parse_purge(request.content.read())
        except ValueError as error:
            _say(request, 400, {"error": str(error)})
            return
        self._run(request, self._purge(request, purging, purge))

    async def _purge(self, request: DropRequest, purging: Purging, purge: MessagePurge) -> None:
        try:
            await purging(purge, lambda: request.is_connected)
        except StoreUnavailable:
            error = "the message file cannot be used; the server's log says why"
            _say(request, 503, {"error": error, **purge.purged.as_json()})
        else:
            _say(request, 200, purge.purged.as_json())

    async def _health(self, request: DropRequest) -> None:
        trouble = (await self._state()).trouble
        if trouble is None:
            _say(request, 200, {"status": "ok"})
        else:
            _say(request, 503, {"status": "unavailable", "reason": trouble})

    async def _metrics(self, request: DropRequest) -> None:
        # Imported here because few use it, and it would delay every start.
        from qabel.dropserver.drop_metrics import expose  # noqa: PLC0415

        exposed = expose(await self._state())
        request.setHeader(b"Content-Type", METRICS)
        request.respond(200, exposed)

    def _failed(self, failure: Failure, request: DropRequest) -> None:
        self._log.failure("an administrator's request failed", failure)
        _say(request, 500, {"error": "Internal error; see the log"})


def parse_purge(body: bytes) -> MessagePurge:
    """Return what is to be purged, as JSON says it. Raises ValueError, with what is wrong."""
    try:
        match json.loads(body):
            case {"since": int() | float() as since, "dry_run": bool(is_dry_run), **rest} if (
                since >= 0 and not rest
            ):
                return MessagePurge(float(since), is_dry_run)
    except (ValueError, RecursionError):
        pass
    raise ValueError('expected {"since": SECONDS, "dry_run": BOOLEAN}')


def _say(request: DropRequest, status: int, said: object) -> None:
    request.setHeader(b"Content-Type", b"application/json")
    request.respond(status, json.dumps(said).encode())
