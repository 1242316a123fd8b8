"""A closed group: only who has its token may post to the drops of a server, and read them."""

import hmac
import stat
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import ClassVar, Self

from attrs import define, field
from twisted.logger import Logger
from twisted.web.http_headers import Headers

from qabel.drop.group_token import LONGEST_TOKEN, authorization, is_group_token
from qabel.host.private_files import OTHERS, ForeignOwner, OpenToOthers, TooLong, read_private
from qabel.host.start_errors import StartError

CHALLENGE = b'Client realm="Qabel drop server"'
"""The ``WWW-Authenticate`` header of a refusal."""

SHORTEST_TOKEN = 16
"""Characters: what is shorter can be found by trying."""

MOST_TOKENS = 2
"""Tokens that are accepted at the same time, so that the token can be changed without a gap.

There are no more on purpose: with a token for each person, the server could tell them apart.
"""

_NEW = "(umask 077; head -c 24 /dev/urandom | base64 > {file})"

_FILE_LIMIT = MOST_TOKENS * (LONGEST_TOKEN + 2) + 1


class BadTokenFile(ValueError):
    """The content of a file is no group token; the text says why, and quotes none of it."""


@define(eq=False, repr=False)
class ClosedGroup:
    """Those who know the token in a file.

    Args:
        path: the file.

    """

    path: Path
    on_excluded: Callable[[], object] = field(default=lambda: None, init=False)
    """Called when a token is not accepted any more."""
    _accepted: frozenset[bytes] = field(init=False)

    _log: ClassVar = Logger()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the group of a file. Raises StartError."""
        group = cls(path)
        try:
            group._accepted = _read(path)
        except BadTokenFile as error:
            raise StartError(f"--group-token-file: {error}") from None
        return group

    def admits(self, headers: Headers) -> bool:
        """Return whether a request has a token of the group."""
        given = headers.getRawHeaders(b"Authorization", [])
        if len(given) != 1:
            return False
        return any(hmac.compare_digest(given[0], each) for each in self._accepted)

    def reload(self) -> None:
        """Read the file again. If it cannot be used, the log says why, and nothing changes."""
        try:
            accepted = _read(self.path)
        except BadTokenFile as error:
            self._log.warn(
                "The group token is not changed, and the earlier one still holds: {why}",
                why=str(error),
            )
            return
        excluded, added = self._accepted - accepted, accepted - self._accepted
        self._accepted = accepted
        if excluded:
            self.on_excluded()
        self._log.info(
            "{path} was read again: {what}.",
            path=str(self.path),
            what=_what(added=bool(added), excluded=bool(excluded)),
        )


def _what(*, added: bool, excluded: bool) -> str:
    if not added and not excluded:
        return "the group token is the same as before"
    changes = ["a new group token is accepted"] * added
    changes += ["an earlier one is not accepted any more"] * excluded
    return ", and ".join(changes)


def _read(path: Path) -> frozenset[bytes]:
    """Return the headers that the tokens of a file stand for. Raises BadTokenFile."""
    name = quote(str(path))
    try:
        # In /etc, such a file belongs to root, and to the group of the server's user; systemd
        # grants access to credentials by a list that looks the same.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadTokenFile(f"{path} is not a file")
        forbidden = OTHERS & ~stat.S_IRGRP if status.st_uid == 0 else OTHERS
        content = read_private(path, limit=_FILE_LIMIT, forbidden=forbidden)
    except FileNotFoundError:
        raise BadTokenFile(f"there is no {path}; make one: {_NEW.format(file=name)}") from None
    except OSError as error:
        raise BadTokenFile(f"{path} cannot be read: {error.strerror}") from None
    except OpenToOthers as error:
        raise BadTokenFile(
            f"{path} is accessible to other users (mode {error.mode:04o}); run `chmod 600 {name}`,"
            " and change the token if someone may have read it"
        ) from None
    except ForeignOwner:
        raise BadTokenFile(f"{path} belongs to another user") from None
    except TooLong:
        raise BadTokenFile(_too_long(path)) from None
    return frozenset(map(authorization, parse_tokens(content, path)))


def parse_tokens(content: bytes, path: Path) -> list[str]:
    """Return the tokens in the content of a file: one, or two while it is changed.

    Args:
        content: a token in each line; empty lines do not count.
        path: of the file, for the errors.

    Raises:
        BadTokenFile: there is none, there are too many, or one cannot be used.

    """
    lines = [each.strip(b" \t\r") for each in content.split(b"\n")]
    tokens = [each.decode("latin-1") for each in lines if each]
    if not tokens:
        new = _NEW.format(file=quote(str(path)))
        raise BadTokenFile(f"{path} is empty; write a token to it: {new}")
    if len(tokens) > MOST_TOKENS:
        raise BadTokenFile(
            f"{path} has {len(tokens)} lines; it must have one, with the token, or two while the "
            "token is changed: the new one and the earlier one"
        )
    for number, token in enumerate(tokens, 1):
        where = f"{path}" if len(tokens) == 1 else f"line {number} of {path}"
        if len(token) > LONGEST_TOKEN:
            raise BadTokenFile(_too_long(path))
        if not is_group_token(token):
            raise BadTokenFile(
                f"the token in {where} must consist of printable ASCII characters, without spaces"
            )
        if len(token) < SHORTEST_TOKEN:
            raise BadTokenFile(
                f"the token in {where} is too short to be a secret: it has {len(token)} "
                f"characters, and must have at least {SHORTEST_TOKEN}, drawn at random"
            )
    return tokens


def _too_long(path: Path) -> str:
    return f"{path} is too long: a token has at most {LONGEST_TOKEN} characters"
