"""Directory metadata: from SQLite bytes to values, and back.

What the tables are is in ``DirectoryMetadata`` of Qabel's core (user_version 1468245565).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from qabel.box.directory_values import (
    Directory,
    DirectoryVersion,
    FileEntry,
    FileShare,
    FolderEntry,
    ShareRow,
)
from qabel.box.errors import UnreadableMetadata
from qabel.box.row_values import MetadataRow
from qabel.box.sqlite_bytes import MetadataFile, opened
from qabel.box.table_forms import TableForm, check_tables

MAX_SIZE = 128 * 2**20
"""Bytes of directory metadata that are read: some 500,000 files."""

TABLES: Mapping[str, TableForm] = {
    "meta": TableForm("name", ("name", "value")),
    "spec_version": TableForm("version", ("version",)),
    "version": TableForm("id", ("id", "version", "time")),
    "files": TableForm(
        "name",
        ("prefix", "block", "name", "size", "mtime", "key", "meta", "metakey"),
        ("hash", "hashAlgorithm"),
    ),
    "folders": TableForm("name", ("ref", "name", "key")),
    "externals": TableForm("name", ("name",)),
    "shares": TableForm(None, ("ref", "recipient", "type")),
}

_Value = TypeVar("_Value")


def parse_directory(data: bytes) -> Directory:
    """Return what directory metadata say.

    Those of older clients are read, too, from the spring of 2016 on, and those of newer ones, with
    tables and columns that are not known.

    Args:
        data: the SQLite file, decrypted.

    Raises:
        UnreadableMetadata: they are none, or more than may be read.

    """
    with opened(data, TABLES, MAX_SIZE) as file:
        return read_directory(file)


def read_directory(file: MetadataFile) -> Directory:
    """Do the same with an open file."""
    columns = check_tables(file, TABLES, allow_more=True)

    def rows(table: str, order: str = "") -> "list[MetadataRow]":
        names = columns[table]
        # Not by an index, which could name other rows than the table has.
        query = f"SELECT {', '.join(names)} FROM {table} NOT INDEXED {order}"  # noqa: S608
        return [
            MetadataRow(table, dict(zip(names, values, strict=True))) for values in file.read(query)
        ]

    meta = {each.text("name"): each for each in rows("meta")}
    return Directory(
        files=_by_name(rows("files"), _file),
        folders=_by_name(rows("folders"), _folder),
        externals=frozenset(each.text("name") for each in rows("externals")),
        shares=frozenset(filter(None, map(_share, rows("shares")))),
        versions=tuple(map(_version, rows("version", "ORDER BY id"))),
        changed_by=_text_of(meta.get("last_change_by")),
        root=_text_of(meta.get("root")),
    )


def _by_name(
    rows: Sequence[MetadataRow], read: Callable[[MetadataRow], _Value]
) -> dict[str, _Value]:
    found = {each.text("name"): read(each) for each in rows}
    if len(found) < len(rows):
        raise rows[0].wrong("name", "is there twice")
    return found


def _text_of(row: MetadataRow | None) -> str | None:
    return row.text("value") if row is not None and row.has("value") else None


def _file(row: MetadataRow) -> FileEntry:
    # One of the two alone counts as none.
    is_shared = row.has("meta", "metakey")
    return FileEntry(
        prefix=row.text("prefix"),
        block=row.ref("block"),
        name=row.text("name"),
        size=row.size("size"),
        mtime=row.integer("mtime"),
        key=row.key("key"),
        share=FileShare(row.ref("meta"), row.key("metakey")) if is_shared else None,
        hash=row.file_hash(),
    )


def _folder(row: MetadataRow) -> FolderEntry:
    return FolderEntry(row.ref("ref"), row.text("name"), row.key("key"))


def _share(row: MetadataRow) -> ShareRow | None:
    try:
        return ShareRow(row.text("ref"), row.text("recipient"), row.text("type"))
    except UnreadableMetadata:
        # Clients write texts in all columns, whatever their types. No file depends on others.
        return None


def _version(row: MetadataRow) -> DirectoryVersion:
    return DirectoryVersion(row.blob("version"), row.integer("time"))
