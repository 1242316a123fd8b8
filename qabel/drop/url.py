"""Drop URLs and the drop ids they end in (Qabel-Protocol-Drop, "Drop ID")."""

import base64
import os
import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Self

import attrs

DROP_ID_LENGTH = 43
"""Characters of a drop id: 32 bytes in URL-safe Base64 without padding."""

DROP_ID_BITS = 256

DROP_ID_BITS_OFFERED = (12, 16, 20, 24, DROP_ID_BITS)
"""Random bits that a server may ask for in the ids of new drops."""

SHARED_ZEROS = 64
"""Zero bits at the end of a drop id that show that it has few random ones."""

MAX_LENGTH = 2048
"""Characters that a server's URL may have."""

SERVERS_CACHED = 256
"""Server URLs whose normal form is cached: drops are many, their servers are few."""

_DROP_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_SERVER = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[0-9a-z_.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/(?:[0-9a-z._~!$&'()*+,;=:@-]|%[0-9a-f]{2})+)*)"
    r"/?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?")
_PORT = re.compile(r":[0-9]+$")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidDropURL(ValueError):
    """The text is not a drop URL or drop server URL. The error never quotes it: it is secret."""


def is_drop_id(text: str) -> bool:
    """Return whether the text looks like a drop id: 43 characters of URL-safe Base64."""
    return _DROP_ID.fullmatch(text) is not None


def new_drop_id(bits: int = DROP_ID_BITS, random: Callable[[int], bytes] = os.urandom) -> str:
    """Generate a drop id whose first ``bits`` bits (1 to 256) are random and the others zero.

    The fewer the bits, the more people share a drop by chance, and the less an observer learns
    about who reads what. ``random(n)`` returns n random bytes.
    """
    if not 1 <= bits <= DROP_ID_BITS:
        raise ValueError(f"a drop id must have 1 to {DROP_ID_BITS} random bits, not {bits}")
    unused = DROP_ID_BITS - bits
    number = int.from_bytes(random(DROP_ID_BITS // 8)) >> unused << unused
    return base64.urlsafe_b64encode(number.to_bytes(DROP_ID_BITS // 8)).rstrip(b"=").decode()


def parse_server_url(text: str) -> str:
    """Return a drop server's URL in normal form.

    That is: scheme and host in lower case, no final dot of the host, no default port, no trailing
    slash. The URL must be http or https and may have a path, but no user, query or fragment. Raises
    InvalidDropURL.
    """
    return _normalize(text)


@lru_cache(SERVERS_CACHED)
def _normalize(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise InvalidDropURL(f"a drop server's URL must not exceed {MAX_LENGTH} characters")
    match = _SERVER.fullmatch(text)
    if match is None:
        if "://" not in text:
            raise InvalidDropURL("a drop server's URL must begin with https:// or http://")
        raise InvalidDropURL(
            "a drop server's URL must have the form https://host[:port]/path, in ASCII,"
            " without user, query or fragment"
        )
    scheme = match["scheme"].lower()
    path: str = match["path"]
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise InvalidDropURL("the path of a drop server's URL must not contain '.' or '..'")
    return f"{scheme}://{_host(match['host'].lower())}{_port(match['port'], scheme)}{path}"


def _host(text: str) -> str:
    # A final dot names the same host. It is taken away, as certificates and Host have none.
    text = text.removesuffix(".")
    try:
        if text.startswith("["):
            return f"[{IPv6Address(text[1:-1]).compressed}]"
        labels = text.split(".")
        if labels[-1].isdecimal():
            return str(IPv4Address(text))
    except AddressValueError:
        raise InvalidDropURL("the host in a drop server's URL is not a valid IP address") from None
    if len(text) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidDropURL("the host in a drop server's URL is not a valid host name")
    return text


def _port(digits: str | None, scheme: str) -> str:
    if digits is None or (port := int(digits)) == _DEFAULT_PORTS[scheme]:
        return ""
    if not 1 <= port <= 65535:
        raise InvalidDropURL("the port in a drop server's URL must be between 1 and 65535")
    return f":{port}"


def _check_drop_id(_: object, __: object, value: str) -> None:
    if not is_drop_id(value):
        raise InvalidDropURL(
            f"a drop URL must end in a drop id: {DROP_ID_LENGTH} characters from A-Z a-z 0-9 - _"
        )


@attrs.frozen(repr=False)
class DropURL:
    """The address of a drop. Whoever knows it can read and write there, so it must never be shown.

    ``server`` is the server's URL in normal form, ``drop_id`` the 43 characters after it. ``str()``
    returns the whole URL. Invalid parts raise InvalidDropURL.
    """

    server: str = attrs.field(converter=parse_server_url)
    drop_id: str = attrs.field(validator=_check_drop_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a whole drop URL. Raises InvalidDropURL."""
        server, _, drop_id = text.rpartition("/")
        if server.endswith("/"):
            raise InvalidDropURL("a drop URL must have exactly one slash before its drop id")
        return cls(server, drop_id)

    @classmethod
    def on_server(
        cls,
        server_url: str,
        *,
        bits: int = DROP_ID_BITS,
        random: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Generate a new drop on a server (see ``new_drop_id``). Raises InvalidDropURL."""
        return cls(server_url, new_drop_id(bits, random))

    @property
    def is_shared(self) -> bool:
        """Whether people may share it by chance: its id ends in ``SHARED_ZEROS`` zero bits."""
        return not any(base64.urlsafe_b64decode(self.drop_id + "=")[-SHARED_ZEROS // 8 :])

    @property
    def has_tls(self) -> bool:
        """Whether the connection to the server is encrypted by TLS."""
        return self.server.startswith("https:")

    @property
    def host(self) -> str:
        """The server's host and port, which are not secret."""
        return self.server.split("/", 3)[2]

    @property
    def name(self) -> str:
        """The server's host without its port; an IPv6 address has brackets."""
        return _PORT.sub("", self.host)

    def __str__(self) -> str:
        return f"{self.server}/{self.drop_id}"

    def __repr__(self) -> str:
        return f"<DropURL on {self.host}>"
