"""Tokens for API clients other than the owner of the data directory."""

import json
from collections.abc import Collection, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.contract.access import OneIdentity
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError


class TokenRevoked(StoreError):
    """What was to be stored was requested with a token that is no longer valid."""


@attrs.frozen(kw_only=True)
class Token:
    """A token without its value, of which only a digest is stored. Times in ms since the epoch."""

    id: int
    name: str
    scopes: tuple[str, ...]
    digest: bytes = attrs.field(repr=False)
    identity: OneIdentity | None
    """The identity that the token is bound to, or None."""
    created: int
    last_used: int | None
    idle: int | None = None
    """Milliseconds without use after which the token ends; None if it does not end so."""

    @property
    def ends(self) -> int | None:
        """When it ends, unless it is used before."""
        last = self.created if self.last_used is None else self.last_used
        return None if self.idle is None else last + self.idle


@attrs.frozen(eq=False)
class TokenRepository:
    """The repository of tokens. They are few: their user holds them in memory."""

    _database: Database

    def all(self) -> "Deferred[list[Token]]":
        """Return all tokens, oldest first."""

        def work(connection: Connection) -> list[Token]:
            return [
                Token(
                    id=row[0],
                    name=row[1],
                    scopes=tuple(json.loads(row[2])),
                    digest=row[3],
                    identity=None if row[4] is None else OneIdentity(row[4], bytes(row[5])),
                    created=row[6],
                    last_used=row[7],
                    idle=row[8],
                )
                for row in connection.execute(
                    "SELECT id, name, scopes, digest, identity_id, identity, created, last_used, "
                    "idle FROM tokens ORDER BY id"
                )
            ]

        return self._database.run(work)

    def add(
        self,
        name: str,
        scopes: Sequence[str],
        digest: bytes,
        identity: OneIdentity | None,
        *,
        now: float,
        idle: int | None = None,
    ) -> "Deferred[Token]":
        """Store a token.

        Args:
            name: what it is for.
            scopes: what it permits.
            digest: of its value.
            identity: the only identity that it permits access to.
            now: seconds since the epoch.
            idle: milliseconds without use after which it ends.

        """
        created = int(now * 1000)
        bound_to = (None, None) if identity is None else (identity.id, identity.key)

        def work(connection: Connection) -> Token:
            token_id = connection.execute(
                "INSERT INTO tokens (name, scopes, digest, identity_id, identity, created, idle) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, json.dumps(list(scopes)), digest, *bound_to, created, idle),
            ).lastrowid
            return Token(
                id=token_id,
                name=name,
                scopes=tuple(scopes),
                digest=digest,
                identity=identity,
                created=created,
                last_used=None,
                idle=idle,
            )

        return self._database.run(work)

    def revoke(self, token_ids: Collection[int]) -> "Deferred[None]":
        """Delete tokens, with their cursors and idempotency keys. Their ids are never used again.

        What was sent with them stays.
        """
        rows = [(each,) for each in token_ids]

        def work(connection: Connection) -> None:
            connection.executemany("DELETE FROM tokens WHERE id = ?", rows)

        return self._database.run(work)

    def touch(self, used: Mapping[int, float]) -> "Deferred[None]":
        """Record when tokens were last used, many at once: ids with seconds since the epoch."""
        rows = [(int(when * 1000), token_id) for token_id, when in used.items()]

        def work(connection: Connection) -> None:
            connection.executemany(
                "UPDATE tokens SET last_used = max(coalesce(last_used, 0), ?) WHERE id = ?", rows
            )

        return self._database.run(work)


def is_valid(connection: Connection, token_id: int) -> bool:
    """Return whether there is a token with this id, within a transaction."""
    found = connection.execute("SELECT 1 FROM tokens WHERE id = ?", (token_id,)).fetchone()
    return found is not None
