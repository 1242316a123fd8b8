"""Tokens, which authorize requests to the API."""

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field
from twisted.logger import Logger

from qabel.contract.access import (
    EVERYTHING,
    FOR_ONE_IDENTITY,
    OWNER,
    SCOPES,
    Access,
    OneIdentity,
)
from qabel.core.errors import Invalid, NotFound, StoreError
from qabel.core.main_token import MainToken, digest_of, new_token
from qabel.core.people.references import Reference, choose_identity
from qabel.core.token_views import POSSIBLE, NewTokenView, TokenView, token_members
from qabel.deferreds import shielded
from qabel.forms.errors import FieldError
from qabel.settings.synced import SyncedSettings
from qabel.store.tokens import Token, TokenRepository


@define(eq=False, kw_only=True)
class TokenBook:
    """The main token, and further, limited tokens.

    A token that is limited to an identity ends with it: when the identity is deleted or purged,
    or when its key is replaced.
    """

    _main: MainToken
    _repository: TokenRepository
    _synced: Callable[[], SyncedSettings]
    _now: Callable[[], float]
    """Seconds since the epoch."""
    _ended: Callable[[int], None]
    """Called with the id of each token that ends."""

    module_scopes: frozenset[str] = field(default=frozenset(), init=False)
    """The scopes of the modules that run."""
    _records: dict[bytes, Token] = field(factory=dict, init=False, repr=False)
    _used: dict[int, float] = field(factory=dict, init=False)
    """When tokens were last used, by id, as far as that is not stored yet."""
    _listeners: list[Callable[[], None]] = field(factory=list, init=False)
    _reviewers: list[Callable[[], None]] = field(factory=list, init=False)

    _log = Logger()

    @property
    def path(self) -> Path:
        """The file of the main token."""
        return self._main.path

    async def load(self) -> None:
        """Load all tokens; create the main token if it has no file.

        Tokens whose identity is gone are deleted: the daemon may have ended before that was done.
        Raises TokenFileTrouble or StoreError.
        """
        self._main.load()
        self._records = {each.digest: each for each in await self._repository.all()}
        await self._delete(self._take(self._has_lost_identity))

    def on_end(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever a token has ended, at once: it is not valid any more."""
        self._listeners.append(listener)

    def check(self, value: str) -> Access | None:
        """Return what a token permits, or None if it is not valid. Does not touch the disk."""
        # Comparing digests, in constant time, does not reveal how close a guess was.
        digest = digest_of(value)
        if hmac.compare_digest(digest, self._main.digest):
            return EVERYTHING
        record = self._records.get(digest)
        if record is None or (self._is_over(record) and self._is_over(self._reviewed(record))):
            return None
        self._used[record.id] = self._now()
        return Access(frozenset(record.scopes), record.identity, record.id)

    def is_valid(self, value: str) -> bool:
        """Return whether a token is valid, which does not count as a use of it."""
        digest = digest_of(value)
        return hmac.compare_digest(digest, self._main.digest) or digest in self._records

    def note_use(self, value: str) -> None:
        """Note that a token is in use by a request that takes long."""
        record = self._records.get(digest_of(value))
        if record is not None:
            self._used[record.id] = self._now()

    def on_review(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` before idle tokens end: it notes those that are in use."""
        self._reviewers.append(listener)

    def has(self, owner: int) -> bool:
        """Return whether there is a token with this id; 0 is the owner of the daemon."""
        return owner == OWNER or any(each.id == owner for each in self._records.values())

    def all(self) -> list[TokenView]:
        """Return the further tokens, without their values."""
        records = sorted(self._records.values(), key=lambda record: record.id)
        return [TokenView(**token_members(_with_use(each, self._used))) for each in records]

    async def end_idle(self) -> None:
        """End the tokens that were not used for too long. Raises StoreError."""
        for note_uses in self._reviewers:
            note_uses()
        await self._delete(self._take(self._is_over))

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
        self,
        name: str,
        scopes: Sequence[str],
        identity: Reference | None = None,
        *,
        idle: int | None = None,
    ) -> NewTokenView:
        """Create a token; its value is in the result, and nowhere else.

        Args:
            name: what it is for.
            scopes: what it permits.
            identity: the only identity that it permits access to; None for all.
            idle: seconds without use after which it ends; None if it does not end so.

        Raises:
            Invalid: the identity is unknown, or the scopes are not possible for one identity.
            StoreError: the token could not be stored.

        """
        known = (*SCOPES, *sorted(self.module_scopes))
        unknown = [scope for scope in scopes if scope not in known]
        if unknown:
            raise Invalid(
                f"No module that runs has the scope {unknown[0]}.",
                [FieldError("scopes", f"must be some of {', '.join(known)}")],
            )
        wanted = tuple(scope for scope in known if scope in scopes)
        bound_to = None
        if identity is not None:
            chosen = choose_identity(self._synced().living_identities, identity)
            bound_to = OneIdentity(chosen.id, chosen.public_key.raw)
            if not set(wanted) <= set(FOR_ONE_IDENTITY):
                error = FieldError("scopes", f"must be {POSSIBLE} only if identity is set")
                raise Invalid(
                    f"A token limited to one identity can have the scopes {POSSIBLE} only.",
                    [error],
                )
        value = new_token()
        record = await shielded(self._keep(name, wanted, digest_of(value), bound_to, idle))
        return NewTokenView(**token_members(record), token=value)

    async def revoke(self, token_id: int) -> None:
        """Revoke a token at once. Raises NotFound or StoreError."""
        # In memory first: should the disk fail, the token stays revoked until the next start.
        ended = self._take(lambda record: record.id == token_id)
        if not ended:
            raise NotFound(f"No token {token_id}.")
        await shielded(self._delete(ended))

    async def replace_main(self) -> None:
        """Replace the main token; the old one is revoked at once. Raises TokenFileTrouble."""
        self._main.replace()
        self._tell()

    def forget_identity(self, key: bytes) -> None:
        """End the tokens for an identity whose rows were deleted with it."""
        self._take(lambda record: record.identity is not None and record.identity.key == key)

    async def end_with_identities(self) -> None:
        """End the tokens whose identity was deleted or has another key. Raises StoreError."""
        await self._delete(self._take(self._has_lost_identity))

    async def _keep(
        self,
        name: str,
        scopes: tuple[str, ...],
        digest: bytes,
        identity: OneIdentity | None,
        idle: int | None,
    ) -> Token:
        milliseconds = None if idle is None else idle * 1000
        record = await self._repository.add(
            name, scopes, digest, identity, now=self._now(), idle=milliseconds
        )
        if self._has_lost_identity(record):
            await self._delete([record.id])
            raise Invalid("The identity was deleted.", [FieldError("identity", "was deleted")])
        self._records[digest] = record
        return record

    def _reviewed(self, record: Token) -> Token:
        """Return a token after its use was noted: the machine may have slept with a stream open."""
        for note_uses in self._reviewers:
            note_uses()
        return record

    def _is_over(self, record: Token) -> bool:
        if record.idle is None:
            return False
        ends = _with_use(record, self._used).ends
        return ends is not None and ends <= self._now() * 1000

    def _has_lost_identity(self, record: Token) -> bool:
        bound_to = record.identity
        if bound_to is None:
            return False
        identity = self._synced().identity(bound_to.id)
        return identity is None or identity.public_key.raw != bound_to.key

    def _take(self, which: Callable[[Token], bool]) -> list[int]:
        """End tokens, in memory, and return their ids."""
        ended = {digest: each.id for digest, each in self._records.items() if which(each)}
        for digest, token_id in ended.items():
            del self._records[digest]
            self._used.pop(token_id, None)
            self._ended(token_id)
        if ended:
            self._tell()
        return list(ended.values())

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    async def _delete(self, token_ids: Collection[int]) -> None:
        if token_ids:
            await self._repository.revoke(token_ids)


def _with_use(record: Token, used: Mapping[int, float]) -> Token:
    when = used.get(record.id)
    return record if when is None else evolve(record, last_used=int(when * 1000))
