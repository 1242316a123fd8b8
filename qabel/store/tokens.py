"""Tokens for API clients other than the owner of the data directory."""

import json
from collections.abc import Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database


@attrs.frozen(kw_only=True)
class Token:
    """A token without its value, of which only a digest is stored. Times in ms since the epoch."""

    id: int
    name: str
    scopes: tuple[str, ...]
    digest: bytes = attrs.field(repr=False)
    identity_id: int | None
    """The identity that the token is bound to, or None."""
    created: int
    last_used: int | None


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
                    identity_id=row[4],
                    created=row[5],
                    last_used=row[6],
                )
                for row in connection.execute(
                    "SELECT id, name, scopes, digest, identity_id, created, last_used "
                    "FROM tokens ORDER BY id"
                )
            ]

        return self._database.run(work)

    def add(
        self,
        name: str,
        scopes: Sequence[str],
        digest: bytes,
        identity_id: int | None,
        *,
        now: float,
    ) -> "Deferred[Token]":
        """Store a token. ``now`` is in seconds since the epoch."""
        created = int(now * 1000)

        def work(connection: Connection) -> Token:
            token_id = connection.execute(
                "INSERT INTO tokens (name, scopes, digest, identity_id, created) "
                "VALUES (?, ?, ?, ?, ?)",
                (name, json.dumps(list(scopes)), digest, identity_id, created),
            ).lastrowid
            return Token(
                id=token_id,
                name=name,
                scopes=tuple(scopes),
                digest=digest,
                identity_id=identity_id,
                created=created,
                last_used=None,
            )

        return self._database.run(work)

    def revoke(self, token_id: int) -> "Deferred[bool]":
        """Delete a token; fires with whether there was one. Its id is never used again."""
        return self._database.run(
            lambda connection: (
                connection.execute("DELETE FROM tokens WHERE id = ?", (token_id,)).rowcount > 0
            )
        )

    def touch(self, used: Mapping[int, float]) -> "Deferred[None]":
        """Record when tokens were last used, many at once: ids with seconds since the epoch."""
        rows = [(int(when * 1000), token_id) for token_id, when in used.items()]

        def work(connection: Connection) -> None:
            connection.executemany(
                "UPDATE tokens SET last_used = max(coalesce(last_used, 0), ?) WHERE id = ?", rows
            )

        return self._database.run(work)
