"""The drop protocol from the client's side (Qabel-Protocol-Drop): fetch, check, post."""

import time
from collections.abc import Callable
from typing import Any, Literal

import attrs
from twisted.internet.defer import gatherResults
from twisted.web.http import stringToDatetime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from qabel.drop.multipart import IncompleteMultipart, MultipartError, MultipartParser
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy, any_address, is_global, private_address_error
from qabel.net.connector import Connector
from qabel.net.drop_cursor import cursor_from, cursor_header
from qabel.net.errors import DropServerError, IncompleteResponse, InvalidResponse, ServerRefused
from qabel.net.exchange_limits import ExchangeLimits, Watchdog
from qabel.net.exchanges import Exchanges, is_stale
from qabel.net.http_transport import CONNECTIONS_PER_HOST, Transport
from qabel.net.name_lookup import NameLookup
from qabel.net.response_body import BodyReader, OnParts, PartQueue

NOTHING_NEW = (204, 304)
PERMANENT = (400, 413)
"""The statuses by which a drop server refuses a message for good."""

MAX_RETRY_AFTER = 3600.0


@attrs.frozen
class FetchResult:
    """What a fetch gave.

    ``latest`` is the new place in the drop, to be given as ``since`` next time; None if the answer
    named none: then the old one stays. ``parts`` is how many were handed over.
    """

    status: Literal["new", "nothing"]
    latest: str | None = None
    parts: int = 0


