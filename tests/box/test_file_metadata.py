"""File metadata: those of the core, and those of enemies."""

from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.box.encryption import decrypt
from qabel.box.errors import UnreadableMetadata
from qabel.box.file_metadata import (
    MAX_SIZE,
    FileMetadata,
    encode_file_metadata,
    parse_file_metadata,
)
from tests.box.known_answers import KEYS, OWNER, PREFIX, VECTORS, changed, dump, object_of
from tests.box.samples import HASHES, INTEGERS, NAMES, REFS, damaged, file_named
from tests.box.test_directory_metadata import INDEX, parse_directory
from tests.box.test_directory_writing import spelled_alike

VECTOR = VECTORS["file_metadata"]
DATA = decrypt(bytes.fromhex(VECTOR["key"]), object_of(VECTOR))
METADATA = st.builds(
    FileMetadata,
    owner=st.just(OWNER.public_key),
    prefix=NAMES,
    block=REFS,
    name=NAMES,
    size=st.integers(0, 2**63 - 1),
    mtime=INTEGERS,
    key=st.binary(min_size=32, max_size=32),
    hash=st.none() | HASHES,
)


def test_metadata_of_the_core_are_read() -> None:
    """They say what the file's entry says, with the time in milliseconds."""
    (entry,) = parse_directory(INDEX).files.values()
    metadata = parse_file_metadata(DATA)
    assert metadata == FileMetadata.of(entry, OWNER.public_key)
    assert metadata.owner.hex == KEYS["owner_public"]
    assert metadata.mtime == 1445432325000


def test_they_are_written_as_the_core_writes_them() -> None:
    """The same tables, and the same values of the same types."""
    data = encode_file_metadata(parse_file_metadata(DATA))
    found, expected = dump(data), VECTOR["plaintext"]
    assert found["tables"] == expected["tables"]
    assert spelled_alike(found["schema"]) == spelled_alike(expected["schema"])
    assert found["pragma_user_version"] == expected["pragma_user_version"]
    assert len(data) == expected["plaintext_length"]


@given(METADATA)
def test_what_is_written_is_read(metadata: FileMetadata) -> None:
    """Whatever it is."""
    assert parse_file_metadata(encode_file_metadata(metadata)) == metadata


@pytest.mark.parametrize("mtime", [2**63 - 1, -(2**63)])
def test_a_time_that_is_too_long_ago_is_the_earliest_one(mtime: int) -> None:
    """Any number of seconds may be in a folder."""
    far = FileMetadata.of(evolve(file_named("x"), mtime=mtime), OWNER.public_key)
    assert parse_file_metadata(encode_file_metadata(far)).mtime == far.mtime
    assert (far.mtime > 0) == (mtime > 0)


OLD = (
    "ALTER TABLE file DROP COLUMN hash",
    "ALTER TABLE file DROP COLUMN hashAlgorithm",
    "PRAGMA user_version = 0",
)


def test_those_of_older_clients_are_read() -> None:
    """Without a hash, and first without a prefix."""
    metadata = parse_file_metadata(changed(DATA, *OLD))
    assert (metadata.hash, metadata.prefix) == (None, PREFIX)
    without = changed(DATA, *OLD, "ALTER TABLE file DROP COLUMN prefix")
    assert parse_file_metadata(without).prefix == ""


COPY = "INSERT INTO file SELECT owner, prefix, block, 'two', size, mtime, key, hash, hashAlgorithm"


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["DELETE FROM file"], "one row"),
        ([f"{COPY} FROM file"], "one row"),
        (["DROP TABLE spec_version"], "no table spec_version"),
        (["CREATE TABLE more (x)"], "tables that are not expected"),
        (["ALTER TABLE file ADD COLUMN more"], "columns that are not expected"),
        (["CREATE VIEW v AS SELECT randomblob(1000000000) FROM file"], "views"),
        (["CREATE TRIGGER t AFTER DELETE ON file BEGIN DELETE FROM file; END"], "triggers"),
        (
            ["ALTER TABLE file RENAME TO real", "CREATE VIEW file AS SELECT * FROM real"],
            "views",
        ),
        (["CREATE INDEX i ON file(hex(name))"], "index"),
        (["ALTER TABLE file ADD COLUMN g AS (1)"], "generated columns"),
        (["UPDATE file SET owner = zeroblob(31)"], "owner is no public key"),
        (["UPDATE file SET owner = x'" + "ff" * 32 + "'"], "owner is no public key"),
        (["UPDATE file SET block = '../../secret'"], "block names no object"),
        (["UPDATE file SET name = NULL"], "name is no text"),
        (["UPDATE file SET key = 'short'"], "no key"),
        (["UPDATE file SET size = -1"], "size is negative"),
        (["UPDATE file SET name = zeroblob(1100000)"], "at most 1048576"),
    ],
)
def test_what_strangers_should_not_write_is_refused(statements: list[str], reason: str) -> None:
    """Nothing of it is executed."""
    with pytest.raises(UnreadableMetadata, match=reason):
        parse_file_metadata(changed(DATA, *statements))


def test_a_long_name_is_read() -> None:
    """Whether it fits somewhere is for others to say."""
    data = changed(DATA, "UPDATE file SET name = zeroblob(300000)")
    assert len(data) < MAX_SIZE
    assert parse_file_metadata(data).name == "\0" * 300000


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_damage_breaks_nothing(seed: int, count: int) -> None:
    """Whatever the bytes are, they are read or refused, and nothing else happens."""
    with suppress(UnreadableMetadata):
        parse_file_metadata(damaged(DATA, seed, count))
