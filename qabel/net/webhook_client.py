"""Calling webhooks: JSON to a URL that the user named, on this machine unless more is allowed."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.web.http_headers import Headers

from qabel.net.address_policy import any_address, is_loopback
from qabel.net.connector import Connector
from qabel.net.errors import DropServerError, NotAllowed, WebhookFailed
from qabel.net.exchange_limits import ExchangeLimits, Watchdog
from qabel.net.exchanges import Exchanges
from qabel.net.http_transport import Transport
from qabel.net.name_lookup import NameLookup
from qabel.net.response_body import BodyReader

LIMITS = ExchangeLimits(connect=10, silence=20, time=30, size=65536)

MAX_URL = 2048

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:[0-9a-z_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?)(?:/[!-~]*)?",
    re.IGNORECASE,
)


class WebhookClient:
    """Calls webhooks within limits, with no redirects and no cookies.

    ``allowed`` is asked with the origin (``https://host:port``, as it was written) of a URL: where
    it says no, only this machine's own loopback addresses are connected to.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        allowed: Callable[[str], bool] = lambda _: False,
        limits: ExchangeLimits = LIMITS,
        clock: Any = None,
        names: NameLookup | None = None,
        trust_root: object = None,
    ) -> None:
        clock = reactor if clock is None else clock
        connector = Connector(
            reactor,
            clock,
            NameLookup(reactor, clock) if names is None else names,
            time_limit=limits.connect,
            trust_root=trust_root,
        )
        self._allowed = allowed
        self._limits = limits
        self._exchanges = Exchanges(clock, limits)
        self._local = Transport(clock, connector, is_loopback, _outside)
        self._remote = Transport(clock, connector, any_address, _outside)

    def may_call(self, url: str) -> bool:
        """Tell whether the URL's host is this machine by its name, or allowed."""
        match = _URL.fullmatch(url)
        if match is None:
            return False
        host = match["host"].lower()
        if self._allowed(f"{match['scheme'].lower()}://{host}"):
            return True
        name = host.removesuffix(f":{match['port']}") if match["port"] else host
        try:
            return name == "localhost" or is_loopback(ip_address(name.strip("[]")))
        except ValueError:
            return False

    async def post_json(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a JSON text, with these headers; give the status of the answer.

        The body of the answer means nothing. Raises WebhookFailed, also for a URL that is none.
        """
        match = _URL.fullmatch(url)
        if match is None or not is_webhook_url(url):
            raise WebhookFailed("bad-url", "A webhook's URL must be http or https, in ASCII.")
        host = match["host"].lower()
        sent = Headers({"Host": [host], "Content-Type": ["application/json"]})
        for name, value in headers.items():
            sent.addRawHeader(name, value)
        transport = (
            self._remote if self._allowed(f"{match['scheme'].lower()}://{host}") else self._local
        )
        peer = f"The webhook at {host}"

        async def call(watch: Watchdog) -> int:
            response = await transport.request("POST", url, sent, body)
            watch.came(0)
            await BodyReader(peer, watch, self._limits.size).read(response)
            return int(response.code)

        try:
            return await self._exchanges.run(peer, call)
        except DropServerError as error:
            raise WebhookFailed(error.kind, error.detail) from None

    async def close(self) -> None:
        """End everything under way, and close all connections."""
        await self._exchanges.close()
        await gatherResults([self._local.close(), self._remote.close()])


def is_webhook_url(text: str) -> bool:
    """Tell whether the text can be the URL of a webhook."""
    match = _URL.fullmatch(text)
    return len(text) <= MAX_URL and match is not None and int(match["port"] or 1) in range(1, 65536)


def _outside(host: str) -> NotAllowed:
    return NotAllowed(
        f"The webhook at {host} is not on this machine, and its host is not allowed for webhooks."
    )
