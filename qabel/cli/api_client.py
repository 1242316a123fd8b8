"""Requests to the daemon's REST API, over its Unix socket or TCP."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote, urlencode

from attrs import field, frozen

from qabel.cli.api_errors import no_response, not_a_daemon, not_connected, rejected
from qabel.cli.daemon_address import DaemonAddress

TIMEOUT = 30.0
"""Seconds without a byte from the daemon before a request fails."""

STREAM_TIMEOUT = 50.0
"""The same for a stream of events, in which the daemon sends something every 15 seconds."""


@frozen
class ApiResponse:
    """A response of the daemon."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    body: bytes = field(repr=False)

    value: Any = field(repr=False)
    """The body, parsed as JSON; None if there is no body."""


class ApiClient:
    """Sends requests to the daemon. Raises CommandError if it is unreachable or rejects one."""

    def __init__(self, address: DaemonAddress, token: str | None) -> None:
        self.address = address
        self._token = token

    def get(self, path: str, **query: object) -> Any:
        """Return a resource."""
        return self.request("GET", path, query=query).value

    def post(self, path: str, body: object = None, **query: object) -> Any:
        """Create or do something, and return the JSON of the response."""
        return self.request("POST", path, body=body, query=query).value

    def post_file(
        self, path: str, data: bytes, *, timeout: float = TIMEOUT, **query: object
    ) -> Any:
        """Upload a file, and return the JSON of the response."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.request(
            "POST", path, body=data, query=query, timeout=timeout, headers=headers
        ).value

    def put(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        """Replace a resource, and return the JSON of the response."""
        return self.request("PUT", path, body=body, headers=headers).value

    def patch(self, path: str, body: object) -> Any:
        """Change a resource, and return the JSON of the response."""
        return self.request("PATCH", path, body=body).value

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        accept: tuple[int, ...] = (),
    ) -> ApiResponse:
        """Send a request, and return the whole response.

        Args:
            method: the HTTP method.
            path: the path of the resource.
            query: parameters of the query; None leaves one out.
            body: a value that is sent as JSON; bytes are sent as they are.
            headers: more headers.
            timeout: seconds without a byte before the request fails.
            accept: statuses that are no errors, besides those below 300.

        Raises:
            CommandError: the daemon is unreachable, or rejects the request.

        """
        with self._open(method, path, query, body, headers, timeout) as exchange:
            response = exchange.read()
        if response.status < 300 or response.status in accept:
            return response
        raise rejected(response.status, response.value, path)

    def stream(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """Open a stream of events, which the caller closes. Raises CommandError."""
        exchange = self._open("GET", path, query, None, headers, STREAM_TIMEOUT)
        if exchange.response.status == 200:
            return exchange.response
        with exchange:
            response = exchange.read()
        raise rejected(response.status, response.value, path)

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        body: object,
        headers: Mapping[str, str] | None,
        timeout: float,
    ) -> "_Exchange":
        connection = self.address.connection(timeout)
        data, all_headers = self._encode(body, headers)
        target = self.address.base_path + path
        parameters = {name: value for name, value in (query or {}).items() if value is not None}
        if parameters:
            target += "?" + urlencode(parameters, quote_via=quote)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise not_connected(self.address, error) from None
        try:
            connection.request(method, target, data, all_headers)
            return _Exchange(self.address, connection, connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise no_response(self.address, error) from None

    def _encode(
        self, body: object, headers: Mapping[str, str] | None
    ) -> tuple[bytes | None, dict[str, str]]:
        all_headers = {"Connection": "close", "Accept": "application/json, */*;q=0.5"}
        if self._token is not None:
            all_headers["Authorization"] = f"Bearer {self._token}"
        data: bytes | None = None
        if isinstance(body, bytes):
            data = body
        elif body is not None:
            data = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        return data, {**all_headers, **(headers or {})}


@frozen
class _Exchange:
    """A request that was sent, and the head of its response."""

    address: DaemonAddress
    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse

    def read(self) -> ApiResponse:
        """Return the whole response. Raises CommandError if it is cut off, or not the daemon's."""
        try:
            body = self.response.read()
        except (OSError, http.client.HTTPException) as error:
            raise no_response(self.address, error) from None
        head = self.response
        if head.status in (204, 304) and not body:
            return ApiResponse(head.status, head.headers, body, None)
        expected = "application/json" if head.status < 300 else "application/problem+json"
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise not_a_daemon(self.address) from None
        if head.headers.get_content_type() != expected:
            raise not_a_daemon(self.address)
        return ApiResponse(head.status, head.headers, body, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.connection.close()
