"""Read a table around its damaged pages: all rows that can be read, and where others are missing.

Slow: for use where reading straight on has failed. Each step is a job of its own, as after damage a
connection reads nothing any more, and so that others need not wait for long.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, is_sound
from qabel.store.database.database import Database
from qabel.store.database.errors import Corrupt, translate
from qabel.store.database.pages import PAGE_SIZE

ROWS_AT_ONCE = 500
"""Rows read in one job."""

KEYS_AT_ONCE = 5000
"""Keys that are looked up in an index together."""

ONE_BY_ONE = 64
"""Keys that are tried one by one, more than there are rows in most pages; then steps double."""

Row = tuple[Any, ...]


def read_until_damage(
    connection: Connection, sql: str, parameters: Mapping[str, object]
) -> tuple[list[Row], bool]:
    """Return the rows of a query up to the first damaged page, and whether there was one.

    After that, the work of this transaction must not use the connection again.
    """
    rows: list[Row] = []
    try:
        rows.extend(connection.execute(sql, parameters))
    except sqlcipher.Error as error:
        if not isinstance(translate(error, Path()), Corrupt):
            raise
        connection.is_broken = True
    connection.is_broken = connection.is_broken or not is_sound(connection)
    if not connection.is_broken:
        return rows, False
    # A long row may end in zeros that stand for a damaged page: it is to be read alone.
    return list(takewhile(_is_on_one_page, rows)), True


def _is_on_one_page(row: Row) -> bool:
    return sum(len(each) for each in row if isinstance(each, str | bytes)) < PAGE_SIZE // 2


@attrs.frozen(kw_only=True)
class Table:
    """A table to read around damage: SQL for its parts."""

    name: str
    key: str
    """The column of the integer key."""
    columns: str
    """The columns to read; where reading them takes long, only of rows that are wanted."""
    condition: str = "1"
    """Which rows are wanted."""
    parameters: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    index: str | None = None
    """An index that has the keys of all rows; None if there is none."""


@attrs.frozen
class Around:
    """What was read around damage."""

    rows: list[Row] = attrs.field(repr=False)
    """The key and the columns of each row."""
    gaps: list[tuple[int, int]]
    """The first and the last key of each range that could not be read."""
    last: int
    """The key up to which all was read, or is in a gap."""


@attrs.define(eq=False)
class _Walk:
    """The progress of reading a table."""

    _database: Database
    _table: Table
    _position: int
    _upto: int
    rows: list[Row] = attrs.field(factory=list)
    gaps: list[tuple[int, int]] = attrs.field(factory=list)
    _at_once: int = ROWS_AT_ONCE

    async def go(self, limit: int) -> Around:
        before = None
        while len(self.rows) < limit:
            if before == (before := (self._position, self._at_once)):
                raise Corrupt(f"The table {self._table.name} cannot be read around its damage.")
            found, is_damaged = await self._scan()
            wanted = [(key, *columns) for key, is_wanted, *columns in found if is_wanted]
            some = wanted[: limit - len(self.rows)]
            self.rows += some
            if len(self.rows) == limit:
                self._position = some[-1][0]
                break
            self._position = found[-1][0] if found else self._position
            keys: Sequence[int] = await self._keys() if is_damaged else ()
            if keys:
                await self._skip(keys)
            elif is_damaged or len(found) < self._at_once:
                # There is no further row.
                self._position = max(self._position, self._upto)
                break
            else:
                self._at_once = ROWS_AT_ONCE
        return Around(self.rows, self.gaps, self._position)

    def _scan(self) -> "Deferred[tuple[list[Row], bool]]":
        table = self._table
        sql = (
            f"SELECT {table.key}, {table.condition}, {table.columns} FROM {table.name} "
            f"NOT INDEXED WHERE {table.key} >= :start ORDER BY {table.key} LIMIT :rows"
        )
        # Not the keys after the position: it may be on a damaged page.
        return self._query(sql, start=self._position + 1, rows=self._at_once)

    async def _skip(self, keys: Sequence[int]) -> None:
        """Move to the end of the damaged part that begins before the first of the next keys."""
        good = await self._first_readable(keys)
        if good == 0:
            # The driver withholds the last row before an error: it is read alone.
            self._at_once = 1
            self._position = keys[0] - 1
            return
        self._add_gap(keys[0], keys[-1] if good is None else keys[good - 1])
        self._position = keys[-1] if good is None else keys[good] - 1

    def _add_gap(self, first: int, last: int) -> None:
        if self.gaps and self.gaps[-1][1] == first - 1:
            first = self.gaps.pop()[0]
        self.gaps.append((first, last))

    async def _keys(self) -> Sequence[int]:
        """Return the keys of the rows that follow the position, or those that rows may have."""
        table, position = self._table, self._position
        if table.index is not None:
            sql = (
                f"SELECT {table.key} FROM {table.name} INDEXED BY {table.index} "
                f"WHERE {table.key} >= :start ORDER BY {table.key} LIMIT :rows"
            )
            found, is_damaged = await self._query(sql, start=position + 1, rows=KEYS_AT_ONCE)
            if not is_damaged:
                return [row[0] for row in found]
        return range(position + 1, self._upto + 1)

    async def _first_readable(self, keys: Sequence[int]) -> int | None:
        """Return the index of the first key from which on a row can be read; None if none is."""
        bad, step = -1, 1
        for index in range(min(ONE_BY_ONE, len(keys))):
            if await self._is_readable(keys[index]):
                return index
            bad = index
        good = bad + step
        while good < len(keys) and not await self._is_readable(keys[good]):
            bad, step = good, 2 * step
            good += step
        if good >= len(keys):
            good = len(keys)
            if bad == good - 1 or not await self._is_readable(keys[-1]):
                return None
            good -= 1
        while good - bad > 1:
            middle = (good + bad) // 2
            if await self._is_readable(keys[middle]):
                good = middle
            else:
                bad = middle
        return good

    async def _is_readable(self, key: int) -> bool:
        table = self._table
        sql = (
            f"SELECT {table.key}, {table.columns} FROM {table.name} NOT INDEXED "
            f"WHERE {table.key} >= :start ORDER BY {table.key} LIMIT 1"
        )
        _, is_damaged = await self._query(sql, start=key)
        return not is_damaged

    def _query(self, sql: str, **values: object) -> "Deferred[tuple[list[Row], bool]]":
        parameters = {**self._table.parameters, **values}
        return self._database.run(lambda connection: read_until_damage(connection, sql, parameters))


async def read_around(
    database: Database, table: Table, *, after: int, limit: int, upto: int
) -> Around:
    """Return rows with keys above ``after``, in their order, and the gaps between them.

    Args:
        database: the database.
        table: what to read.
        after: the key to continue from.
        limit: the largest number of rows.
        upto: the largest key that there may be.

    Raises:
        StoreError: so much is damaged that nothing can be read.

    """
    return await _Walk(database, table, after, upto).go(limit)
