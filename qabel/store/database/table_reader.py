"""Read what is left of one table of a damaged database, around the pages that are lost."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.connection import Connection, Parameters

BATCH = 500
"""Rows in one query."""

MOST_FAILURES = 1000
"""Failed queries after which the rest of a gap is not searched any more."""

DEPTH = 40
"""How often a gap is halved."""

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")

Row = tuple[Any, ...]
Key = tuple[Any, ...]


@attrs.define(eq=False)
class DamagedSource:
    """A damaged database that is opened again after each failure.

    Once SQLCipher has found a damaged page, a connection reads nothing any more.
    """

    _connect: Callable[[], Connection]
    _connection: Connection | None = attrs.field(default=None, init=False)

    def query(self, sql: str, parameters: Parameters = ()) -> tuple[list[Row], bool]:
        """Return the rows up to the first that cannot be read, and whether there is one."""
        rows: list[Row] = []
        if self._connection is None:
            self._connection = self._connect()
        try:
            rows.extend(self._connection.execute(sql, parameters))
        except sqlcipher.DatabaseError as error:
            self.close()
            name = getattr(error, "sqlite_errorname", "")
            if not name.startswith(_DAMAGED) or "no such" in str(error):
                raise
            return rows, True
        return rows, False

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@attrs.frozen
class Bound:
    """An end of a range of keys."""

    key: Key
    inclusive: bool = False


@attrs.frozen
class Gap:
    """Keys between two bounds whose rows cannot be read; None where there is no bound."""

    after: Key | None
    before: Key | None
    ids: tuple[int, ...] | None = None
    """The ids of the rows, where an index has them."""


@attrs.define(eq=False)
class TableReader:
    """Reads one table.

    Args:
        source: the database.
        table: its name.
        columns: which columns to read.
        keys: the columns of the primary key, or ``rowid``.
        keep: called with the rows that could be read.

    """

    _source: DamagedSource
    _table: str
    _columns: Sequence[str]
    _keys: Sequence[str] = attrs.field(repr=False)
    _keep: Callable[[list[Row]], None]
    _is_lost: bool = False
    """Whether the page that leads to all others is damaged."""
    gaps: list[Gap] = attrs.field(factory=list, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _ids: list[int] | None = attrs.field(default=None, init=False)
    _has_looked: bool = attrs.field(default=False, init=False)

    def read_all(self) -> None:
        """Read all rows that can be read; note the gaps."""
        if self._is_lost:
            ids = self._known_ids() if self._keys == ["rowid"] else None
            if ids != []:
                self.gaps.append(Gap(None, None, None if ids is None else tuple(ids)))
            return
        self._recover(None, None, DEPTH)

    def _recover(self, low: Bound | None, high: Bound | None, depth: int) -> None:
        start, is_whole = self._walk(low, high, "ASC")
        if is_whole:
            return
        end, _ = self._walk(start, high, "DESC")
        after, before = _exclusive(start), None if end is None else end.key
        if self._keys == ["rowid"] and (ids := self._known_ids()) is not None:
            self._probe(after, before, ids)
            return
        if _is_empty(after, before):
            return
        middle = None if self._failures > MOST_FAILURES or not depth else between(after, before)
        if middle is None:
            self._note_gap(after, before)
            return
        self._recover(start, Bound(middle), depth - 1)
        self._recover(Bound(middle, inclusive=True), end, depth - 1)

    def _note_gap(self, after: Key | None, before: Key | None) -> None:
        # Gaps are found in the order of the keys.
        if self.gaps and _meet(self.gaps[-1].before, after):
            after = self.gaps.pop().after
        self.gaps.append(Gap(after, before))

    def _walk(self, low: Bound | None, high: Bound | None, order: str) -> tuple[Bound | None, bool]:
        """Read rows from one end until one cannot be read.

        Return the bound that was reached, and whether the other end was.
        """
        while True:
            rows, is_broken = self._select(low, high, f"ORDER BY {self._ordered(order)}")
            if rows:
                self._keep([row[len(self._keys) :] for row in rows])
                reached = Bound(rows[-1][: len(self._keys)])
                low, high = (reached, high) if order == "ASC" else (low, reached)
            if is_broken:
                self._failures += 1
                return (low if order == "ASC" else high), False
            if len(rows) < BATCH:
                return None, True

    def _select(self, low: Bound | None, high: Bound | None, rest: str) -> tuple[list[Row], bool]:
        conditions: list[str] = []
        values: list[object] = []
        for bound, sign in ((low, ">"), (high, "<")):
            if bound is not None:
                width = len(bound.key)
                marks = ", ".join("?" * width)
                names = ", ".join(self._keys[:width])
                conditions.append(f"({names}) {sign}{'=' if bound.inclusive else ''} ({marks})")
                values += bound.key
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = (
            f"SELECT {', '.join([*self._keys, *self._columns])} FROM {self._table} NOT INDEXED "
            f"{where} {rest} LIMIT {BATCH}"
        )
        return self._source.query(sql, values)

    def _ordered(self, order: str) -> str:
        return ", ".join(f"{name} {order}" for name in self._keys)

    def _probe(self, after: Key | None, before: Key | None, ids: Sequence[int]) -> None:
        """Read the rows of a gap one by one, by the ids that an index has."""
        lost = []
        for each in ids:
            if (after is None or each > after[0]) and (before is None or each < before[0]):
                only = Bound((each,), inclusive=True)
                rows, is_broken = self._select(only, only, "")
                self._keep([row[1:] for row in rows])
                if is_broken and not rows:
                    lost.append(each)
        if lost:
            self.gaps.append(Gap(after, before, tuple(lost)))

    def _known_ids(self) -> list[int] | None:
        """Return the ids of all rows from an index; None if there is none that is whole."""
        if not self._has_looked:
            self._has_looked = True
            listed, _ = self._source.query(f"PRAGMA index_list({self._table})")
            for _, name, _, _, partial in listed:
                if partial:
                    continue
                rows, is_broken = self._source.query(
                    f"SELECT rowid FROM {self._table} INDEXED BY {name}"
                )
                if not is_broken:
                    self._ids = sorted(row[0] for row in rows)
                    break
        return self._ids


def between(after: Key | None, before: Key | None) -> Key | None:
    """Return a key, or the beginning of one, between two; None if none is found."""
    given = before or after or (0,)
    if not isinstance(given[0], int) and (after is None or before is None):
        return None
    low = (-2,) if after is None else after
    high = (low[0] + 2**32,) if before is None else before
    for position, (one, other) in enumerate(zip(low, high, strict=False)):
        if one == other:
            continue
        middle = _middle(one, other)
        if middle is not None:
            return (*low[:position], middle)
        # What is left begins as the lower one does, or as the higher one does.
        beginning = high[: position + 1]
        return beginning if len(low) > position + 1 and beginning != high else None
    return None


def _exclusive(start: Bound | None) -> Key | None:
    """Return a key such that what follows it is what a lower bound lets in."""
    if start is None:
        return None
    if start.inclusive and len(start.key) == 1 and isinstance(start.key[0], int):
        return (start.key[0] - 1,)
    return start.key


def _meet(before: Key | None, after: Key | None) -> bool:
    """Return whether there is no key between two gaps that could be read."""
    if before is None or after is None:
        return False
    if len(after) == 1 and isinstance(after[0], int):
        return bool(before[0] == after[0] + 1)
    return before == after


def _is_empty(after: Key | None, before: Key | None) -> bool:
    return (
        after is not None
        and before is not None
        and len(after) == 1
        and isinstance(after[0], int)
        and before[0] - after[0] <= 1
    )


def _middle(low: object, high: object) -> object | None:
    if isinstance(low, int) and isinstance(high, int):
        middle = (low + high) // 2
        return middle if low < middle < high else None
    if isinstance(low, bytes) and isinstance(high, bytes):
        size = max(len(low), len(high)) + 1
        first, last = (int.from_bytes(each.ljust(size, b"\0"), "big") for each in (low, high))
        return ((first + last) // 2).to_bytes(size, "big") if last - first > 1 else None
    return None


def runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of ids without a hole."""
    start = last = None
    for each in ids:
        if last is not None and each == last + 1:
            last = each
            continue
        if start is not None and last is not None:
            yield start, last
        start = last = each
    if start is not None and last is not None:
        yield start, last
