"""What those who run a drop server can ask it: ``/health`` and ``/metrics``, apart from the public.

Nothing here names a drop or an address.
"""

import json
from collections.abc import Awaitable, Callable
from typing import ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.dropserver.request import DropRequest
from qabel.dropserver.server_state import State

METRICS = b"text/plain; version=0.0.4; charset=utf-8"


class AdminResource(Resource):
    """``/health`` and ``/metrics``.

    Args:
        state: returns the state of the server.

    """

    isLeaf = True
    _log: ClassVar = Logger()

    def __init__(self, state: Callable[[], Awaitable[State]]) -> None:
        super().__init__()
        self._state = state

    def render(self, request: DropRequest) -> int:
        """Respond to a request."""
        request.responseHeaders.removeHeader(b"Server")
        answers = {b"/health": self._health, b"/metrics": self._metrics}
        answer = answers.get(request.path)
        if answer is None:
            _say(request, 404, {"error": "Not found: there are /health and /metrics"})
        elif request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            _say(request, 405, {"error": "Method not allowed"})
        else:
            Deferred.fromCoroutine(answer(request)).addErrback(self._failed, request)
        return NOT_DONE_YET

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


def _say(request: DropRequest, status: int, said: object) -> None:
    request.setHeader(b"Content-Type", b"application/json")
    request.respond(status, json.dumps(said).encode())
