"""Send large bodies piece by piece, no faster than the client reads."""

from qabel.contract.reply import Reply
from qabel.host.http_server.flow import Flow
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest

LARGE = 64 * 1024
"""The size in bytes from which a body is sent in pieces."""

PATIENCE = 30.0
"""Seconds within which the client must take a piece."""


async def send_large(request: ApiRequest, reply: Reply) -> None:
    """Write a reply, and return once the system has taken all of it; do not finish the request."""
    body = begin(request, reply)
    flow = Flow(request, request.site.reactor, PATIENCE)
    flow.start()
    try:
        await flow.write_large(body)
    finally:
        flow.end()
