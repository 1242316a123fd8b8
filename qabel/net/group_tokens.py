"""The tokens of closed groups: each is for the drops of one server, and goes to no other.

A server for a closed group rejects requests without its token with status 401.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shlex import quote

import attrs

from qabel.drop.url import DropURL
from qabel.net.errors import NotAdmitted


@attrs.define(eq=False, repr=False)
class GroupTokens:
    """The tokens of the servers that have one."""

    _tokens: Mapping[str, str] = attrs.field(factory=dict, init=False)
    """By the URLs of the servers, in normal form."""
    _tried: dict[DropURL, str] = attrs.field(factory=dict, init=False)
    """Those of single drops, which are tests."""

    def set(self, tokens: Mapping[str, str]) -> frozenset[str]:
        """Set the tokens, by the URLs of servers in normal form; return the servers with another.

        They are in force for every request from now on.
        """
        before, self._tokens = self._tokens, dict(tokens)
        servers = before.keys() | tokens.keys()
        return frozenset(each for each in servers if before.get(each) != tokens.get(each))

    def get(self, url: DropURL) -> str | None:
        """Return the token for requests to a drop; None if there is none."""
        return self._tried.get(url, self._tokens.get(url.server)) or None

    @contextmanager
    def trying(self, url: DropURL, token: str | None) -> Iterator[None]:
        """Use another token for a drop, which nobody else uses, meanwhile.

        It is "" for no token, and None for the one of the server.
        """
        if token is not None:
            self._tried[url] = token
        try:
            yield
        finally:
            self._tried.pop(url, None)


def not_admitted(
    url: DropURL, status: int, token: str | None, *, is_post: bool = False
) -> NotAdmitted | None:
    """Return the error if a server rejected a request for the token that it had, or had not.

    A server for everybody rejects messages that come with a token, with status 400. They are not
    refused for good: once the token is removed, they are taken.

    Args:
        url: the drop.
        status: of the response.
        token: what the request had; None if it had none.
        is_post: whether the request was a message.

    """
    # The URL may be from the card of a stranger, and the command is copied into a shell.
    command = f"qabel server group-token {quote(url.server)}"
    if status == 401 and token is None:
        text = (
            f"The drop server at {url.host} is for a closed group, and asks for its token (status "
            f"401). Ask its operator for the token, and set it ({command})."
        )
    elif status == 401:
        text = (
            f"The drop server at {url.host} does not accept the group token that is set for it "
            f"(status 401). Ask its operator for the present one, and set it ({command})."
        )
    elif status == 400 and token is not None and is_post:
        text = (
            f"The drop server at {url.host} rejects messages with a group token (status 400): it "
            f"seems to be for everybody. Remove the token ({command} --remove)."
        )
    else:
        return None
    return NotAdmitted(text, status=status)