class DropClient:
    """Speaks with drop servers, the same for every identity, and within limits.

    Every call raises one of DropServerError when the server does not do its part. Cancelling one
    closes its connection.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        policy: AddressPolicy,
        limits: ExchangeLimits | None = None,
        clock: Any = None,
        names: NameLookup | None = None,
        trust_root: object = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` (the reactor, if left out) keeps the limits; ``now`` tells the time of day."""
        clock = reactor if clock is None else clock
        self.policy = policy
        self.connector = Connector(
            reactor,
            clock,
            NameLookup(reactor, clock) if names is None else names,
            time_limit=(limits or ExchangeLimits()).connect,
            trust_root=trust_root,
        )
        self._limits = limits or ExchangeLimits()
        self._now = now
        self._exchanges = Exchanges(clock, self._limits)
        # A connection to a trusted server must not serve one at the same place that is not.
        self._trusted = Transport(clock, self.connector, any_address, private_address_error)
        self._guarded = Transport(clock, self.connector, is_global, private_address_error)

    async def fetch(self, url: DropURL, since: str | None, on_parts: OnParts) -> FetchResult:
        """Read what is newer than ``since`` (None: everything), oldest first.

        ``on_parts`` gets each whole part once, in batches, as they come; if it gives an awaitable,
        the server has to wait for it once some more have come. What it raises ends the fetch, and
        is raised. Parts that were handed over before an error are good; ``since`` stays.
        """
        return await self._exchanges.run(
            _peer(url), lambda watch: self._fetch(url, since, on_parts, watch)
        )

    async def post(self, url: DropURL, message: bytes) -> None:
        """Put a message into the drop; when this returns, the server has taken it."""
        await self._exchanges.run(_peer(url), lambda watch: self._post(url, message, watch))

    async def close(self) -> None:
        """End everything under way, and close all connections."""
        await self._exchanges.close()
        await gatherResults([self._trusted.close(), self._guarded.close()])

    async def _fetch(
        self, url: DropURL, since: str | None, on_parts: OnParts, watch: Watchdog
    ) -> FetchResult:
        response = await self._request("GET", url, _reading_headers(url, since), watch)
        if response.code in NOTHING_NEW:
            return FetchResult("nothing")
        peer = _peer(url)
        if response.code != 200:
            await self._drain(response, peer, watch)
            raise self._refusal(response, peer)
        try:
            parser = MultipartParser(_content_type(response))
        except MultipartError as error:
            await self._drain(response, peer, watch)
            raise InvalidResponse(f"{peer} sent something else: {error}.") from None
        count = await self._read_parts(response, peer, parser, on_parts, watch)
        return FetchResult("new", cursor_from(response.headers), count)

    async def _read_parts(
        self,
        response: IResponse,
        peer: str,
        parser: MultipartParser,
        on_parts: OnParts,
        watch: Watchdog,
    ) -> int:
        handover = PartQueue(on_parts)

        def feed(data: bytes) -> bool:
            try:
                handover.add(parser.feed(data))
            except MultipartError as error:
                raise InvalidResponse(f"{peer} sent something else: {error}.") from None
            return parser.complete

        reader = BodyReader(peer, watch, self._limits.size, feed)
        handover.holds_back(reader)
        fault: DropServerError | None = None
        try:
            await reader.read(response)
        except DropServerError as error:
            fault = error
        except BaseException:
            handover.cancel()
            raise
        # What came whole is worth keeping, however the answer ended.
        watch.pause()
        await handover.finish()
        if fault is not None:
            raise fault
        try:
            parser.finish()
        except IncompleteMultipart:
            raise IncompleteResponse(f"{peer} broke off in the middle of its answer.") from None
        except MultipartError as error:
            raise InvalidResponse(f"{peer} sent something else: {error}.") from None
        return handover.count

    async def _post(self, url: DropURL, message: bytes, watch: Watchdog) -> None:
        # A kept connection may have been closed by the server meanwhile. That says nothing about
        # the message, so it goes over the next one; the last of these is fresh. Should it arrive
        # twice, nobody notices: receivers know messages by their hash.
        for left in range(CONNECTIONS_PER_HOST, -1, -1):
            try:
                response = await self._request("POST", url, _posting_headers(url), watch, message)
                break
            except Exception as error:
                if not left or not is_stale(error):
                    raise
        await self._drain(response, _peer(url), watch)
        if not 200 <= response.code < 300:
            raise self._refusal(response, _peer(url), permanent=response.code in PERMANENT)

    async def _request(
        self,
        method: str,
        url: DropURL,
        headers: Headers,
        watch: Watchdog,
        body: bytes | None = None,
    ) -> IResponse:
        transport = self._trusted if self.policy.trusts(url) else self._guarded
        response = await transport.request(method, str(url), headers, body)
        watch.came(0)
        return response

    async def _drain(self, response: IResponse, peer: str, watch: Watchdog) -> None:
        """Let the server end an answer of which only the headers matter."""
        await BodyReader(peer, watch, self._limits.size).read(response)

    def _refusal(
        self, response: IResponse, peer: str, *, permanent: bool = False
    ) -> DropServerError:
        status = response.code
        if status < 300:
            return InvalidResponse(
                f"{peer} answered with status {status}, which means nothing here."
            )
        if status < 400:
            text = f"{peer} wants to send the daemon elsewhere (status {status})."
        else:
            text = f"{peer} refused with status {status}."
        return ServerRefused(
            text,
            status=status,
            permanent=permanent,
            retry_after=self._retry_after(response) if status in (429, 503) else None,
        )

    def _retry_after(self, response: IResponse) -> float | None:
        values = response.headers.getRawHeaders(b"Retry-After", [])
        text = values[0].strip() if len(values) == 1 and len(values[0]) <= 64 else b""
        if text.isdigit():
            seconds = float(text)
        else:
            try:
                seconds = stringToDatetime(text) - self._now()
            except (ValueError, KeyError, IndexError, OverflowError):
                return None
        return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _peer(url: DropURL) -> str:
    return f"The drop server at {url.host}"


def _content_type(response: IResponse) -> str:
    values = response.headers.getRawHeaders(b"Content-Type", [])
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _reading_headers(url: DropURL, since: str | None) -> Headers:
    headers = Headers({b"Host": [url.host.encode("ascii")]})
    cursor = cursor_header(since)
    if cursor is not None:
        headers.addRawHeader(*cursor)
    return headers


def _posting_headers(url: DropURL) -> Headers:
    return Headers(
        {
            b"Host": [url.host.encode("ascii")],
            b"Authorization": [b"Client Qabel"],
            b"Content-Type": [b"application/octet-stream"],
        }
    )
