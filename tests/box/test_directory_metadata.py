"""Reading directory metadata: those of the core, odd ones, and those of enemies."""

import base64
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qabel.box.directory_metadata import parse_directory
from qabel.box.directory_values import FileEntry, FileHash, FileShare, FolderEntry, ShareRow
from qabel.box.directory_writing import encode_directory
from qabel.box.encryption import decrypt
from qabel.box.errors import UnreadableMetadata
from qabel.box.index_box import open_index
from tests.box.known_answers import CONTACT, OWNER, PREFIX, READING, VECTORS, changed, object_of
from tests.box.samples import damaged, directory_of, file_named, folder_named

INDEX = open_index(OWNER, object_of(VECTORS["index_dm"]))
FOLDER = decrypt(bytes.fromhex(VECTORS["folder_dm"]["key"]), object_of(VECTORS["folder_dm"]))
ONE_FILE = encode_directory(directory_of(file_named("one"), folder_named("two")))

OLD_FILES = (
    "CREATE TABLE old AS SELECT * FROM files",
    "DROP TABLE files",
    "CREATE TABLE files (prefix, block, name PRIMARY KEY, size, mtime, key, meta, metakey)",
    "INSERT INTO files SELECT prefix, block, name, size, mtime, key, meta, metakey FROM old",
    "DROP TABLE old",
)
"""The table before the summer of 2016."""


def test_the_index_of_the_core_is_read() -> None:
    """All that it wrote into it."""
    tables = VECTORS["index_dm"]["plaintext"]["tables"]
    index = parse_directory(INDEX)
    (row,) = tables["files"]
    assert index.files == {
        "hello ü.txt": FileEntry(
            prefix=PREFIX,
            block="78504be7-ab26-4d12-9a12-bed0e8cd8b76",
            name="hello ü.txt",
            size=13,
            mtime=1445432325,
            key=bytes.fromhex(row["key"].removeprefix("blob:")),
            share=FileShare(
                VECTORS["file_metadata"]["name"], bytes.fromhex(VECTORS["file_metadata"]["key"])
            ),
            hash=FileHash("Blake2b", bytes.fromhex(row["hash"].removeprefix("blob:"))),
        )
    }
    folder = VECTORS["folder_dm"]
    expected = FolderEntry(folder["name"], "docs", bytes.fromhex(folder["key"]))
    assert index.folders == {"docs": expected}
    assert index.shares == {ShareRow(VECTORS["file_metadata"]["name"], CONTACT.hex, "READ")}
    assert [f"blob:{each.version.hex()}" for each in index.versions] == [
        each["version"] for each in tables["version"]
    ]
    assert index.versions[-1].time == 1795648407514
    assert (index.root, index.changed_by) == ("", VECTORS["keys"]["device_id"])


def test_a_folder_of_the_core_is_read() -> None:
    """It has no root."""
    folder = parse_directory(FOLDER)
    assert folder.root is None
    (entry,) = folder.files.values()
    assert (entry.name, entry.share) == ("deep.bin", None)
    block = VECTORS["blocks"][1]
    assert f"blocks/{entry.block}" == block["stored_at"]
    assert decrypt(entry.key, object_of(block)) == base64.b64decode(block["plaintext_b64"])


ODD = {
    "user_version 0, no hash columns (clients before 2016-07)": (
        *OLD_FILES,
        "PRAGMA user_version = 0",
    ),
    "user_version 1467796453, no hash columns": (*OLD_FILES, "PRAGMA user_version = 1467796453"),
    "extra column ctime, extra table": (
        "ALTER TABLE files ADD COLUMN ctime LONG",
        "CREATE TABLE later (what TEXT)",
    ),
    "no spec_version row, no meta rows": ("DELETE FROM spec_version", "DELETE FROM meta"),
    "hash and hashAlgorithm null": ("UPDATE files SET hash = NULL, hashAlgorithm = NULL",),
    "user_version 2000000000": ("PRAGMA user_version = 2000000000",),
    "no version row": ("DELETE FROM version",),
    "file name a/b, size 2^40, mtime 0": (
        "UPDATE files SET name = 'a/b', size = 1099511627776, mtime = 0",
    ),
    "prefix of a file differs from the volume's": ("UPDATE files SET prefix = 'other'",),
}
"""Statements that make what others wrote, by what it is."""


