"""File metadata: what a share points to. Whoever has them can read the file.

The table is in ``FileMetadata`` of Qabel's core (user_version 1468248484). Those of a share come
from a stranger, so that nothing may be in them but what is expected.
"""

from typing import Self

from attrs import field, frozen

from qabel.box.directory_values import FileEntry, FileHash
from qabel.box.errors import UnreadableMetadata
from qabel.box.row_values import MetadataRow, hash_columns
from qabel.box.sqlite_bytes import created, opened
from qabel.box.table_forms import TableForm, check_tables
from qabel.crypto import InvalidKey, PublicKey

MAX_SIZE = 2**20
"""Bytes of file metadata that are read: clients write 5 to 16 KiB."""

USER_VERSION = 1468248484

_LATEST = 2**63 - 1

_TABLES = {
    "spec_version": TableForm("version", ("version",)),
    "file": TableForm(
        "name",
        ("owner", "block", "name", "size", "mtime", "key"),
        ("prefix", "hash", "hashAlgorithm"),
    ),
}

_SCHEMA = """
CREATE TABLE spec_version ( version INTEGER PRIMARY KEY );
CREATE TABLE file ( owner BLOB NOT NULL, prefix VARCHAR(255) NOT NULL,
 block VARCHAR(255) NOT NULL, name VARCHAR(255) NULL PRIMARY KEY, size LONG NOT NULL,
 mtime LONG NOT NULL, key BLOB NOT NULL , hash BLOB, hashAlgorithm TEXT);
INSERT INTO spec_version VALUES (0);
"""


@frozen
class FileMetadata:
    """One shared file."""

    owner: PublicKey
    """As the metadata say: nothing proves it."""
    prefix: str
    """Not used: the block is where the metadata are."""
    block: str
    """The block with its content, in the same prefix, without ``refs.BLOCKS``."""
    name: str
    """Any text: whoever writes it to a disk must check it first."""
    size: int
    """Bytes of plaintext, as the owner has said."""
    mtime: int
    """When it was changed, in milliseconds since the epoch."""
    key: bytes = field(repr=False)
    """Of the block: 32 bytes."""
    hash: FileHash | None = None

    @classmethod
    def of(cls, entry: FileEntry, owner: PublicKey) -> Self:
        """Return the metadata of a file in a folder."""
        return cls(
            owner,
            entry.prefix,
            entry.block,
            entry.name,
            entry.size,
            max(-_LATEST, min(1000 * entry.mtime, _LATEST)),
            entry.key,
            entry.hash,
        )


def parse_file_metadata(data: bytes) -> FileMetadata:
    """Return what file metadata say.

    Args:
        data: the SQLite file, decrypted.

    Raises:
        UnreadableMetadata: they are none, or anything else is in them.

    """
    with opened(data, _TABLES, MAX_SIZE) as file:
        columns = check_tables(file, _TABLES, allow_more=False)["file"]
        # Two are enough to see that there is more than one.
        query = f"SELECT {', '.join(columns)} FROM file NOT INDEXED LIMIT 2"  # noqa: S608
        rows = list(file.read(query))
    if len(rows) != 1:
        raise UnreadableMetadata("the table file must have one row")
    row = MetadataRow("file", dict(zip(columns, rows[0], strict=True)))
    try:
        owner = PublicKey(row.blob("owner"))
    except InvalidKey:
        raise row.wrong("owner", "is no public key") from None
    return FileMetadata(
        owner=owner,
        prefix=row.text("prefix") if row.has("prefix") else "",
        block=row.ref("block"),
        name=row.text("name"),
        size=row.size("size"),
        mtime=row.integer("mtime"),
        key=row.key("key"),
        hash=row.file_hash(),
    )


def encode_file_metadata(metadata: FileMetadata) -> bytes:
    """Return file metadata as an SQLite file."""
    with created(_SCHEMA, USER_VERSION) as connection:
        connection.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                metadata.owner.raw,
                metadata.prefix,
                metadata.block,
                metadata.name,
                metadata.size,
                metadata.mtime,
                metadata.key,
                *hash_columns(metadata.hash).values(),
            ],
        )
        return connection.serialize()
