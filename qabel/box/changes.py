"""What a device wants to change in a folder, kept until it is committed.

A change knows what it was made from: what the folder had then under the same name. So it can be
made once more when another device has committed something meanwhile (``merging``).
"""

from attrs import field, frozen

from qabel.box.directory_values import FileEntry, FileShare, FolderEntry, ShareRow


@frozen
class PutFile:
    """Add a file, or replace one."""

    entry: FileEntry
    """Its share is not looked at: a file that is replaced stays shared."""
    conflict_name: str
    """What it is called if somebody else has put another one there meanwhile."""
    replaces: FileEntry | None = None
    """What was there when the change was made; None for a new file."""


@frozen
class RemoveFile:
    """Remove a file."""

    entry: FileEntry
    """As it was when the change was made."""


@frozen
class AddFolder:
    """Add a folder, whose directory metadata are uploaded already."""

    folder: FolderEntry
    conflict_name: str
    """What it is called if there is a file of that name meanwhile."""


@frozen
class RemoveFolder:
    """Remove a folder, in which nothing is left."""

    folder: FolderEntry


@frozen
class ShareFile:
    """Note where the file metadata of a file are, which are uploaded already."""

    name: str
    share: FileShare


@frozen
class UnshareFile:
    """Note that a file is not shared any more, whose file metadata are deleted afterwards."""

    name: str
    ref: str
    """Of the file metadata."""


@frozen
class ChangeShares:
    """Note in the index to whom files were sent."""

    added: frozenset[ShareRow] = field(default=frozenset())
    removed: frozenset[ShareRow] = field(default=frozenset())


Change = PutFile | RemoveFile | AddFolder | RemoveFolder | ShareFile | UnshareFile | ChangeShares
"""One change of a folder."""
