"""Where objects are in S3: the server, the bucket, and how their keys begin."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Self
from urllib.parse import quote, urlsplit

from attrs import frozen

from qabel.host.start_errors import StartError

SCHEME = "s3://"

REGION = "us-east-1"
"""The region, unless another one is given: most servers that are not Amazon's take it."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", re.ASCII)

_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*", re.ASCII)
"""Only characters that need no codes in URLs, and no part that is a dot or two."""

_REGION = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)

_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
"""Line feeds and the like would be left out without a word when a URL is parsed."""

_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)


@frozen
class S3Place:
    """A bucket, or a part of it, which is for one block server alone."""

    bucket: str
    prefix: str
    """How all keys begin: empty, or with a slash at the end."""
    endpoint: str
    """Scheme and host of the server, without a slash at the end."""
    region: str

    @classmethod
    def parse(cls, url: str, endpoint: str | None, region: str = REGION) -> Self:
        """Return the place that options name.

        Args:
            url: ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.
            endpoint: the URL of the server; None for Amazon's.
            region: a part of each signature, and of the name of Amazon's server.

        Raises:
            StartError: they make no sense, or others could read what is sent there.

        """
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
        is_place = _BUCKET.fullmatch(bucket) and _PREFIX.fullmatch(prefix)
        if not url.startswith(SCHEME) or not is_place:
            raise StartError(
                "--storage must be s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits, dots,"
                f" hyphens and underscores, not {url!r}"
            )
        if not _REGION.fullmatch(region):
            raise StartError(f"--s3-region must be a name such as {REGION}, not {region!r}")
        return cls(bucket, prefix, _endpoint(endpoint, region), region)

    @property
    def text(self) -> str:
        """What people call it, and by what the index remembers it."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/") + f" at {self.endpoint}"

    @property
    def host(self) -> str:
        """The value of the header Host."""
        return urlsplit(self.endpoint).netloc

    def key(self, name: str) -> str:
        """Return the key of an object."""
        return self.prefix + name

    def name(self, key: str) -> str:
        """Return the name of the object that has a key; empty if it is in no place of ours."""
        return key[len(self.prefix) :] if key.startswith(self.prefix) else ""

    def url(self, name: str, query: Iterable[tuple[str, str]]) -> str:
        """Return the URL of an object, or with an empty name that of the bucket."""
        words = "&".join(f"{quote(key, '')}={quote(value, '-_.~')}" for key, value in query)
        path = f"/{self.bucket}/{self.key(name)}" if name else f"/{self.bucket}"
        return f"{self.endpoint}{path}{'?' if words else ''}{words}"


def _endpoint(given: str | None, region: str) -> str:
    if given is None:
        ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://s3.{region}.{ending}"
    try:
        parts = urlsplit(given)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        parts, port, host = urlsplit(""), None, ""
    written = f"[{host}]" if ":" in host else host
    rest = parts.path.rstrip("/") + parts.query + parts.fragment
    is_url = parts.scheme in ("http", "https") and _PRINTABLE.fullmatch(given)
    if not is_url or rest or not _HOST.fullmatch(written):
        # What is given is not quoted: it may have a password in it.
        raise StartError("--s3-endpoint must be a URL such as https://s3.example.org")
    if "@" in parts.netloc:
        raise StartError("--s3-endpoint must have no name and no password; see --s3-credentials")
    if parts.scheme == "http" and not _is_loopback(host):
        raise StartError(
            "--s3-endpoint must begin with https://: others could read what is stored and how"
            " requests are signed; http:// is only for servers on this machine"
        )
    is_default = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{written}{'' if is_default else f':{port}'}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
