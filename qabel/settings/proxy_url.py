"""The URL of a SOCKS5 proxy, and the form that checks it."""

import re
from typing import Self
from urllib.parse import unquote_to_bytes

import attrs

from qabel.drop.url import InvalidDropURL, parse_server_url
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema

MAX_CREDENTIAL = 255
"""Bytes that a user name or a password may have (RFC 1929)."""

_MAX_URL = 2048
_CREDENTIAL = r"(?:[!$&-.0-9;<=>?A-Z\[\]^_`a-z{|}~]|%[0-9a-f]{2})+"
_URL = re.compile(
    rf"socks5h?://(?:(?P<user>{_CREDENTIAL}):(?P<password>{_CREDENTIAL})@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[0-9a-z_.-]+):(?P<port>[0-9]{1,5})/?",
    re.IGNORECASE | re.ASCII,
)


class InvalidProxyURL(ValueError):
    """The text is not the URL of a proxy. The error never quotes it: it may have a password."""


@attrs.frozen(repr=False)
class ProxyURL:
    """Where a SOCKS5 proxy is, and the credentials for it. Only ``address`` may be shown.

    ``str()`` returns the whole URL in normal form, with the password.
    """

    host: str
    """A name, or an IP address without brackets."""
    port: int
    _userinfo: str = ""
    """``user:password`` as in the URL, or nothing."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``socks5://[USER:PASSWORD@]HOST:PORT``; ``socks5h`` means the same.

        User name and password may be percent-encoded. Raises InvalidProxyURL.
        """
        match = _URL.fullmatch(text) if len(text) <= _MAX_URL else None
        if match is None:
            raise InvalidProxyURL(
                "must have the form socks5://HOST:PORT or socks5://USER:PASSWORD@HOST:PORT"
            )
        user, password = match["user"], match["password"]
        for each in (user, password):
            if each is not None and len(unquote_to_bytes(each)) > MAX_CREDENTIAL:
                raise InvalidProxyURL(
                    f"must have a user name and password of at most {MAX_CREDENTIAL} bytes each"
                )
        port = int(match["port"])
        if not 1 <= port <= 65535:
            raise InvalidProxyURL("must have a port from 1 to 65535")
        return cls(_host(match["host"]), port, "" if user is None else f"{user}:{password}")

    @property
    def address(self) -> str:
        """Host and port, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def credentials(self) -> tuple[bytes, bytes] | None:
        """User name and password, or None if there are none."""
        if not self._userinfo:
            return None
        user, _, password = self._userinfo.partition(":")
        return unquote_to_bytes(user), unquote_to_bytes(password)

    def __str__(self) -> str:
        userinfo = f"{self._userinfo}@" if self._userinfo else ""
        return f"socks5://{userinfo}{self.address}"

    def __repr__(self) -> str:
        return f"<ProxyURL {self.address}>"


def to_proxy_url(value: ProxyURL | str | None) -> ProxyURL | None:
    """Return a URL that may be given as a text. Raises InvalidProxyURL."""
    return ProxyURL.parse(value) if isinstance(value, str) else value


def _host(text: str) -> str:
    try:
        host = parse_server_url(f"http://{text}").removeprefix("http://")
    except InvalidDropURL:
        raise InvalidProxyURL("must have a valid host name or IP address") from None
    if host.endswith(".onion"):
        raise InvalidProxyURL("must not be an onion service: the proxy itself leads to those")
    return host.strip("[]")


@attrs.frozen
class ProxyForm(Form[ProxyURL]):
    """The URL of a SOCKS5 proxy, as a string."""

    def read(self, value: object) -> ProxyURL:
        """Check a URL."""
        if not isinstance(value, str):
            raise invalid("must be a string, or null for no proxy")
        if not value.strip():
            raise invalid("must be the URL of a proxy, or null for no proxy")
        try:
            return ProxyURL.parse(value)
        except InvalidProxyURL as error:
            raise invalid(str(error)) from None

    def write(self, value: ProxyURL) -> str:
        """Return the URL in normal form, with the password."""
        return str(value)

    def schema(self) -> Schema:
        """Return the schema of such URLs."""
        return {
            "type": "string",
            "pattern": "^[Ss][Oo][Cc][Kk][Ss]5[Hh]?://",
            "maxLength": _MAX_URL,
        }
