"""Calls webhooks: posts JSON to URLs that the user named, on this machine or allowed hosts."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

import attrs
from twisted.internet.defer import gatherResults
from twisted.web.http_headers import Headers

from qabel.net.address_policy import any_address
from qabel.net.addresses import is_loopback, is_onion
from qabel.net.bounded_client import BoundedClient
from qabel.net.errors import DropServerError, NotAllowed, WebhookFailed
from qabel.net.exchange_limits import ExchangeLimits, Watchdog
from qabel.net.http_transport import Transport
from qabel.net.isolation import IsolationKey, Purpose
from qabel.net.response_body import BodyReader

LIMITS = ExchangeLimits(connect=10, silence=20, time=30, size=65536)

MAX_URL = 2048
"""Characters that the URL of a webhook may have."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?P<name>[0-9a-z_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?)"
    r"(?:/[!-~]*)?",
    re.IGNORECASE,
)


@attrs.define(eq=False, repr=False)
class WebhookClient(BoundedClient):
    """Calls webhooks within limits, without following redirects or keeping cookies.

    Args:
        allowed: returns whether webhooks of an origin (``https://host:port``, as the URL spells
            it) may be called at any address. All others may be only at loopback addresses.

    The other arguments are those of `BoundedClient`.

    """

    _allowed: Callable[[str], bool] = attrs.field(default=lambda _: False, kw_only=True)
    _limits: ExchangeLimits = attrs.field(default=LIMITS, kw_only=True)
    _local: Transport = attrs.field(init=False)
    _remote: Transport = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        key = IsolationKey(Purpose.WEBHOOK)
        self._local = self._transport(is_loopback, _not_allowed, key)
        self._remote = self._transport(any_address, _not_allowed, key)

    async def close(self) -> None:
        """Cancel all calls and close all connections."""
        await super().close()
        await gatherResults([self._local.close(), self._remote.close()])

    def may_call(self, url: str) -> bool:
        """Return whether the host of the URL is allowed, ``localhost`` or a loopback address.

        An address that only carries a loopback address, as tunnels use them, is none.
        """
        match = _URL.fullmatch(url)
        if match is None:
            return False
        return self._allowed(_origin(match)) or _is_here(match["name"].lower())

    async def post_json(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a JSON text with these headers and return the status of the response.

        The body of the response is ignored. Raises WebhookFailed, also for an invalid URL.
        """
        match = _URL.fullmatch(url)
        if match is None or not is_webhook_url(url):
            raise WebhookFailed("bad-url", "The URL of a webhook must be http or https, in ASCII.")
        host = match["host"].lower()
        sent = Headers({"Host": [host], "Content-Type": ["application/json"]})
        for name, value in headers.items():
            sent.setRawHeaders(name, [value])
        if is_onion(match["name"]):
            what = f"The webhook at {host} is an onion service: webhooks go through no proxy."
            raise WebhookFailed(NotAllowed.kind, what)
        transport = self._remote
        if not self._allowed(_origin(match)):
            if not _is_here(match["name"].lower()):
                raise WebhookFailed(NotAllowed.kind, _not_allowed(host).detail)
            transport = self._local
        peer = f"The webhook at {host}"

        async def call(watchdog: Watchdog) -> int:
            response = await transport.request("POST", url, sent, body)
            watchdog.received(0)
            await BodyReader(peer, watchdog, self._limits.size).read(response)
            return int(response.code)

        try:
            return await self._exchanges.run(peer, call, has_tls=match["scheme"].lower() == "https")
        except DropServerError as error:
            raise WebhookFailed(error.kind, error.detail) from None


def is_webhook_url(text: str) -> bool:
    """Return whether the text is a valid URL for a webhook."""
    match = _URL.fullmatch(text)
    return len(text) <= MAX_URL and match is not None and int(match["port"] or 1) in range(1, 65536)


def _origin(match: re.Match[str]) -> str:
    return f"{match['scheme']}://{match['host']}".lower()


def _is_here(name: str) -> bool:
    """Return whether a host in lower case is ``localhost`` or a literal loopback address."""
    try:
        return name == "localhost" or is_loopback(ip_address(name.strip("[]")))
    except ValueError:
        return False


def _not_allowed(host: str) -> NotAllowed:
    return NotAllowed(
        f"The webhook at {host} is not on this machine. Start the daemon with --allow-webhook to"
        " allow it."
    )
