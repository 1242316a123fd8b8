"""The token of a closed group: a drop server that has one serves only those who know it.

It is one for the whole group: a server learns from it that somebody is of the group, and no more.
"""

import re

LONGEST_TOKEN = 512
"""Characters that a group token may have."""

_TOKEN = re.compile(r"[!-~]+")


def is_group_token(text: str) -> bool:
    """Return whether a text can be a group token: printable ASCII characters, without spaces."""
    return len(text) <= LONGEST_TOKEN and _TOKEN.fullmatch(text) is not None


def authorization(token: str | None = None) -> bytes:
    """Return the ``Authorization`` header of requests with a group token, or of posts without one.

    The token must be one, as in ``is_group_token``.
    """
    return f"Client {token or 'Qabel'}".encode("ascii")
