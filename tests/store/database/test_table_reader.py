"""Reading around what is damaged: every row that can be read is read once, all others are named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.store.database.table_reader import DamagedSource, Gap, TableReader, between, runs


class Damaged(sqlcipher.DatabaseError):  # type: ignore[misc]
    """What SQLite raises for a damaged page."""

    sqlite_errorname = "SQLITE_CORRUPT"


class Breaking:
    """A connection to a table in memory, some of whose rows cannot be read."""

    def __init__(self, rows: set[int], bad: set[int], *, has_index: bool) -> None:
        self.real = sqlcipher.connect(":memory:")
        self.real.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body INTEGER)")
        if has_index:
            self.real.execute("CREATE INDEX of_t ON t (body)")
        self.real.executemany("INSERT INTO t VALUES (?, ?)", [(each, each) for each in rows])
        self.bad = bad

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Run a query; it ends at the first bad row."""
        rows = self.real.execute(sql, values).fetchall()

        def run() -> Any:
            for row in rows:
                if len(row) == 3 and row[0] in self.bad:
                    raise Damaged
                yield row

        return run()

    def close(self) -> None:
        """Stay open: it is used again."""


def read(rows: set[int], bad: set[int], *, has_index: bool) -> tuple[list[int], list[Gap]]:
    """Return the ids that were read, and the gaps."""
    kept: list[int] = []
    source = DamagedSource(lambda: Breaking(rows, bad, has_index=has_index))  # type: ignore[arg-type]
    reader = TableReader(
        source,
        "t",
        ["id", "body"],
        ["rowid"],
        lambda found: kept.extend(row[0] for row in found),
    )
    reader.read_all()
    return kept, reader.gaps


ids = st.sets(st.integers(1, 60), max_size=40)


@given(ids, ids)
def test_all_that_is_whole_is_read_once(rows: set[int], bad: set[int]) -> None:
    """Without an index, gaps have exactly the ids of damaged rows, next to ids without rows."""
    kept, gaps = read(rows, bad, has_index=False)
    assert sorted(kept) == sorted(rows - bad)
    for each in rows & bad:
        assert any((g.after or (-9,))[0] < each < (g.before or (99,))[0] for g in gaps)
    for each in rows - bad:
        assert not any((g.after or (-9,))[0] < each < (g.before or (99,))[0] for g in gaps)


@given(ids, ids)
def test_an_index_names_the_lost_rows(rows: set[int], bad: set[int]) -> None:
    """With an index, the ids of the lost rows are known exactly."""
    kept, gaps = read(rows, bad, has_index=True)
    assert sorted(kept) == sorted(rows - bad)
    assert sorted(each for gap in gaps for each in gap.ids or ()) == sorted(rows & bad)


def test_other_errors_are_raised() -> None:
    """A mistake in a statement is no damage."""
    source = DamagedSource(lambda: sqlcipher.connect(":memory:"))
    with pytest.raises(sqlcipher.OperationalError):
        source.query("SELECT * FROM missing")


@pytest.mark.parametrize(
    ("after", "before", "middle"),
    [
        ((1,), (9,), (5,)),
        ((1,), (2,), None),
        ((1, b"\x10"), (1, b"\x20"), (1, b"\x18\x00")),
        ((1, b"a"), (2, b"b"), (2,)),
        ((1, b"a"), (2,), None),
        (("a",), ("b",), None),
        (None, ("b",), None),
        (None, (6,), (2,)),
    ],
)
def test_between(after: Any, before: Any, middle: Any) -> None:
    """A gap is halved where that is possible."""
    assert between(after, before) == middle


def test_runs() -> None:
    """Neighbouring ids are named together."""
    assert list(runs([1, 2, 3, 7, 9, 10])) == [(1, 3), (7, 7), (9, 10)]
    assert list(runs([])) == []
