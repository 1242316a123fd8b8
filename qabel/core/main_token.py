"""The main token, in a file that only its owner can read."""

import secrets
from hashlib import sha256
from pathlib import Path

from attrs import define, field

from qabel.core.errors import CoreError
from qabel.host.private_files import OTHERS, NotPrivate, TooLong, read_private, write_private

TOKEN_BYTES = 32
"""Random bytes in a token."""


class TokenFileTrouble(CoreError):
    """The file of the main token cannot be read, written or used."""


def new_token() -> str:
    """Return the value of a new token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(value: str) -> bytes:
    """Return the digest by which a token is recognized."""
    return sha256(value.encode("utf-8", "surrogatepass")).digest()


@define(eq=False, kw_only=True)
class MainToken:
    """The main token, which allows everything."""

    path: Path
    """Its file."""
    _mode: int = 0o600
    """The mode of the file; it may permit the group to read it."""
    digest: bytes = field(default=b"", init=False, repr=False)

    def load(self) -> None:
        """Read the file; create it if there is none. Raises TokenFileTrouble."""
        if self.path.exists():
            self.digest = digest_of(self._read())
        else:
            self.replace()

    def is_content(self, content: bytes) -> bool:
        """Return whether the file has the token, by its content."""
        return digest_of(content.decode("ascii", "replace").strip()) == self.digest

    def replace(self) -> str:
        """Write a new token, and return it. Raises TokenFileTrouble."""
        value = new_token()
        try:
            write_private(self.path, f"{value}\n".encode("ascii"), mode=self._mode)
        except OSError as error:
            raise TokenFileTrouble(f"{self.path} cannot be written: {error.strerror}.") from None
        self.digest = digest_of(value)
        return value

    def _read(self) -> str:
        try:
            content = read_private(self.path, limit=1000, forbidden=OTHERS & ~self._mode)
            text = content.decode("ascii").strip()
        except NotPrivate:
            # Other users could read it, and may know the token by now.
            return self.replace()
        except TooLong:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise TokenFileTrouble(f"{self.path} cannot be read: {error}.") from None
        if len(text) < TOKEN_BYTES:
            raise TokenFileTrouble(
                f"{self.path} does not contain a token. Delete it: a new one is created at start."
            )
        return text
