"""Reading values of any type."""

from typing import Any

import pytest

from qabel.box.directory_values import FileHash
from qabel.box.errors import UnreadableMetadata
from qabel.box.row_values import MetadataRow, hash_columns

READERS = ("text", "ref", "blob", "key", "integer", "size")


def row_of(value: Any) -> MetadataRow:
    """Return a row with one value."""
    return MetadataRow("files", {"x": value})


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        ("text", "ü".encode(), "ü"),
        ("ref", b"a-1_B", "a-1_B"),
        ("blob", b"\xff", b"\xff"),
        ("key", bytes(16), bytes(16)),
        ("key", bytes(32), bytes(32)),
        ("integer", -5, -5),
        ("size", 0, 0),
    ],
)
def test_values_are_read(reader: str, value: Any, read: Any) -> None:
    """SQLite gives texts as bytes here."""
    assert getattr(row_of(value), reader)("x") == read


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", [None, 1.5])
def test_other_types_are_refused(reader: str, value: Any) -> None:
    """With the table and the column."""
    with pytest.raises(UnreadableMetadata, match="in the table files, a value of x"):
        getattr(row_of(value), reader)("x")


@pytest.mark.parametrize(
    ("reader", "value"),
    [("text", b"\xff"), ("ref", b"../x"), ("key", b"short"), ("size", -1), ("integer", b"5")],
)
def test_what_cannot_be_meant_is_refused(reader: str, value: Any) -> None:
    """And the reason does not quote it."""
    with pytest.raises(UnreadableMetadata) as caught:
        getattr(row_of(value), reader)("x")
    assert "short" not in str(caught.value)


def test_a_hash_has_two_columns() -> None:
    """One alone counts as none."""
    file_hash = FileHash("Blake2b", b"h")
    columns = hash_columns(file_hash)
    assert columns == {"hash": b"h", "hashAlgorithm": "Blake2b"}
    row = {"hash": b"h", "hashAlgorithm": b"Blake2b"}
    assert MetadataRow("files", row).file_hash() == file_hash
    for half in row:
        assert MetadataRow("files", {**row, half: None}).file_hash() is None
    assert MetadataRow("files", {}).file_hash() is None
    assert set(hash_columns(None).values()) == {None}
