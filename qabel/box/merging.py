"""Making changes in a folder which other devices may have changed meanwhile.

==============================  ==========================  ===================================
Another device                  This device                 The folder has
==============================  ==========================  ===================================
adds or overwrites X            puts X, same content        what is there; our block is not used
adds or overwrites X            puts X, another content     what is there; ours has another name
removes X                       overwrites X                ours
overwrites X                    removes X                   what is there
adds the folder F               adds the folder F           what is there; ours is not used
adds the folder F               puts the file F             both; ours has another name
adds the file F                 adds the folder F           both; ours has another name
anything                        anything of another name    both
==============================  ==========================  ===================================

Qabel's other clients rename what is there, and remove what another device has changed. Who has
committed first has already told others a name, and nothing that anybody wrote may be lost.

A change that was made already is made once more without effect: an answer may be lost after a
commit.
"""

import enum
from collections.abc import Iterable
from typing import TypeVar

from attrs import define, evolve, field, frozen

from qabel.box.changes import (
    AddFolder,
    Change,
    ChangeShares,
    PutFile,
    RemoveFile,
    RemoveFolder,
    ShareFile,
    UnshareFile,
)
from qabel.box.conflict_names import numbered_name
from qabel.box.directory_values import Directory, FileEntry, FolderEntry, ShareRow

_Entry = TypeVar("_Entry", FileEntry, FolderEntry)


class Made(enum.Enum):
    """What became of a change."""

    AS_WANTED = "as wanted"
    SAME = "same"
    """What is there does as well: our block, or our folder, is not used."""
    RENAMED = "renamed"
    """It was made under another name."""
    VOID = "void"
    """It was not made: somebody has changed what it was for."""


@frozen
class Outcome:
    """What became of a change, and what is there now."""

    made: Made
    entry: FileEntry | FolderEntry | None = None
    """The entry that was put, that does as well, or that stays; None if there is none."""


@frozen
class Merged:
    """A folder after changes."""

    directory: Directory
    outcomes: tuple[Outcome, ...]
    """Of each change, in their order."""


def merge(directory: Directory, changes: Iterable[Change]) -> Merged:
    """Make changes in a folder, in their order.

    Args:
        directory: as it is on the server.
        changes: what this device wants.

    """
    draft = _Draft(directory)
    outcomes = tuple(map(draft.make, changes))
    changed = evolve(
        directory, files=draft.files, folders=draft.folders, shares=frozenset(draft.shares)
    )
    return Merged(changed, outcomes)


@define(eq=False)
class _Draft:
    """A folder that is being changed."""

    _directory: Directory
    files: dict[str, FileEntry] = field(init=False)
    folders: dict[str, FolderEntry] = field(init=False)
    shares: set[ShareRow] = field(init=False)
    _renamed: dict[tuple[str, str], FileEntry] = field(factory=dict, init=False)
    """What was put under another name, by the name that was wanted and the block: later changes,
    which do not know that yet, are changes of it."""

    def __attrs_post_init__(self) -> None:
        self.files = dict(self._directory.files)
        self.folders = dict(self._directory.folders)
        self.shares = set(self._directory.shares)

    def make(self, change: Change) -> Outcome:
        match change:
            case PutFile():
                outcome = self._put_file(change)
            case RemoveFile():
                outcome = self._remove_file(change)
            case AddFolder():
                outcome = self._add_folder(change)
            case RemoveFolder():
                outcome = self._remove_folder(change)
            case ShareFile():
                outcome = self._share_file(change)
            case UnshareFile():
                outcome = self._unshare_file(change)
            case ChangeShares():
                self.shares = (self.shares - change.removed) | change.added
                outcome = Outcome(Made.AS_WANTED)
        return outcome

    def _put_file(self, change: PutFile) -> Outcome:
        wanted, put = change.entry, self._placed(change)
        if put.block != wanted.block:
            return Outcome(Made.SAME, put)
        if put.name == wanted.name:
            return Outcome(Made.AS_WANTED, put)
        self._renamed[wanted.name, wanted.block] = put
        return Outcome(Made.RENAMED, put)

    def _placed(self, change: PutFile) -> FileEntry:
        """Put a file where it belongs; return it, or what is there and has the same content."""
        entry, replaced = change.entry, change.replaces
        if replaced is not None and (renamed := self._now(replaced)) is not replaced:
            entry, replaced = evolve(entry, name=renamed.name), renamed
        there = self.files.get(entry.name)
        if there is not None:
            if there.block in (entry.block, None if replaced is None else replaced.block):
                return self._put(evolve(entry, share=there.share))
            if there.has_content_of(entry):
                return there
        elif not self._is_taken(entry.name):
            return self._put(evolve(entry, share=None))
        return self._put_elsewhere(self.files, evolve(entry, share=None), change.conflict_name)

    def _put(self, entry: FileEntry) -> FileEntry:
        self.files[entry.name] = entry
        return entry

    def _now(self, entry: FileEntry) -> FileEntry:
        """Return an entry as an earlier change has put it."""
        return self._renamed.get((entry.name, entry.block), entry)

    def _remove_file(self, change: RemoveFile) -> Outcome:
        entry = self._now(change.entry)
        there = self.files.get(entry.name)
        if there is not None and there.block != entry.block:
            return Outcome(Made.VOID, there)
        self.files.pop(entry.name, None)
        return Outcome(Made.AS_WANTED)

    def _add_folder(self, change: AddFolder) -> Outcome:
        folder = change.folder
        there = self.folders.get(folder.name)
        if there is not None:
            return Outcome(Made.AS_WANTED if there.ref == folder.ref else Made.SAME, there)
        if not self._is_taken(folder.name):
            self.folders[folder.name] = folder
            return Outcome(Made.AS_WANTED, folder)
        put = self._put_elsewhere(self.folders, folder, change.conflict_name)
        return Outcome(Made.RENAMED, put)

    def _remove_folder(self, change: RemoveFolder) -> Outcome:
        there = self.folders.get(change.folder.name)
        if there is not None and there.ref != change.folder.ref:
            return Outcome(Made.VOID, there)
        self.folders.pop(change.folder.name, None)
        return Outcome(Made.AS_WANTED)

    def _share_file(self, change: ShareFile) -> Outcome:
        there = self.files.get(change.name)
        if there is None:
            return Outcome(Made.VOID)
        if there.share is not None and there.share.ref != change.share.ref:
            return Outcome(Made.SAME, there)
        return Outcome(Made.AS_WANTED, self._put(evolve(there, share=change.share)))

    def _unshare_file(self, change: UnshareFile) -> Outcome:
        there = self.files.get(change.name)
        if there is None or there.share is None:
            return Outcome(Made.AS_WANTED, there)
        if there.share.ref != change.ref:
            return Outcome(Made.VOID, there)
        return Outcome(Made.AS_WANTED, self._put(evolve(there, share=None)))

    def _put_elsewhere(self, entries: dict[str, _Entry], entry: _Entry, wanted: str) -> _Entry:
        """Put an entry under the first name that is free, or find it where it was put before."""
        number, name = 1, wanted
        while self._is_taken(name):
            there = entries.get(name)
            if there is not None and _object_of(there) == _object_of(entry):
                return there
            number += 1
            name = numbered_name(wanted, number)
        entries[name] = evolve(entry, name=name)
        return entries[name]

    def _is_taken(self, name: str) -> bool:
        return name in self.files or name in self.folders or name in self._directory.externals


def _object_of(entry: FileEntry | FolderEntry) -> str:
    return entry.block if isinstance(entry, FileEntry) else entry.ref
