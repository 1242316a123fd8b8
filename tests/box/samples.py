"""Entries and folders for tests."""

import random

from hypothesis import strategies as st

from qabel.box.directory_values import (
    Directory,
    DirectoryVersion,
    FileEntry,
    FileHash,
    FileShare,
    FolderEntry,
    ShareRow,
)
from tests.box.known_answers import DEVICE, PREFIX

KEY = bytes(range(32))

_PAGE = 4096

KEYS = st.binary(min_size=32, max_size=32)
REFS = st.uuids().map(str)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
HASHES = st.builds(FileHash, st.just("Blake2b"), st.binary(min_size=1, max_size=64))
FILES = st.builds(
    FileEntry,
    prefix=NAMES,
    block=REFS,
    name=NAMES,
    size=st.integers(0, 2**63 - 1),
    mtime=INTEGERS,
    key=KEYS,
    share=st.none() | st.builds(FileShare, REFS, KEYS),
    hash=st.none() | HASHES,
)
FOLDERS = st.builds(FolderEntry, ref=REFS, name=NAMES, key=KEYS)
SHARES = st.builds(ShareRow, REFS, KEYS.map(bytes.hex))
DIRECTORIES = st.builds(
    Directory,
    files=st.lists(FILES, max_size=4).map(lambda all_: {each.name: each for each in all_}),
    folders=st.lists(FOLDERS, max_size=3).map(lambda all_: {each.name: each for each in all_}),
    shares=st.frozensets(SHARES, max_size=3),
    versions=st.lists(st.builds(DirectoryVersion, KEYS, INTEGERS), max_size=3).map(tuple),
    changed_by=st.none() | st.binary(max_size=16).map(bytes.hex),
    root=st.none() | NAMES,
)


def damaged(data: bytes, seed: int, count: int) -> bytes:
    """Return an SQLite file in which some bytes are others."""
    chance = random.Random(seed)  # noqa: S311 - it decides what is damaged
    result = bytearray(data)
    for _ in range(count):
        # Most of a page is empty: its head is where damage does something.
        page = _PAGE * chance.randrange(len(data) // _PAGE)
        at = chance.choice([chance.randrange(len(data)), page + chance.randrange(64)])
        result[at] = chance.randrange(256)
    return bytes(result)


def file_named(name: str, block: str = "block", content: bytes | None = None) -> FileEntry:
    """Return a file, with the hash of its content if that is given."""
    content_hash = None if content is None else FileHash("Blake2b", content)
    return FileEntry(PREFIX, block, name, 5, 1_700_000_000, KEY, hash=content_hash)


def folder_named(name: str, ref: str = "ref") -> FolderEntry:
    """Return a folder."""
    return FolderEntry(ref, name, KEY)


def directory_of(*entries: FileEntry | FolderEntry) -> Directory:
    """Return a folder with one commit."""
    return Directory(
        files={each.name: each for each in entries if isinstance(each, FileEntry)},
        folders={each.name: each for each in entries if isinstance(each, FolderEntry)},
    ).committed(DEVICE, 1_700_000_000_000)
