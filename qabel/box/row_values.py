"""Reading the values of rows, which SQLite lets be of any type in any column."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from qabel.box.directory_values import FileHash
from qabel.box.encryption import KEY_SIZES
from qabel.box.errors import UnreadableMetadata
from qabel.box.refs import is_ref


def hash_columns(file_hash: FileHash | None) -> dict[str, Any]:
    """Return the columns that have the hash of a file's content."""
    if file_hash is None:
        return {"hash": None, "hashAlgorithm": None}
    return {"hash": file_hash.value, "hashAlgorithm": file_hash.algorithm}


@frozen
class MetadataRow:
    """A row of a table. Whatever is wrong raises UnreadableMetadata, which names the column."""

    table: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Return a text."""
        value = self.values[column]
        if not isinstance(value, bytes):
            raise self.wrong(column, "is no text")
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise self.wrong(column, "is not in UTF-8") from None

    def ref(self, column: str) -> str:
        """Return the name of an object."""
        text = self.text(column)
        if not is_ref(text):
            raise self.wrong(column, "names no object")
        return text

    def blob(self, column: str) -> bytes:
        """Return bytes."""
        value = self.values[column]
        if not isinstance(value, bytes):
            raise self.wrong(column, "has no bytes")
        return value

    def key(self, column: str) -> bytes:
        """Return a key of AES."""
        value = self.blob(column)
        if len(value) not in KEY_SIZES:
            raise self.wrong(column, f"has {len(value)} bytes, which is no key")
        return value

    def integer(self, column: str) -> int:
        """Return an integer."""
        value = self.values[column]
        if not isinstance(value, int):
            raise self.wrong(column, "is no integer")
        return value

    def size(self, column: str) -> int:
        """Return a number of bytes."""
        value = self.integer(column)
        if value < 0:
            raise self.wrong(column, "is negative")
        return value

    def file_hash(self) -> FileHash | None:
        """Return the hash of a file's content. One of its two columns alone counts as none."""
        if not self.has("hash", "hashAlgorithm"):
            return None
        return FileHash(self.text("hashAlgorithm"), self.blob("hash"))

    def has(self, *columns: str) -> bool:
        """Return whether all of some columns are there, and have values."""
        return all(self.values.get(each) is not None for each in columns)

    def wrong(self, column: str, what: str) -> UnreadableMetadata:
        """Return the error for a value."""
        return UnreadableMetadata(f"in the table {self.table}, a value of {column} {what}")
