"""The target of a request, in each of its forms (RFC 9112, section 3.2)."""

import re

from attrs import frozen

_ABSOLUTE = re.compile(
    rb"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^#]*)", re.IGNORECASE
)


@frozen
class RequestTarget:
    """A target: its path with the query, and the host that it names in place of ``Host``."""

    uri: bytes
    authority: bytes | None = None


def parse_target(target: bytes, *, secure: bool) -> RequestTarget:
    """Return the parts of a target; what is in no form that a server reads stays as it is.

    Args:
        target: the second word of the request line.
        secure: whether the request came over TLS.

    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None or (match["scheme"].lower() == b"https") is not secure:
        return RequestTarget(target)
    path = match["path"]
    return RequestTarget(path if path.startswith(b"/") else b"/" + path, match["authority"])
