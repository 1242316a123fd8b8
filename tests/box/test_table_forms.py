"""What tables must look like."""

import pytest

from qabel.box.errors import UnreadableMetadata
from qabel.box.sqlite_bytes import opened
from qabel.box.table_forms import TableForm, check_tables
from tests.box.known_answers import changed

FORMS = {"mine": TableForm("a", ("a", "b"), ("c", "d"))}
TABLE = "CREATE TABLE mine (a TEXT PRIMARY KEY, b, c)"


def columns_of(*statements: str, allow_more: bool = False) -> list[str]:
    """Return the known columns of a file that statements make."""
    with opened(changed(None, *statements), FORMS, 10**6) as file:
        return list(check_tables(file, FORMS, allow_more=allow_more)["mine"])


def test_the_known_columns_that_are_there_are_found() -> None:
    """Those of older clients are fewer, those of newer ones more."""
    assert columns_of(TABLE) == ["a", "b", "c"]
    more = "CREATE TABLE mine (z, a TEXT PRIMARY KEY, b, d)"
    assert columns_of(more, "CREATE TABLE t (x)", allow_more=True) == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ([TABLE, "CREATE TABLE t (x)"], "tables that are not expected"),
        (["CREATE TABLE mine (a TEXT PRIMARY KEY, b, e)"], "columns that are not expected"),
        (["CREATE TABLE mine (a TEXT PRIMARY KEY, c)"], "no column b"),
        (["CREATE TABLE mine (a TEXT, b, PRIMARY KEY (a, b))"], "another primary key"),
        (["CREATE TABLE yours (a TEXT PRIMARY KEY, b)"], "no table mine"),
        ([TABLE, "CREATE VIEW v AS SELECT 1"], "views"),
        ([TABLE, 'CREATE INDEX "a""b" ON mine (abs(b))'], "an index that is not expected"),
    ],
)
def test_what_is_not_expected_is_refused(statements: list[str], reason: str) -> None:
    """In file metadata, which come from strangers."""
    with pytest.raises(UnreadableMetadata, match=reason):
        columns_of(*statements)


def test_an_ordinary_index_is_allowed() -> None:
    """It has columns only."""
    assert columns_of(TABLE, 'CREATE INDEX "a""b" ON mine (c, b)') == ["a", "b", "c"]
