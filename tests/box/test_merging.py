"""Making changes in a folder that other devices have changed meanwhile."""

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

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
from qabel.box.directory_values import Directory, FileEntry, FileShare, FolderEntry, ShareRow
from qabel.box.merging import Made, Outcome, merge
from tests.box.samples import KEY, directory_of, file_named, folder_named

OLD = file_named("X", "old", b"old")
OURS = file_named("X", "ours", b"ours")
THEIRS = file_named("X", "theirs", b"theirs")
TWIN = file_named("X", "twin", b"ours")
CONFLICT = "X (conflict of laptop)"
RENAMED = evolve(OURS, name=CONFLICT)
FOLDER, OTHER_FOLDER = folder_named("X", "ours"), folder_named("X", "theirs")
SHARE, OTHER_SHARE = FileShare("fm", KEY), FileShare("other", KEY)

ADD = PutFile(OURS, CONFLICT)
OVERWRITE = PutFile(OURS, CONFLICT, replaces=OLD)
REMOVE = RemoveFile(OLD)
MAKE = AddFolder(FOLDER, CONFLICT)


def merged(there: Directory, change: Change) -> tuple[Directory, Outcome]:
    """Make one change."""
    result = merge(there, [change])
    (outcome,) = result.outcomes
    return result.directory, outcome


@pytest.mark.parametrize(
    ("there", "change", "made", "expected"),
    [
        # Nobody else has changed anything.
        ([], ADD, Made.AS_WANTED, [OURS]),
        ([OLD], OVERWRITE, Made.AS_WANTED, [OURS]),
        ([OLD], REMOVE, Made.AS_WANTED, []),
        ([], MAKE, Made.AS_WANTED, [FOLDER]),
        ([FOLDER], RemoveFolder(FOLDER), Made.AS_WANTED, []),
        # The table.
        ([TWIN], ADD, Made.SAME, [TWIN]),
        ([THEIRS], ADD, Made.RENAMED, [THEIRS, RENAMED]),
        ([THEIRS], OVERWRITE, Made.RENAMED, [THEIRS, RENAMED]),
        ([TWIN], OVERWRITE, Made.SAME, [TWIN]),
        ([THEIRS], REMOVE, Made.VOID, [THEIRS]),
        ([], OVERWRITE, Made.AS_WANTED, [OURS]),
        ([OTHER_FOLDER], MAKE, Made.SAME, [OTHER_FOLDER]),
        ([OTHER_FOLDER], ADD, Made.RENAMED, [OTHER_FOLDER, RENAMED]),
        ([OTHER_FOLDER], OVERWRITE, Made.RENAMED, [OTHER_FOLDER, RENAMED]),
        ([THEIRS], MAKE, Made.RENAMED, [THEIRS, folder_named(CONFLICT, "ours")]),
        ([OTHER_FOLDER], RemoveFolder(FOLDER), Made.VOID, [OTHER_FOLDER]),
        # It was made already, and the answer was lost.
        ([OURS], ADD, Made.AS_WANTED, [OURS]),
        ([THEIRS, RENAMED], ADD, Made.RENAMED, [THEIRS, RENAMED]),
        ([], REMOVE, Made.AS_WANTED, []),
        ([FOLDER], MAKE, Made.AS_WANTED, [FOLDER]),
        ([], RemoveFolder(FOLDER), Made.AS_WANTED, []),
        # Without hashes, nothing is known to be the same.
        ([evolve(TWIN, hash=None)], ADD, Made.RENAMED, [evolve(TWIN, hash=None), RENAMED]),
        # The other name is taken, too.
        (
            [THEIRS, file_named(CONFLICT, "third")],
            ADD,
            Made.RENAMED,
            [THEIRS, file_named(CONFLICT, "third"), evolve(OURS, name=f"{CONFLICT} 2")],
        ),
    ],
)
def test_the_table(
    there: list[FileEntry | FolderEntry],
    change: Change,
    made: Made,
    expected: list[FileEntry | FolderEntry],
) -> None:
    """What the folder has when two devices have changed it. A second time changes nothing."""
    directory, outcome = merged(directory_of(*there), change)
    entries = [*directory.files.values(), *directory.folders.values()]
    assert sorted(entries, key=str) == sorted(expected, key=str)
    assert outcome.made is made
    again, outcome_again = merged(directory, change)
    assert (again, outcome_again) == (directory, outcome)


def test_other_names_are_left_alone() -> None:
    """Whatever else has changed."""
    others = (file_named("a", "1"), folder_named("b", "2"))
    directory, _ = merged(directory_of(*others, OLD), OVERWRITE)
    assert directory.files == {"a": others[0], "X": OURS}
    assert directory.folders == {"b": others[1]}


def test_a_file_that_is_replaced_stays_shared() -> None:
    """Whoever has it from us gets the new one; one that is new or renamed is not shared."""
    shared = evolve(OLD, share=SHARE)
    directory, outcome = merged(directory_of(shared), OVERWRITE)
    assert directory.files["X"].share == SHARE
    assert outcome.entry == directory.files["X"]
    copied = PutFile(evolve(OURS, share=SHARE), CONFLICT)
    assert merged(directory_of(), copied)[0].files["X"].share is None
    assert merged(directory_of(THEIRS), copied)[0].files[CONFLICT].share is None


