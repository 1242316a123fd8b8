"""Tokens: who may call the API, and for what."""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.logger import Logger

from qabel.contract.access import EVERYTHING, SCOPES, Access, ScopeName
from qabel.contract.types import Id, Milliseconds, View
from qabel.core.errors import CoreError, Invalid, NotFound, StoreError
from qabel.core.people.references import Reference, ReferenceForm, choose_identity
from qabel.deferreds import shielded
from qabel.forms.compound import Key, ListOf, Object, OrNull
from qabel.forms.errors import FieldError
from qabel.forms.plain import Choice, Text
from qabel.host.private_files import OTHERS, NotPrivate, TooLong, read_private, write_private
from qabel.settings.synced import SyncedSettings
from qabel.store.tokens import Token, TokenRepository

TOKEN_BYTES = 32
"""Random bytes in a token."""

MAX_NAME = 100


class TokenFileTrouble(CoreError):
    """The file of the main token cannot be used."""


class TokenView(View):
    """A token without its value."""

    id: Id
    name: str
    scopes: list[ScopeName]
    identity_id: Id | None
    created: Milliseconds
    last_used: Milliseconds | None


class NewTokenView(TokenView):
    """A token that was just made, with its value."""

    token: str


TOKEN_INPUT = Object(
    {
        "name": Key(
            Text(MAX_NAME, shortest=1, printable=True),
            description="What it is for.",
            examples=["a script"],
        ),
        "scopes": Key(
            ListOf(Choice(SCOPES), len(SCOPES), shortest=1),
            description="What it allows.",
            examples=[["read"]],
        ),
        "identity": Key(
            OrNull(ReferenceForm()),
            None,
            description="The one identity that it is for, by id or public key; scopes read and "
            "send only.",
        ),
    }
)
"""What a token is made of."""


@define(eq=False, kw_only=True)
class TokenBook:
    """The main token, in a file for its owner alone, and further ones with less power."""

    path: Path
    """The file of the main token."""
    _repository: TokenRepository
    _synced: Callable[[], SyncedSettings]
    _now: Callable[[], float]
    """Seconds since the epoch."""
    _mode: int = 0o600
    """Of the file; its group may be let in."""

    _main: bytes = field(default=b"", init=False, repr=False)
    _records: dict[bytes, Token] = field(factory=dict, init=False, repr=False)
    _used: dict[int, float] = field(factory=dict, init=False)
    """When tokens were used since that was last kept, by their ids."""

    _log = Logger()

    async def load(self) -> None:
        """Read the main token, or make it; and the others. Raises TokenFileTrouble."""
        if self.path.exists():
            self._main = _digest(self._read())
        else:
            self._write_new()
        self._records = {each.digest: each for each in await self._repository.all()}

    def check(self, value: str) -> Access | None:
        """Return what a token allows; None if it is not valid. Touches no disk."""
        # Digests are compared, in constant time: how far a guess was right shows nowhere.
        digest = _digest(value)
        if hmac.compare_digest(digest, self._main):
            return EVERYTHING
        record = self._records.get(digest)
        if record is None:
            return None
        self._used[record.id] = self._now()
        return Access(frozenset(record.scopes), record.identity_id, record.id)

    def all(self) -> list[TokenView]:
        """Return the further tokens, without their values."""
        records = sorted(self._records.values(), key=lambda record: record.id)
        return [TokenView(**_members(_with_use(each, self._used))) for each in records]

    async def keep_uses(self) -> None:
        """Keep when tokens were last used: now and then, as a request is to touch no disk.

        What cannot be kept is said in the log, and tried again the next time.
        """
        used = dict(self._used)
        if not used:
            return
        try:
            await self._repository.touch(used)
        except StoreError as error:
            self._log.warn("When tokens were used was not kept: {error}", error=str(error))
            return
        self._records = {digest: _with_use(each, used) for digest, each in self._records.items()}
        for token_id, when in used.items():
            if self._used.get(token_id) == when:
                del self._used[token_id]

    async def add(
        self, name: str, scopes: Sequence[str], identity: Reference | None = None
    ) -> NewTokenView:
        """Make a token; its value is in the result, and nowhere else. Raises Invalid."""
        wanted = tuple(scope for scope in SCOPES if scope in scopes)
        identity_id = None
        if identity is not None:
            identity_id = choose_identity(self._synced().living_identities, identity).id
            if not set(wanted) <= {"read", "send"}:
                error = FieldError("scopes", "may be read and send only, for a single identity")
                raise Invalid("These scopes do not go with a single identity.", [error])
        value = secrets.token_urlsafe(TOKEN_BYTES)
        record = await shielded(self._keep(name, wanted, _digest(value), identity_id))
        return NewTokenView(**_members(record), token=value)

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
        record = await self._repository.add(name, scopes, digest, identity_id, now=self._now())
        self._records[digest] = record
        return record

    async def _revoke(self, token_id: int) -> None:
        await self._repository.revoke(token_id)

    def _read(self) -> str:
        try:
            content = read_private(self.path, limit=1000, forbidden=OTHERS & ~self._mode)
            text = content.decode("ascii").strip()
        except NotPrivate:
            # It was open to others, who may know it by now.
            return self._write_new()
        except TooLong:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise TokenFileTrouble(f"{self.path} cannot be read: {error}.") from None
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


def _with_use(record: Token, used: Mapping[int, float]) -> Token:
    when = used.get(record.id)
    return record if when is None else evolve(record, last_used=int(when * 1000))


def _members(record: Token) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "identity_id": record.identity_id,
        "created": record.created,
        "last_used": record.last_used,
    }
