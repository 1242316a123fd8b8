"""What a folder's directory metadata say."""

import os
from collections.abc import Mapping
from typing import Self

from attrs import evolve, field, frozen

VERSION_SIZE = 32
"""Bytes of the versions that clients write. They are random here: only equality is looked at."""


@frozen
class FileShare:
    """Where the file metadata of a shared file are."""

    ref: str
    key: bytes = field(repr=False)
    """32 bytes."""


@frozen
class FileHash:
    """The hash of a file's plaintext, to tell equal contents in a conflict."""

    algorithm: str
    """``encryption.HASH_ALGORITHM``; the only one that clients write."""
    value: bytes = field(repr=False)
    """Who has it can tell whether a file is the one that it is the hash of."""


@frozen
class FileEntry:
    """A file of a folder."""

    prefix: str
    """Where it was uploaded to. Clients write it, and do not use it."""
    block: str
    """The block with its content, without ``refs.BLOCKS``."""
    name: str
    """Any text: whoever writes it to a disk must check it first."""
    size: int
    """Bytes of plaintext, as who uploaded it has said."""
    mtime: int
    """When it was changed, in seconds since the epoch."""
    key: bytes = field(repr=False)
    """Of the block: 32 bytes."""
    share: FileShare | None = None
    """None for a file that is not shared."""
    hash: FileHash | None = None
    """None in old entries."""

    def has_content_of(self, other: "FileEntry") -> bool:
        """Return whether both are known to have the same content."""
        return self.block == other.block or (self.hash is not None and self.hash == other.hash)


@frozen
class FolderEntry:
    """A folder of a folder."""

    ref: str
    """The name of its directory metadata."""
    name: str
    key: bytes = field(repr=False)
    """Of its directory metadata: 32 bytes, for as long as it exists."""


@frozen
class ShareRow:
    """To whom a file was sent; in the index only."""

    ref: str
    """Of the file metadata."""
    recipient: str
    """The public key of the recipient, as 64 hexadecimal digits."""
    kind: str = "READ"


@frozen
class DirectoryVersion:
    """One commit."""

    version: bytes
    time: int
    """In milliseconds since the epoch."""


@frozen
class Directory:
    """A folder, as its directory metadata say."""

    files: Mapping[str, FileEntry] = field(factory=dict)
    """By name. Files and folders have one name space, which clients see to."""
    folders: Mapping[str, FolderEntry] = field(factory=dict)
    """By name."""
    externals: frozenset[str] = frozenset()
    """Names of what was to be mounted from others, which no client ever built."""
    shares: frozenset[ShareRow] = frozenset()
    versions: tuple[DirectoryVersion, ...] = ()
    """All commits, the latest one last."""
    changed_by: str | None = None
    """The id of the device of the latest commit, as hexadecimal digits."""
    root: str | None = None
    """A text in the index, which nobody reads; None in other folders."""

    @property
    def version(self) -> bytes | None:
        """The version that the latest commit made; None if there was none."""
        return self.versions[-1].version if self.versions else None

    def has(self, name: str) -> bool:
        """Return whether a name is taken."""
        return name in self.files or name in self.folders or name in self.externals

    def committed(self, device: bytes, time: int, version: bytes | None = None) -> Self:
        """Return the same folder with one commit more.

        Args:
            device: the id of this device, any bytes.
            time: in milliseconds since the epoch.
            version: 32 bytes that were never used; random if not given.

        """
        commit = DirectoryVersion(version or os.urandom(VERSION_SIZE), time)
        return evolve(self, versions=(*self.versions, commit), changed_by=device.hex())


def new_index(device: bytes, time: int) -> Directory:
    """Return an empty root folder; see ``Directory.committed`` for the arguments."""
    return Directory(root="").committed(device, time)


def new_folder(device: bytes, time: int) -> Directory:
    """Return an empty folder; see ``Directory.committed`` for the arguments."""
    return Directory().committed(device, time)