def test_externals_keep_their_names() -> None:
    """No client makes them, but the format has them."""
    there = evolve(directory_of(), externals=frozenset(("X",)))
    directory, outcome = merged(there, ADD)
    assert (list(directory.files), outcome.made) == ([CONFLICT], Made.RENAMED)


@pytest.mark.parametrize(
    ("share", "made", "expected"),
    [
        (None, Made.AS_WANTED, SHARE),
        (SHARE, Made.AS_WANTED, SHARE),
        (OTHER_SHARE, Made.SAME, OTHER_SHARE),
    ],
)
def test_sharing(share: FileShare | None, made: Made, expected: FileShare) -> None:
    """The same file metadata serve all; what another device has made does as well."""
    there = directory_of(evolve(THEIRS, share=share))
    directory, outcome = merged(there, ShareFile("X", SHARE))
    assert (outcome.made, directory.files["X"].share) == (made, expected)
    # It says which block is there: the file metadata must have the same one.
    assert outcome.entry == directory.files["X"]


@pytest.mark.parametrize(
    ("share", "made", "expected"),
    [
        (SHARE, Made.AS_WANTED, None),
        (None, Made.AS_WANTED, None),
        (OTHER_SHARE, Made.VOID, OTHER_SHARE),
    ],
)
def test_ending_a_share(share: FileShare | None, made: Made, expected: FileShare | None) -> None:
    """Only the one that is meant."""
    there = directory_of(evolve(THEIRS, share=share))
    directory, outcome = merged(there, UnshareFile("X", "fm"))
    assert (outcome.made, directory.files["X"].share) == (made, expected)


def test_shares_of_what_is_gone() -> None:
    """There is nothing to share, and nothing to end."""
    assert merged(directory_of(), ShareFile("X", SHARE))[1] == Outcome(Made.VOID)
    assert merged(directory_of(), UnshareFile("X", "fm"))[1] == Outcome(Made.AS_WANTED)


def test_the_rows_of_shares() -> None:
    """They are a set: nothing is there twice, and what others added stays."""
    mine, theirs, old = (ShareRow("fm", each) for each in ("aa", "bb", "cc"))
    there = evolve(directory_of(), shares=frozenset((theirs, old)))
    change = ChangeShares(added=frozenset((mine, theirs)), removed=frozenset((old,)))
    directory, _ = merged(there, change)
    assert directory.shares == {mine, theirs}
    assert merged(directory, change)[0] == directory


def test_renaming_is_two_changes() -> None:
    """A new entry with the same block, and the old one removed, in one commit."""
    new = evolve(OLD, name="Y")
    result = merge(directory_of(OLD), [PutFile(new, CONFLICT), REMOVE])
    assert result.directory.files == {"Y": new}
    assert [each.made for each in result.outcomes] == [Made.AS_WANTED] * 2


def test_later_changes_meet_what_earlier_ones_have_become() -> None:
    """A file that is written twice before it is committed makes one copy, not two."""
    last = file_named("X", "last", b"last")
    changes = [OVERWRITE, PutFile(last, "another", replaces=OURS)]
    result = merge(directory_of(THEIRS), changes)
    assert result.directory.files == {"X": THEIRS, CONFLICT: evolve(last, name=CONFLICT)}
    assert [each.made for each in result.outcomes] == [Made.RENAMED] * 2
    assert merge(directory_of(THEIRS), [OVERWRITE, RemoveFile(OURS)]).directory.files == {
        "X": THEIRS
    }
    # What had the same content is somebody else's: it is not replaced.
    result = merge(directory_of(TWIN), [OVERWRITE, PutFile(last, "another", replaces=OURS)])
    assert result.directory.files == {"X": TWIN, "another": evolve(last, name="another")}


NAMES = st.sampled_from("XYZ")
CONTENTS = st.binary(min_size=1, max_size=1)


@st.composite
def changes_by(draw: Callable[..., object], device: str, there: Directory) -> list[Change]:
    """Draw changes of a device that knows what is there, and not what others do."""
    found: list[Change] = []
    seen = there
    for number in range(int(str(draw(st.integers(1, 4))))):
        name, content = str(draw(NAMES)), draw(CONTENTS)
        assert isinstance(content, bytes)
        known = seen.files.get(name)
        change: Change
        if known is not None and draw(st.booleans()):
            change = RemoveFile(known)
        else:
            entry = file_named(name, f"{device}-{number}", content)
            change = PutFile(entry, f"{name} (conflict of {device})", known)
        found.append(change)
        seen = merge(seen, [change]).directory
    return found


@given(st.data())
def test_nothing_is_lost_in_any_order(data: st.DataObject) -> None:
    """What a device has put and not replaced or removed itself is in the folder in the end."""
    start = directory_of(file_named("X", "start", b"s"))
    first = data.draw(changes_by("one", start))
    second = data.draw(changes_by("two", start))
    directory = merge(merge(start, first).directory, second).directory
    contents = {each.hash for each in directory.files.values()}
    for changes in (first, second):
        alone = merge(start, changes).directory
        for entry in alone.files.values():
            if entry.block != "start":
                assert entry.hash in contents
