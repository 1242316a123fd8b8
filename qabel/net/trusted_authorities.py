"""The authorities whose certificates are trusted: OpenSSL's, or those that the environment names.

OpenSSL passes over a file or directory that it cannot read, and trusts nobody then. So the
variables are checked before.
"""

import os
from collections.abc import Mapping
from pathlib import Path

FILE = "SSL_CERT_FILE"
DIRECTORY = "SSL_CERT_DIR"

_CERTIFICATE = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----")


def authorities_problem(environ: Mapping[str, str]) -> str | None:
    """Return why the authorities that the environment names cannot be used; None if they can."""
    path = environ.get(FILE)
    if path:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            return f"{FILE} is {path}, which cannot be read: {error.strerror}"
        if not any(each in content for each in _CERTIFICATE):
            return f"{FILE} is {path}, which contains no certificate in PEM format"
    for each in environ.get(DIRECTORY, "").split(os.pathsep):
        if each and not os.access(each, os.R_OK | os.X_OK):
            return f"{DIRECTORY} is {each}, which is no directory that can be read"
    return None
