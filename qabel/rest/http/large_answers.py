"""Sending a large body piece by piece, no faster than it is read at the other end."""

from qabel.contract.reply import Reply
from qabel.host.http_server.flow import Flow
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest

LARGE = 64 * 1024
"""Bytes from which on a body is sent in pieces of this size."""

PATIENCE = 30.0
"""Seconds in which the other end must take one piece."""


async def send_large(request: ApiRequest, reply: Reply) -> None:
    """Send a reply; returns when the system has taken all of it. Does not finish the request."""
    body = memoryview(begin(request, reply))
    flow = Flow(request, request.site.reactor, PATIENCE)
    flow.start()
    try:
        for start in range(0, len(body), LARGE):
            await flow.write(bytes(body[start : start + LARGE]))
    finally:
        flow.end()
