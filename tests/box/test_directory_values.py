"""What a folder's directory metadata say."""

from qabel.box.directory_values import FileHash, new_folder, new_index
from tests.box.known_answers import DEVICE
from tests.box.samples import directory_of, file_named, folder_named


def test_a_new_folder_has_one_commit() -> None:
    """Writing needs at least one version."""
    folder = new_folder(DEVICE, 1000)
    assert len(folder.versions) == 1
    assert folder.version is not None
    assert len(folder.version) == 32
    assert (folder.changed_by, folder.root) == (DEVICE.hex(), None)
    assert new_index(DEVICE, 1000).root == ""


def test_each_commit_has_a_version_of_its_own() -> None:
    """The latest one is the version of the folder."""
    folder = new_folder(b"one", 1000)
    again = folder.committed(b"two", 2000)
    assert again.versions[:1] == folder.versions
    assert again.version != folder.version
    assert again.versions[-1].time == 2000
    assert again.changed_by == b"two".hex()
    assert folder.committed(b"two", 2000, b"v" * 32).version == b"v" * 32


def test_files_and_folders_share_their_names() -> None:
    """And there is nothing else."""
    directory = directory_of(file_named("file"), folder_named("folder"))
    assert directory.has("file")
    assert directory.has("folder")
    assert not directory.has("File")


def test_contents_are_the_same_by_block_or_by_hash() -> None:
    """A file without a hash has the content of no other block."""
    first, second = file_named("x", "one", b"h"), file_named("y", "two", b"h")
    assert first.has_content_of(second)
    assert not first.has_content_of(file_named("x", "two", b"other"))
    assert not file_named("x", "one").has_content_of(file_named("x", "two"))
    assert file_named("x", "one").has_content_of(file_named("x", "one", b"h"))
    assert FileHash("Blake2b", b"h") != FileHash("Other", b"h")


def test_keys_are_not_shown() -> None:
    """Values may end up in errors and logs."""
    shown = repr(directory_of(file_named("x"), folder_named("y")))
    assert repr(bytes(range(32)))[2:-1] not in shown
