"""Tokens, which authorize requests to the API."""

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
    """The file of the main token cannot be read, written or used."""


class TokenView(View):
    """A token without its value."""

    id: Id
    name: str
    scopes: list[ScopeName]
    identity_id: Id | None
    created: Milliseconds
    last_used: Milliseconds | None


class NewTokenView(TokenView):
    """A new token, with its value."""

    token: str


TOKEN_INPUT = Object(
    {
        "name": Key(
            Text(MAX_NAME, shortest=1, printable=True),
            description="What the token is for.",
            examples=["a script"],
        ),
        "scopes": Key(
            ListOf(Choice(SCOPES), len(SCOPES), shortest=1),
            description="What the token permits.",
            examples=[["read"]],
        ),
        "identity": Key(
            OrNull(ReferenceForm()),
            None,
            description="Limit the token to this identity, by id or public key (scopes read and "
            "send only).",
        ),
    }
)
"""The body of a request to create a token."""


@define(eq=False, kw_only=True)
class TokenBook:
    """The main token, in a file that only its owner can read, and further, limited tokens."""

    path: Path
    """The file of the main token."""
    _repository: TokenRepository
    _synced: Callable[[], SyncedSettings]
    _now: Callable[[], float]
    """Seconds since the epoch."""
    _mode: int = 0o600
    """The mode of the file; it may permit the group to read it."""

    _main: bytes = field(default=b"", init=False, repr=False)
    _records: dict[bytes, Token] = field(factory=dict, init=False, repr=False)
    _used: dict[int, float] = field(factory=dict, init=False)
    """When tokens were last used, by id, as far as that is not stored yet."""

    _log = Logger()

    async def load(self) -> None:
        """Load all tokens; create the main token if it has no file.

        Raises TokenFileTrouble or StoreError.
        """
        if self.path.exists():
            self._main = _digest(self._read())
        else:
            self._write_new()
        self._records = {each.digest: each for each in await self._repository.all()}

    def check(self, value: str) -> Access | None:
        """Return what a token permits, or None if it is not valid. Does not touch the disk."""
        # Comparing digests, in constant time, does not reveal how close a guess was.
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
        """Store when tokens were last used.

        It is called now and then, as requests do not touch the disk. If it fails, that is logged,
        and the next call tries again.
        """
        used = dict(self._used)
        if not used:
            return
        try:
            await self._repository.touch(used)
        except StoreError as error:
            self._log.warn("Cannot store when tokens were last used: {error}", error=str(error))
            return
        self._records = {digest: _with_use(each, used) for digest, each in self._records.items()}
        for token_id, when in used.items():
            if self._used.get(token_id) == when:
                del self._used[token_id]

    async def add(
        self, name: str, scopes: Sequence[str], identity: Reference | None = None
    ) -> NewTokenView:
        """Create a token; its value is in the result, and nowhere else.

        Args:
            name: what it is for.
            scopes: what it permits.
            identity: the only identity that it permits access to; None for all.

        Raises:
            Invalid: the identity is unknown, or the scopes are not possible for one identity.
            StoreError: the token could not be stored.

        """
        wanted = tuple(scope for scope in SCOPES if scope in scopes)
        identity_id = None
        if identity is not None:
            identity_id = choose_identity(self._synced().living_identities, identity).id
            if not set(wanted) <= {"read", "send"}:
                error = FieldError("scopes", "must be read and send only if identity is set")
                raise Invalid(
                    "A token limited to one identity can have the scopes read and send only.",
                    [error],
                )
        value = secrets.token_urlsafe(TOKEN_BYTES)
        record = await shielded(self._keep(name, wanted, _digest(value), identity_id))
        return NewTokenView(**_members(record), token=value)

    async def revoke(self, token_id: int) -> None:
        """Revoke a token at once. Raises NotFound or StoreError."""
        found = [digest for digest, each in self._records.items() if each.id == token_id]
        if not found:
            raise NotFound(f"No token {token_id}.")
        # In memory first: should the disk fail, the token stays revoked until the next start.
        for digest in found:
            del self._records[digest]
        await shielded(self._revoke(token_id))

    async def forget_identity(self, key: bytes) -> None:
        """Drop the tokens of an identity, whose rows were deleted. Raises StoreError."""
        self._records = {each.digest: each for each in await self._repository.all()}

    async def replace_main(self) -> None:
        """Replace the main token; the old one is revoked at once. Raises TokenFileTrouble."""
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
            # Other users could read it, and may know the token by now.
            return self._write_new()
        except TooLong:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise TokenFileTrouble(f"{self.path} cannot be read: {error}.") from None
        if len(text) < TOKEN_BYTES:
            raise TokenFileTrouble(
                f"{self.path} does not contain a token. Delete it: a new one is created at start."
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
