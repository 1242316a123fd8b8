"""Tokens: who may ask, and for what."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from attrs import evolve, frozen
from twisted.logger import Logger

from qabel.contract.access import SCOPES
from qabel.core.errors import CoreError, Invalid, NotFound, StoreError
from qabel.core.people.references import choose_identity
from qabel.deferreds import shielded
from qabel.host.private_files import OTHERS, NotPrivate, TooLong, read_private, write_private
from qabel.settings.document import Fault
from qabel.settings.synced import SyncedSettings
from qabel.store.tokens import Token, Tokens

TOKEN_BYTES = 32
"""Random bytes in a token."""

MAX_NAME = 100


class TokenFileTrouble(CoreError):
    """The file of the main token cannot be used."""


@frozen
class Access:
    """What a caller may do."""

    scopes: frozenset[str]
    identity_id: int | None = None
    """The one identity that it is about; None for all."""
    token_id: int | None = None
    """None for the main token, and where none is needed."""


EVERYTHING = Access(frozenset(SCOPES))


class TokenBook:
    """The main token, in a file for its owner alone, and further ones with less power."""

    _log = Logger()

    def __init__(
        self,
        path: Path,
        shelf: Tokens,
        synced: Callable[[], SyncedSettings],
        *,
        now: Callable[[], float],
        mode: int = 0o600,
    ) -> None:
        """Prepare.

        Args:
            path: the file of the main token.
            shelf: keeps the further ones.
            synced: gives the settings as they are.
            now: seconds since the epoch.
            mode: of the file; its group may be let in.

        """
        self.path = path
        self._mode = mode
        self._shelf = shelf
        self._synced = synced
        self._now = now
        self._main = b""
        self._records: dict[bytes, Token] = {}
        self._used: dict[int, float] = {}
        """When tokens were used since that was last kept, by their ids."""

    async def load(self) -> None:
        """Read the main token, or make it; and the others. Raises TokenFileTrouble."""
        if self.path.exists():
            self._main = _digest(self._read())
        else:
            self._write_new()
        self._records = {each.digest: each for each in await self._shelf.all()}

    def check(self, value: str) -> Access | None:
        """Tell what a token is good for; None if it is none of ours. Touches no disk."""
        # Digests are compared, in constant time: how far a guess was right shows nowhere.
        digest = _digest(value)
        if hmac.compare_digest(digest, self._main):
            return EVERYTHING
        record = self._records.get(digest)
        if record is None:
            return None
        self._used[record.id] = self._now()
        return Access(frozenset(record.scopes), record.identity_id, record.id)

    def list(self) -> list[dict[str, object]]:
        """Give the further tokens, without their values."""
        records = sorted(self._records.values(), key=lambda record: record.id)
        return [_as_json(_with_use(each, self._used)) for each in records]

    async def keep_uses(self) -> None:
        """Keep when tokens were last used: now and then, as a request is to touch no disk.

        What cannot be kept is said in the log, and tried again the next time.
        """
        used = dict(self._used)
        if not used:
            return
        try:
            await self._shelf.touch(used)
        except StoreError as error:
            self._log.warn("When tokens were used was not kept: {error}", error=str(error))
            return
        self._records = {digest: _with_use(each, used) for digest, each in self._records.items()}
        for token_id, when in used.items():
            if self._used.get(token_id) == when:
                del self._used[token_id]

    async def add(self, name: object, scopes: object, identity: object = None) -> dict[str, object]:
        """Make a token; its value is in the result, and nowhere else. Raises Invalid."""
        checked = _check_name(name)
        wanted = _check_scopes(scopes)
        identity_id = None if identity is None else choose_identity(self._synced(), identity).id
        if identity_id is not None and not set(wanted) <= {"read", "send"}:
            fault = Fault("scopes", "may be read and send only, for a token of one identity")
            raise Invalid("These scopes are not about one identity.", [fault])
        value = secrets.token_urlsafe(TOKEN_BYTES)
        digest = _digest(value)
        record = await shielded(self._keep(checked, wanted, digest, identity_id))
        return {**_as_json(record), "token": value}

    async def revoke(self, token_id: int) -> None:
        """End a token at once. Raises NotFound."""
        found = [digest for digest, each in self._records.items() if each.id == token_id]
        if not found:
            raise NotFound(f"There is no token {token_id}.")
        # Before the disk is asked: if that fails, it stays ended until the next start.
        for digest in found:
            del self._records[digest]
        await shielded(self._revoke(token_id))

    async def replace_main(self) -> None:
        """Make a new main token in place of the old one, which ends at once."""
        self._write_new()

    async def _keep(
        self, name: str, scopes: tuple[str, ...], digest: bytes, identity_id: int | None
    ) -> Token:
        record = await self._shelf.add(name, scopes, digest, identity_id, now=self._now())
        self._records[digest] = record
        return record

    async def _revoke(self, token_id: int) -> None:
        await self._shelf.revoke(token_id)

    def _read(self) -> str:
        try:
            content = read_private(self.path, limit=1000, forbidden=OTHERS & ~self._mode)
            text = content.decode("ascii").strip()
        except NotPrivate:
            # It was open to others, who may know it by now.
            return self._write_new()
        except (OSError, UnicodeDecodeError) as error:
            raise TokenFileTrouble(f"{self.path} cannot be read: {error}.") from None
        except TooLong:
            text = ""
        if len(text) < TOKEN_BYTES:
            raise TokenFileTrouble(
                f"{self.path} holds no token; delete it, and a new one is made at the next start."
            )
        return text

    def _write_new(self) -> str:
        value = secrets.token_urlsafe(TOKEN_BYTES)
        try:
            write_private(self.path, f"{value}\n".encode("ascii"), mode=self._mode)
        except OSError as error:
            raise TokenFileTrouble(f"{self.path} cannot be written: {error.strerror}.") from None
        self._main = _digest(value)
        return value


def _digest(value: str) -> bytes:
    return sha256(value.encode("utf-8", "surrogatepass")).digest()


def _check_name(name: object) -> str:
    if isinstance(name, str) and name.strip() and len(name) <= MAX_NAME and name.isprintable():
        return name
    fault = Fault("name", f"must be a text of 1 to {MAX_NAME} printable characters")
    raise Invalid("The token's name is not valid.", [fault])


def _check_scopes(scopes: object) -> tuple[str, ...]:
    if isinstance(scopes, list | tuple) and scopes and all(each in SCOPES for each in scopes):
        return tuple(scope for scope in SCOPES if scope in scopes)
    fault = Fault("scopes", f"must be a list with at least one of {', '.join(SCOPES)}")
    raise Invalid("The token's scopes are not valid.", [fault])


def _with_use(record: Token, used: Mapping[int, float]) -> Token:
    when = used.get(record.id)
    return record if when is None else evolve(record, last_used=int(when * 1000))


def _as_json(record: Token) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "identity_id": record.identity_id,
        "created": record.created,
        "last_used": record.last_used,
    }