@pytest.mark.parametrize("what", ODD)
def test_what_others_wrote_is_read(what: str) -> None:
    """As the core reads it."""
    assert what in READING
    (entry,) = parse_directory(changed(INDEX, *ODD[what])).files.values()
    assert entry.block == "78504be7-ab26-4d12-9a12-bed0e8cd8b76"
    is_hashed = "no hash" not in what and "hash and" not in what
    assert (entry.hash is not None) == is_hashed


def test_a_file_marked_for_a_write_ahead_log_is_read() -> None:
    """There is no such log beside an object."""
    assert "file header says WAL (bytes 18,19 = 2)" in READING
    marked = INDEX[:18] + b"\2\2" + INDEX[20:]
    assert parse_directory(marked) == parse_directory(INDEX)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "x" * 300, "\u00e9", "e\u0301"])
def test_every_name_is_read(name: str) -> None:
    """The core takes every name: whoever writes it to a disk must check it first."""
    data = encode_directory(directory_of(file_named(name), folder_named(name + "/folder")))
    directory = parse_directory(data)
    assert list(directory.files) == [name]
    assert list(directory.folders) == [name + "/folder"]


def test_one_half_of_a_share_or_a_hash_counts_as_none() -> None:
    """As for the core."""
    halves = "UPDATE files SET metakey = NULL, hashAlgorithm = NULL"
    (entry,) = parse_directory(changed(INDEX, halves)).files.values()
    assert (entry.share, entry.hash) == (None, None)


def test_odd_shares_are_passed_over() -> None:
    """No file depends on them, so that a volume does not depend on them either."""
    odd = "INSERT INTO shares VALUES (x'ff', x'00', 1)"
    assert parse_directory(changed(INDEX, odd)).shares == parse_directory(INDEX).shares


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DROP TABLE folders", "no table folders"),
        ("ALTER TABLE files DROP COLUMN metakey", "no column metakey"),
        ("UPDATE files SET block = '../index'", "block names no object"),
        ("UPDATE files SET block = x'ff'", "block is not in UTF-8"),
        ("UPDATE files SET size = -1", "size is negative"),
        ("UPDATE files SET size = 1.5", "size is no integer"),
        ("UPDATE files SET size = 'many'", "size is no integer"),
        ("UPDATE files SET key = x'00'", "key has 1 bytes, which is no key"),
        ("UPDATE folders SET ref = 'a/../b'", "ref names no object"),
        ("UPDATE meta SET value = x'ff'", "value is not in UTF-8"),
        ("CREATE VIEW v AS SELECT * FROM files", "views, triggers or virtual tables"),
        (
            "CREATE TRIGGER t AFTER INSERT ON version BEGIN DELETE FROM files; END",
            "views, triggers or virtual tables",
        ),
        ("CREATE VIRTUAL TABLE f USING fts5(x)", "views, triggers or virtual tables"),
        ("CREATE INDEX i ON files(upper(name))", "an index that is not expected"),
        ("CREATE INDEX i ON files(name) WHERE size > 5", "an index that is not expected"),
        (
            "ALTER TABLE files ADD COLUMN g TEXT GENERATED ALWAYS AS (hex(zeroblob(9))) VIRTUAL",
            "generated columns",
        ),
    ],
)
def test_what_nobody_should_write_is_refused(statement: str, reason: str) -> None:
    """With a reason that says where, and has nothing of the content."""
    with pytest.raises(UnreadableMetadata, match=reason):
        parse_directory(changed(INDEX, statement))


def test_a_table_with_another_key_is_refused() -> None:
    """A name could be there twice."""
    data = changed(INDEX, "DROP TABLE folders", "CREATE TABLE folders (ref, name, key)")
    with pytest.raises(UnreadableMetadata, match="another primary key"):
        parse_directory(data)


def test_many_tables_are_refused() -> None:
    """Looking at all of them would take time."""
    tables = (f"CREATE TABLE t{number} (x)" for number in range(60))
    with pytest.raises(UnreadableMetadata, match="more than 64"):
        parse_directory(changed(INDEX, *tables))


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 40))
@example(0, 1)
def test_damage_breaks_nothing(seed: int, count: int) -> None:
    """Whatever the bytes are, they are read or refused, and nothing else happens."""
    with suppress(UnreadableMetadata):
        parse_directory(damaged(ONE_FILE, seed, count))


@given(st.binary(max_size=1000))
def test_what_is_no_file_is_refused(data: bytes) -> None:
    """Also if it begins like one."""
    for each in (data, b"SQLite format 3\0" + data):
        with pytest.raises(UnreadableMetadata):
            parse_directory(each)
