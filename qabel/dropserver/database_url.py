"""The URL of the database that a drop server is to use, as its user gives it."""

import os
import re
from collections.abc import Mapping

from qabel.host.start_errors import StartError

VARIABLE = "QABEL_DROP_DATABASE"

_SCHEMES = ("postgresql://", "postgres://")

_PASSWORDS = {"password", "sslpassword"}
"""Parameters of a URL that are secret."""

_PORTS = re.compile(r"[0-9,]*", re.ASCII)


def choose_database(option: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the URL of the database, None for a file.

    Args:
        option: the value of ``--database``, None if it is not there.
        environ: the environment, which may have it, too.

    Raises:
        StartError: the URL is not one, shows a password to everybody on this machine, or what is
            needed to use it is not installed.

    """
    url = option if option is not None else environ.get(VARIABLE) or None
    if url is None:
        return None
    name = "--database" if option is not None else f"${VARIABLE}"
    if not url.startswith(_SCHEMES):
        raise StartError(
            f"{name} must be the URL of a PostgreSQL database, such as "
            "postgresql://qabel@localhost/drops"
        )
    given = _parse(name, url)
    if option is not None and not _PASSWORDS.isdisjoint(given):
        raise StartError(
            "--database must not have the password: everybody on this machine can read command "
            f"lines. Put the URL into ${VARIABLE}, or the password into ~/.pgpass"
        )
    return url


def _parse(name: str, url: str) -> Mapping[str, object]:
    """Return the parameters that a URL has. Raises StartError."""
    try:
        # Imported here because few have it.
        from psycopg import ProgrammingError  # noqa: PLC0415
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError:
        raise StartError(
            f"{name} needs psycopg, which is not installed: pip install 'qabel[postgresql]'"
        ) from None
    try:
        given = conninfo_to_dict(url)
    except ProgrammingError:
        given = None
    # What is behind a slash in a password would be taken for the database, and the rest for a port.
    if given is None or not _PORTS.fullmatch(str(given.get("port", ""))):
        # Whatever it is, it may be a part of the password.
        raise StartError(
            f"{name} is not a valid URL: special characters in names and passwords are written "
            "with their codes, such as %40 for @ and %2F for /"
        )
    return given
