"""Directory metadata: from values to SQLite bytes.

New ones are made as Qabel's core makes them. Those that exist are changed, so that tables and
columns that are not known stay as they are.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from qabel.box.directory_metadata import MAX_SIZE, TABLES, read_directory
from qabel.box.directory_values import Directory, FileEntry, FolderEntry, ShareRow
from qabel.box.errors import UnreadableMetadata
from qabel.box.row_values import hash_columns
from qabel.box.sqlite_bytes import MetadataFile, authorize, created, opened
from qabel.box.table_forms import check_tables

USER_VERSION = 1468245565
"""The version of the schema. With another one, the core would change the tables once more."""

_SCHEMA = """
CREATE TABLE meta ( name VARCHAR(24) PRIMARY KEY, value TEXT );
CREATE TABLE spec_version (version INTEGER PRIMARY KEY );
CREATE TABLE version ( id INTEGER PRIMARY KEY, version BLOB NOT NULL, time LONG NOT NULL );
CREATE TABLE shares ( ref VARCHAR(255)NOT NULL, recipient BLOB NOT NULL, type INTEGER NOT NULL );
CREATE UNIQUE INDEX uniqueShares ON shares(ref, recipient, type);
CREATE TABLE files ( prefix VARCHAR(255)NOT NULL, block VARCHAR(255)NOT NULL,
 name VARCHAR(255)NOT NULL PRIMARY KEY, size LONG NOT NULL, mtime LONG NOT NULL, key BLOB NOT NULL,
 meta VARCHAR(255), metakey BLOB, hash BLOB, hashAlgorithm TEXT);
CREATE TABLE folders ( ref VARCHAR(255)NOT NULL, name VARCHAR(255)NOT NULL PRIMARY KEY,
 key BLOB NOT NULL );
CREATE TABLE externals ( is_folder BOOLEAN NOT NULL, owner BLOB NOT NULL,
 name VARCHAR(255)NOT NULL PRIMARY KEY, key BLOB NOT NULL, url TEXT NOT NULL );
INSERT INTO spec_version VALUES (0);
"""


def _statements(table: str, columns: Sequence[str]) -> tuple[str, str, str]:
    """Return what removes, changes and adds a row."""
    assigned = ", ".join(f"{each} = :{each}" for each in columns)
    names, values = ", ".join(columns), ", ".join(f":{each}" for each in columns)
    return (
        f"DELETE FROM {table} WHERE name = :name",  # noqa: S608
        f"UPDATE {table} SET {assigned} WHERE name = :name",  # noqa: S608
        f"INSERT INTO {table} ({names}) VALUES ({values})",  # noqa: S608
    )


_STATEMENTS = {each: _statements(each, TABLES[each].columns) for each in ("files", "folders")}

_Entry = TypeVar("_Entry", FileEntry, FolderEntry)


def encode_directory(directory: Directory, base: bytes | None = None) -> bytes:
    """Return directory metadata as an SQLite file.

    Args:
        directory: what they shall say.
        base: directory metadata to change; None for a new folder.

    Raises:
        UnreadableMetadata: the base is none, or cannot hold that, or what it would become has more
            bytes than are read.

    """
    with opened(_empty() if base is None else base, TABLES, MAX_SIZE) as file:
        connection = file.connection
        before = read_directory(file)
        _upgrade(file)
        connection.execute("BEGIN")
        _write_meta(connection, before, directory)
        _write_versions(connection, before, directory)
        _write_entries(connection, "files", before.files, directory.files)
        _write_entries(connection, "folders", before.folders, directory.folders)
        _write_shares(connection, before, directory)
        connection.execute("COMMIT")
        data = connection.serialize()
    if len(data) > MAX_SIZE:
        raise UnreadableMetadata(f"it would have {len(data)} bytes; at most {MAX_SIZE} are read")
    return data


def _empty() -> bytes:
    with created(_SCHEMA, USER_VERSION) as connection:
        return connection.serialize()


def _upgrade(file: MetadataFile) -> None:
    """Add what older clients did not write, as the core does (``DMMigration1468245565Hash``)."""
    connection = file.connection
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= USER_VERSION:
        return
    there = check_tables(file, TABLES, allow_more=True)["files"]
    connection.set_authorizer(None)
    for name, kind in (("hash", "BLOB"), ("hashAlgorithm", "TEXT")):
        if name not in there:
            connection.execute(f"ALTER TABLE files ADD COLUMN {name} {kind}")
    connection.execute(f"PRAGMA user_version = {USER_VERSION}")
    authorize(connection, TABLES)


def _write_meta(connection: sqlite3.Connection, before: Directory, after: Directory) -> None:
    for name, old, new in (
        ("last_change_by", before.changed_by, after.changed_by),
        ("root", before.root, after.root),
    ):
        if old == new:
            continue
        connection.execute("DELETE FROM meta WHERE name = ?", [name])
        if new is not None:
            connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", [name, new])


def _write_versions(connection: sqlite3.Connection, before: Directory, after: Directory) -> None:
    known = len(before.versions)
    if after.versions[:known] != before.versions:
        raise UnreadableMetadata("its versions are not the first ones of what it shall become")
    connection.executemany(
        "INSERT INTO version (version, time) VALUES (?, ?)",
        [(each.version, each.time) for each in after.versions[known:]],
    )


def _write_shares(connection: sqlite3.Connection, before: Directory, after: Directory) -> None:
    def rows(shares: frozenset[ShareRow]) -> "Iterable[tuple[str, str, str]]":
        return sorted((each.ref, each.recipient, each.kind) for each in shares)

    connection.executemany(
        "DELETE FROM shares WHERE ref = ? AND recipient = ? AND type = ?",
        rows(before.shares - after.shares),
    )
    connection.executemany(
        "INSERT INTO shares (ref, recipient, type) VALUES (?, ?, ?)",
        rows(after.shares - before.shares),
    )


def _write_entries(
    connection: sqlite3.Connection,
    table: str,
    before: Mapping[str, _Entry],
    after: Mapping[str, _Entry],
) -> None:
    gone = [{"name": name} for name in before if name not in after]
    new = [_columns(each) for name, each in after.items() if name not in before]
    changed = [
        _columns(each) for name, each in after.items() if name in before and each != before[name]
    ]
    removal, update, insertion = _STATEMENTS[table]
    done = connection.executemany(removal, gone).rowcount
    done += connection.executemany(update, changed).rowcount
    done += connection.executemany(insertion, new).rowcount
    if done != len(gone) + len(changed) + len(new):
        # Its index is damaged, and does not find what is there.
        raise UnreadableMetadata(f"the table {table} does not take what is written")


def _columns(entry: FileEntry | FolderEntry) -> dict[str, Any]:
    if isinstance(entry, FolderEntry):
        return {"ref": entry.ref, "name": entry.name, "key": entry.key}
    return {
        "prefix": entry.prefix,
        "block": entry.block,
        "name": entry.name,
        "size": entry.size,
        "mtime": entry.mtime,
        "key": entry.key,
        "meta": None if entry.share is None else entry.share.ref,
        "metakey": None if entry.share is None else entry.share.key,
        **hash_columns(entry.hash),
    }
