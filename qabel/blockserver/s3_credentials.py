"""What requests to S3 are signed with: from a file, or from the environment."""

import os
import re
import stat
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as BadSyntax
from pathlib import Path

from attrs import field, frozen

from qabel.host.private_files import OTHERS, NotPrivate, TooLong, read_private
from qabel.host.start_errors import StartError

KEY_ID, SECRET, SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
"""The variables of the environment. In a file, they are in lower case."""

_SECTION = "default"

_WORD = re.compile(r"[!-~]{1,4096}", re.ASCII)
"""What can be in a header."""

_FILE_LIMIT = 64 * 1024


@frozen
class S3Credentials:
    """An access key. Its parts are in no text that is made of it."""

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)
    """The token of a session; empty if there is none."""


def read_credentials(file: str | None, environ: Mapping[str, str] = os.environ) -> S3Credentials:
    """Return the access key.

    Args:
        file: a file in the format of Amazon's tools; None for the environment.
        environ: the environment.

    Raises:
        StartError: there is none, or others can read it. The text quotes nothing of it.

    """
    if file is not None:
        path = Path(file).expanduser().absolute()
        found, where = _in_file(path), f"--s3-credentials: {path}"
    else:
        found, where = environ, "the environment"
    words = [
        found.get(name, "") or found.get(name.lower(), "") for name in (KEY_ID, SECRET, SESSION)
    ]
    if not words[0] or not words[1]:
        raise StartError(
            f"{where} has no {KEY_ID} and {SECRET}, which --storage s3://… needs"
            + (": set them, or use --s3-credentials FILE" if file is None else "")
        )
    if not all(_WORD.fullmatch(each) for each in words if each):
        raise StartError(f"{where} has an access key with characters that cannot be in one")
    return S3Credentials(*words)


def _in_file(path: Path) -> Mapping[str, str]:
    """Return what the section of a file says. Raises StartError."""
    name = f"--s3-credentials: {path}"
    try:
        # In /etc, such a file belongs to root, and to the group of the server's user; systemd
        # grants access to credentials by a list that looks the same.
        forbidden = OTHERS & ~stat.S_IRGRP if path.stat().st_uid == 0 else OTHERS
        text = read_private(path, limit=_FILE_LIMIT, forbidden=forbidden).decode()
        parser = ConfigParser(interpolation=None)
        parser.read_string(text)
    except NotPrivate:
        raise StartError(f"{name} can be read by others: chmod 600 it") from None
    except OSError as error:
        raise StartError(f"{name} cannot be read: {os.strerror(error.errno or 0)}") from None
    except (BadSyntax, UnicodeDecodeError, TooLong):
        raise StartError(f"{name} is no file of credentials") from None
    return parser[_SECTION] if parser.has_section(_SECTION) else {}
