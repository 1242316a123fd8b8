"""The SOCKS5 proxy that all traffic to servers goes through, if there is one."""

import os
import time
from collections.abc import Callable
from hashlib import blake2b

import attrs

from qabel.net.isolation import IsolationKey
from qabel.settings.proxy_url import ProxyURL

CONNECT_SECONDS = 60.0
"""Seconds that opening a connection through a proxy may take: Tor builds a circuit for it."""

KEEP_ERROR = 3600.0
"""Seconds after which an error is forgotten if nothing was tried since."""

_CREDENTIAL_BYTES = 16


@attrs.define(eq=False, repr=False)
class Proxy:
    """Which proxy is used, and how it does.

    ``url`` is None for none. The user names and passwords that a proxy gets are made of a secret
    that ends with the process, or with the use of that proxy: there is one of them for each
    isolation key, and nobody can tell whose it is.

    Args:
        url: the proxy.
        seconds: returns the time in seconds, on any clock that is not set.

    """

    url: ProxyURL | None = None
    _seconds: Callable[[], float] = attrs.field(default=time.monotonic, kw_only=True)
    is_authenticated: bool | None = attrs.field(default=None, init=False)
    """Whether it asked for a user name the last time; None before the first connection."""
    _error: str | None = attrs.field(default=None, init=False)
    _failed_at: float = attrs.field(default=0.0, init=False)
    _secret: bytes = attrs.field(factory=lambda: os.urandom(32), init=False)
    _listeners: list[Callable[[], object]] = attrs.field(factory=list, init=False)

    @property
    def error(self) -> str | None:
        """Why the last connection failed, if that was the proxy's failure, and not long ago."""
        return self._error if self._seconds() - self._failed_at < KEEP_ERROR else None

    @property
    def is_isolating(self) -> bool | None:
        """Whether it can keep connections with different isolation keys apart, as Tor does.

        None if that is not known yet.
        """
        if self.url is not None and self.url.credentials is not None:
            return False
        return self.is_authenticated

    def use(self, url: ProxyURL | None) -> None:
        """Use another proxy, or none, for all that is sent from now on."""
        if url == self.url:
            return
        self.url, self._error, self.is_authenticated = url, None, None
        self._secret = os.urandom(32)
        for each in self._listeners:
            each()

    def on_change(self, call: Callable[[], object]) -> None:
        """Call a function after each change of the proxy."""
        self._listeners.append(call)

    def credentials(self, key: IsolationKey) -> tuple[bytes, bytes]:
        """Return the user name and the password for connections with an isolation key."""
        if self.url is not None and self.url.credentials is not None:
            return self.url.credentials
        user, password = (self._derive(what, key) for what in (b"user", b"password"))
        return user, password

    def works(self, *, authenticated: bool) -> None:
        """Note that the proxy did its part."""
        self._error, self.is_authenticated = None, authenticated

    def failed(self, detail: str) -> None:
        """Note that the proxy did not do its part."""
        self._error, self._failed_at = detail, self._seconds()

    def _derive(self, what: bytes, key: IsolationKey) -> bytes:
        hashed = blake2b(key=self._secret, digest_size=_CREDENTIAL_BYTES, person=what)
        hashed.update(f"{key.purpose} {key.number} ".encode() + key.owner)
        return hashed.hexdigest().encode()
