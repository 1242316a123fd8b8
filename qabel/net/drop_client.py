"""The client side of the drop protocol (Qabel-Protocol-Drop): fetch and post messages."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import attrs
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from qabel.drop.multipart import MultipartError, MultipartParser
from qabel.drop.url import DropURL
from qabel.net.address_policy import AddressPolicy, any_address, private_address_error
from qabel.net.addresses import is_global
from qabel.net.bounded_client import BoundedClient
from qabel.net.drop_cursor import read_cursor, read_modified
from qabel.net.drop_id_bits import read_drop_id_bits
from qabel.net.drop_requests import fetch_headers, post_headers
from qabel.net.drop_responses import (
    ERROR_WITH_PAGE,
    NOTHING_NEW,
    content_type,
    finish_parts,
    invalid_response,
    read_acceptance,
    rejection,
)
from qabel.net.errors import DropServerError, InvalidResponse, ServerRefused
from qabel.net.exchange_limits import Allowance, Watchdog
from qabel.net.exchanges import is_stale
from qabel.net.group_tokens import GroupTokens, not_admitted
from qabel.net.http_transport import CONNECTIONS_PER_HOST, Transport
from qabel.net.isolated_transports import IsolatedTransports
from qabel.net.isolation import Isolation, IsolationKey
from qabel.net.response_body import BodyReader, OnParts, PartQueue, exceeds
from qabel.net.tls_errors import ErrorPage


@attrs.frozen
class FetchResult:
    """The result of a fetch.

    ``latest`` is the new cursor, to be passed as ``since`` next time; None if the response had
    none: then the old one remains valid. ``parts`` is the number of parts handed over. If there is
    nothing new, ``latest`` is what some servers state all the same.
    """

    status: Literal["new", "nothing"]
    latest: str | None = None
    parts: int = 0
    modified: int | None = None
    """When the newest message arrived as the server states it, in seconds since the epoch."""


@attrs.define(eq=False, repr=False)
class DropClient(BoundedClient):
    """Talks to drop servers, the same way for every identity, and within limits.

    Every call raises DropServerError when the server does not do its part. Cancelling a call closes
    its connection.

    Args:
        policy: decides which servers are trusted.
        isolation: decides which requests may share a connection.
        group_tokens: the tokens of closed groups.
        now: returns seconds since the epoch.

    The other arguments are those of `BoundedClient`.

    """

    policy: AddressPolicy = attrs.field(kw_only=True)
    isolation: Isolation = attrs.field(factory=Isolation, kw_only=True)
    group_tokens: GroupTokens = attrs.field(factory=GroupTokens, kw_only=True)
    _now: Callable[[], float] = attrs.field(default=time.time, kw_only=True)
    _transports: IsolatedTransports = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()

        def make(key: IsolationKey, trusted: bool) -> Transport:
            allows = any_address if trusted else is_global
            return self._transport(allows, private_address_error, key)

        self._transports = IsolatedTransports(make, self.isolation)

    async def close(self) -> None:
        """Cancel all calls and close all connections."""
        await super().close()
        await self._transports.close()

    async def fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: OnParts,
        allowance: Allowance | None = None,
    ) -> FetchResult:
        """Fetch the messages newer than ``since``, oldest first.

        Args:
            url: the drop.
            since: the cursor of the last fetch; None for all messages.
            on_parts: gets each complete part once, in batches, as they arrive. If it returns an
                awaitable, the server is paused once too many parts wait for that. What it raises
                ends the fetch and is raised. Parts handed over before an error are valid; the
                cursor stays.
            allowance: the bytes that the response may have, which are counted; None for as many as
                the limits of the client allow. Raises ResponseTooLarge after the first ones.

        """
        allowed = allowance or Allowance(self._limits.size)
        return await self._exchanges.run(
            _peer(url),
            lambda watchdog: self._fetch(url, since, on_parts, watchdog, allowed),
            has_tls=url.has_tls,
        )

    async def post(self, url: DropURL, message: bytes) -> None:
        """Post a message to a drop. When this returns, the server has accepted it.

        Only a 2xx status with an empty body says so; anything else raises DropServerError.
        """
        await self._exchanges.run(
            _peer(url),
            lambda watchdog: self._post(url, message, watchdog),
            has_tls=url.has_tls,
        )

    async def drop_id_bits(self, server: str, owner: bytes) -> int:
        """Ask a server how many random bits new drop ids are to have.

        ``owner`` is the public key of the identity that the drop is for. Raises DropServerError
        also if the server does not say it.
        """
        drop = DropURL.on_server(server)
        return await self._exchanges.run(
            _peer(drop),
            lambda watchdog: self._drop_id_bits(drop, owner, watchdog),
            has_tls=drop.has_tls,
        )

    async def _drop_id_bits(self, drop: DropURL, owner: bytes, watchdog: Watchdog) -> int:
        with self._transport_for(drop, self.isolation.asking(owner)) as transport:
            page = f"{drop.server}/"
            response = await _request(
                transport, "GET", page, fetch_headers(drop, None, None), watchdog
            )
            return await read_drop_id_bits(response, _peer(drop), self._now(), watchdog)

    async def _fetch(
        self,
        url: DropURL,
        since: str | None,
        on_parts: OnParts,
        watchdog: Watchdog,
        allowance: Allowance,
    ) -> FetchResult:
        token = self.group_tokens.get(url)
        headers = fetch_headers(url, since, token)
        with self._transport_for(url, self.isolation.reading(url)) as transport:
            response = await _request(transport, "GET", str(url), headers, watchdog)
            try:
                return await self._read_response(response, url, on_parts, watchdog, allowance)
            except ServerRefused as error:
                raise not_admitted(url, error.status, token) or error from None

    async def _read_response(
        self,
        response: IResponse,
        url: DropURL,
        on_parts: OnParts,
        watchdog: Watchdog,
        allowance: Allowance,
    ) -> FetchResult:
        latest, modified = read_cursor(response.headers), read_modified(response.headers)
        if response.code in NOTHING_NEW:
            return FetchResult("nothing", latest, modified=modified)
        peer = _peer(url)
        if response.code != 200:
            page = ErrorPage()
            feed = page.feed if response.code == ERROR_WITH_PAGE else None
            await self._drain(response, peer, watchdog, allowance, feed)
            raise rejection(response, peer, self._now(), page=page)
        try:
            parser = MultipartParser(content_type(response))
        except MultipartError as error:
            await self._drain(response, peer, watchdog, allowance)
            raise invalid_response(peer, error) from None
        count = await self._read_parts(response, peer, parser, on_parts, watchdog, allowance)
        return FetchResult("new", latest, count, modified)

    async def _read_parts(
        self,
        response: IResponse,
        peer: str,
        parser: MultipartParser,
        on_parts: OnParts,
        watchdog: Watchdog,
        allowance: Allowance,
    ) -> int:
        queue = PartQueue(on_parts)
        limit = min(allowance.size, self._limits.size * allowance.times)
        size = 0

        def feed(data: bytes) -> bool:
            nonlocal size
            size += len(data)
            try:
                queue.add(parser.feed(data))
            except MultipartError as error:
                raise invalid_response(peer, error) from None
            if exceeds(queue.count, size):
                raise InvalidResponse(f"{peer} sent a response of very many small parts.")
            return parser.complete

        reader = BodyReader(peer, watchdog, limit, feed, allowance.note, partial=True)
        queue.throttle(reader)
        failed: DropServerError | None = None
        try:
            await reader.read(response)
        except DropServerError as error:
            failed = error
        except BaseException:
            queue.cancel()
            raise
        # Complete parts are worth keeping, however the response ended.
        watchdog.pause()
        await queue.finish()
        if failed is not None:
            raise failed
        finish_parts(parser, peer)
        return queue.count

    async def _post(self, url: DropURL, message: bytes, watchdog: Watchdog) -> None:
        key, token = self.isolation.posting(), self.group_tokens.get(url)
        # The server may have closed a kept connection meanwhile. That says nothing about the
        # message, so it is posted over the next one; the last attempt uses a fresh connection.
        # Should it arrive twice, nobody notices: receivers recognize messages by their hash.
        kept = CONNECTIONS_PER_HOST if key.is_kept else 0
        with self._transport_for(url, key) as transport:
            for left in range(kept, -1, -1):
                try:
                    headers = post_headers(url, token)
                    response = await _request(
                        transport, "POST", str(url), headers, watchdog, message
                    )
                    break
                except Exception as error:
                    if not left or not is_stale(error):
                        raise
            try:
                await read_acceptance(
                    response, _peer(url), self._now(), watchdog, is_shared=url.is_shared
                )
            except ServerRefused as error:
                raise not_admitted(url, error.status, token, is_post=True) or error from None

    @contextmanager
    def _transport_for(self, url: DropURL, key: IsolationKey) -> Iterator[Transport]:
        """Return the transport for a request. Raises NotAllowed."""
        transport = self._transports.get(key, trusted=self.policy.trusts(url))
        try:
            yield transport
        finally:
            self._transports.release(transport)

    async def _drain(
        self,
        response: IResponse,
        peer: str,
        watchdog: Watchdog,
        allowance: Allowance,
        feed: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Let the server end a response of which only the headers matter, and what is fed."""
        reader = BodyReader(
            peer, watchdog, self._limits.size, feed or (lambda _: True), allowance.note
        )
        await reader.read(response)


async def _request(
    transport: Transport,
    method: str,
    url: str,
    headers: Headers,
    watchdog: Watchdog,
    body: bytes | None = None,
) -> IResponse:
    response = await transport.request(method, url, headers, body)
    watchdog.received(0)
    return response


def _peer(url: DropURL) -> str:
    return f"The drop server at {url.host}"
