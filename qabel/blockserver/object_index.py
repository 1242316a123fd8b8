"""The index: what each prefix has, whose it is, and how much there may be. All of this blocks."""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from attrs import define

from qabel.blockserver.block_values import (
    BlockAccount,
    BlockRefused,
    Conditions,
    ObjectPath,
    StoredObject,
)

LEAST_CHARGE = 1024
"""A quota of so many bytes is one object more that may be there, however small each is."""

FREE_OBJECTS = 10_000
"""How many objects may be there besides."""

_ACCOUNT = "SELECT id, name, quota, used, objects, hash IS NULL FROM token"


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: nobody can make it from that."""
    return sha256(token.encode()).digest()


def _account(row: Sequence[Any]) -> BlockAccount:
    number, name, quota, used, objects, is_revoked = row
    return BlockAccount(number, name, quota, used, objects, bool(is_revoked))


@define(eq=False)
class ObjectIndex:
    """Reads and changes an open index."""

    connection: sqlite3.Connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction; an exception undoes it."""
        self._roll_back()
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def account(self, token: str) -> BlockAccount:
        """Return whose token it is. Raises BlockRefused."""
        row = self.connection.execute(f"{_ACCOUNT} WHERE hash = ?", [hash_token(token)]).fetchone()
        if row is None:
            raise BlockRefused(403, "User not found")
        return _account(row)

    def owner(self, token: str, prefix: str) -> BlockAccount:
        """Return whose token it is, if the prefix is theirs. Raises BlockRefused."""
        account = self.account(token)
        query = "SELECT 1 FROM prefix WHERE name = ? AND token = ?"
        if self.connection.execute(query, [prefix, account.id]).fetchone() is None:
            raise BlockRefused(403, "Not authorized for this prefix")
        return account

    def make_prefix(self, token: str) -> str:
        """Make a prefix for whoever has a token, and return it. Raises BlockRefused."""
        prefix = str(uuid.uuid4())
        account = self.account(token)
        self.connection.execute("INSERT INTO prefix VALUES (?, ?)", [prefix, account.id])
        return prefix

    def prefixes(self, token: str) -> list[str]:
        """Return the prefixes of whoever has a token. Raises BlockRefused."""
        query = "SELECT name FROM prefix WHERE token = ? ORDER BY name"
        return [name for (name,) in self.connection.execute(query, [self.account(token).id])]

    def find(self, path: ObjectPath) -> StoredObject | None:
        """Return what is at a path; None if there is nothing."""
        query = "SELECT object, size FROM entry WHERE prefix = ? AND name = ?"
        row = self.connection.execute(query, [path.prefix, path.name]).fetchone()
        return None if row is None else StoredObject(*row)

    def admit(self, token: str, path: ObjectPath, conditions: Conditions, size: int) -> None:
        """Check, before a body has arrived, whether an object may be put at a path.

        Args:
            token: of the client.
            path: where it shall be.
            conditions: what must be there now.
            size: bytes that it has; 0 if that is not known yet.

        Raises:
            BlockRefused: it may not.

        """
        self._check(token, path, conditions, size)

    def put(self, token: str, path: ObjectPath, conditions: Conditions, new: StoredObject) -> str:
        """Put an object at a path; return the name of the one before it, or an empty text.

        Raises BlockRefused, for what may have changed since the object was admitted, too.
        """
        account, there = self._check(token, path, conditions, new.size)
        before = 0 if there is None else there.size
        self._charge(account, new.size - before, 1 if there is None else 0)
        self.connection.execute(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)",
            [path.prefix, path.name, new.object, new.size],
        )
        return "" if there is None else there.object

    def remove(self, token: str, path: ObjectPath, conditions: Conditions) -> str:
        """Remove what is at a path; return the object's name, or an empty text if there was none.

        Raises BlockRefused.
        """
        account, there = self.owner(token, path.prefix), self.find(path)
        conditions.check(there)
        if there is None:
            return ""
        self._charge(account, -there.size, -1)
        self.connection.execute(
            "DELETE FROM entry WHERE prefix = ? AND name = ?", [path.prefix, path.name]
        )
        return there.object

    def names(
        self, token: str, prefix: str, after: str, limit: int
    ) -> Sequence[tuple[str, StoredObject]]:
        """Return what is in a prefix, by name, after a name. Raises BlockRefused."""
        self.owner(token, prefix)
        query = (
            "SELECT name, object, size FROM entry WHERE prefix = ? AND name > ?"
            " ORDER BY name LIMIT ?"
        )
        rows = self.connection.execute(query, [prefix, after, limit])
        return [(name, StoredObject(object_, size)) for name, object_, size in rows]

    def unknown(self, objects: Iterable[str]) -> list[str]:
        """Return those objects of the storage that are at no path."""
        query = "SELECT 1 FROM entry WHERE object = ?"
        return [each for each in objects if not self.connection.execute(query, [each]).fetchone()]

    def add_account(self, name: str, token: str, quota: int) -> bool:
        """Add a token, or replace one that was revoked; return whether there is none of that name.

        Args:
            name: what people call it.
            token: the token itself, of which only a hash is kept.
            quota: bytes that there may be.

        """
        done = self.connection.execute(
            "INSERT INTO token (name, hash, quota) VALUES (?, ?, ?) ON CONFLICT (name)"
            " DO UPDATE SET hash = excluded.hash, quota = excluded.quota WHERE hash IS NULL",
            [name, hash_token(token), quota],
        )
        return done.rowcount == 1

    def revoke(self, name: str) -> bool:
        """Revoke a token; return whether there was one. What was stored with it stays."""
        done = self.connection.execute(
            "UPDATE token SET hash = NULL WHERE name = ? AND hash IS NOT NULL", [name]
        )
        return done.rowcount == 1

    def set_quota(self, name: str, quota: int) -> bool:
        """Change how many bytes there may be; return whether there is such a token."""
        done = self.connection.execute("UPDATE token SET quota = ? WHERE name = ?", [quota, name])
        return done.rowcount == 1

    def accounts(self) -> list[BlockAccount]:
        """Return all that were ever added, by name."""
        rows = self.connection.execute(f"{_ACCOUNT} ORDER BY name")
        return list(map(_account, rows))

    def _roll_back(self) -> None:
        """Undo what is not committed: after some errors, a transaction is open still."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _check(
        self, token: str, path: ObjectPath, conditions: Conditions, size: int
    ) -> tuple[BlockAccount, StoredObject | None]:
        account, there = self.owner(token, path.prefix), self.find(path)
        conditions.check(there)
        grows = size - (0 if there is None else there.size)
        most = FREE_OBJECTS + account.quota // LEAST_CHARGE
        is_one_more = there is None and account.objects >= most
        if (grows > 0 and account.used + grows > account.quota) or is_one_more:
            raise BlockRefused(402, "Quota reached")
        return account, there

    def _charge(self, account: BlockAccount, size: int, objects: int) -> None:
        self.connection.execute(
            "UPDATE token SET used = used + ?, objects = objects + ? WHERE id = ?",
            [size, objects, account.id],
        )
