"""Writing directory metadata: as the core writes them, without losing what is not known."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from qabel.box.directory_metadata import parse_directory
from qabel.box.directory_values import Directory, DirectoryVersion, ShareRow, new_index
from qabel.box.directory_writing import encode_directory
from qabel.box.errors import UnreadableMetadata
from tests.box.known_answers import DEVICE, VECTORS, changed, dump
from tests.box.samples import DIRECTORIES, directory_of, file_named, folder_named
from tests.box.test_directory_metadata import FOLDER, INDEX, ODD

FRESH = VECTORS["fresh_index_plaintext"]


def spelled_alike(schema: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a schema without what SQLite does not look at: spaces, and a slip of the core."""
    return [
        {**each, "sql": "".join((each["sql"] or "").split()).replace("VARCAHR", "VARCHAR")}
        for each in schema
    ]


def test_a_new_index_is_the_one_of_the_core() -> None:
    """With the same version and time, all rows are the same, and the tables too."""
    first = FRESH["tables"]["version"][0]
    version = bytes.fromhex(first["version"].removeprefix("blob:"))
    time = int(first["time"].removeprefix("integer:"))
    index = Directory(root="").committed(DEVICE, time, version)
    data = encode_directory(index)
    found = dump(data)
    assert found["tables"] == FRESH["tables"]
    assert spelled_alike(found["schema"]) == spelled_alike(FRESH["schema"])
    assert {name: found[name] for name in found if name.startswith("pragma")} == {
        name: FRESH[name] for name in FRESH if name.startswith("pragma")
    }
    assert len(data) == FRESH["plaintext_length"]


@pytest.mark.parametrize(("data", "name"), [(INDEX, "index_dm"), (FOLDER, "folder_dm")])
def test_rows_are_written_as_the_core_writes_them(data: bytes, name: str) -> None:
    """What it wrote, written by us, has the same values of the same types."""
    tables = dump(encode_directory(parse_directory(data)))["tables"]
    for table, rows in VECTORS[name]["plaintext"]["tables"].items():
        assert sorted(tables[table], key=str) == sorted(rows, key=str)


def test_nothing_changes_without_a_change() -> None:
    """The same values make the same bytes."""
    assert encode_directory(parse_directory(INDEX), INDEX) == INDEX


@given(DIRECTORIES, DIRECTORIES)
def test_anything_becomes_anything(before: Directory, after: Directory) -> None:
    """What is written is read again: as something new, and as a change of something else."""
    assert parse_directory(encode_directory(after)) == after
    after = evolve(after, versions=(*before.versions, *after.versions))
    changed_data = encode_directory(after, encode_directory(before))
    assert parse_directory(changed_data) == after


def test_what_is_not_known_stays() -> None:
    """Columns and tables of newer clients, in the rows of files that are changed, too."""
    base = changed(
        INDEX,
        *ODD["extra column ctime, extra table"],
        "UPDATE files SET ctime = 77",
        "INSERT INTO later VALUES ('kept')",
    )
    index = parse_directory(base)
    (name,) = index.files
    entry = evolve(index.files[name], block="another", size=1)
    after = evolve(index, files={name: entry, "new": file_named("new")}).committed(DEVICE, 5)
    data = encode_directory(after, base)
    assert parse_directory(data) == after
    tables = dump(data)["tables"]
    assert tables["later"] == [{"what": "text:kept"}]
    assert {row["name"]: row["ctime"] for row in tables["files"]} == {
        f"text:{name}": "integer:77",
        "text:new": None,
    }


@pytest.mark.parametrize("what", [each for each in ODD if "no hash" in each])
def test_older_files_are_upgraded(what: str) -> None:
    """Otherwise the core would add the columns once more, and fail."""
    base = changed(INDEX, *ODD[what])
    index = parse_directory(base)
    data = encode_directory(evolve(index, files={"x": file_named("x", content=b"h")}), base)
    assert dump(data)["pragma_user_version"] == FRESH["pragma_user_version"]
    assert list(parse_directory(data).files) == ["x"]


@pytest.mark.parametrize("what", [each for each in ODD if "no hash" not in each])
def test_odd_files_are_changed(what: str) -> None:
    """As by the core, which only fails where there is no version yet."""
    base = changed(INDEX, *ODD[what])
    after = parse_directory(base).committed(DEVICE, 5)
    data = encode_directory(after, base)
    assert parse_directory(data) == after
    assert int(dump(data)["pragma_user_version"]) >= int(FRESH["pragma_user_version"])


def test_a_mark_for_a_write_ahead_log_goes() -> None:
    """As with the core."""
    marked = INDEX[:18] + b"\2\2" + INDEX[20:]
    assert encode_directory(parse_directory(marked), marked)[18:20] == b"\1\1"


def test_versions_only_grow() -> None:
    """Somebody else's commits must never go."""
    index = parse_directory(INDEX)
    other = DirectoryVersion(bytes(32), 5)
    with pytest.raises(UnreadableMetadata, match="versions"):
        encode_directory(evolve(index, versions=index.versions[1:]), INDEX)
    with pytest.raises(UnreadableMetadata, match="versions"):
        encode_directory(evolve(index, versions=(other, *index.versions[1:])), INDEX)


def test_what_is_removed_is_gone() -> None:
    """The keys of files that were removed are not left in the bytes."""
    index = parse_directory(INDEX)
    (entry,) = index.files.values()
    data = encode_directory(evolve(index, files={}, folders={}, shares=frozenset()), INDEX)
    assert entry.key in INDEX
    assert entry.key not in data


def test_a_damaged_index_is_noticed() -> None:
    """A row that an index does not find would stay, although it was removed."""
    data = encode_directory(directory_of(file_named("some name"), folder_named("x")))
    at = data.index(b"some name")
    at = at if data.count(b"some name") == 1 else data.index(b"some name", at + 1)
    broken = data[:at] + b"some nane" + data[at + 9 :]
    directory = parse_directory(broken)
    with pytest.raises(UnreadableMetadata):
        encode_directory(evolve(directory, files={}), broken)


def test_a_table_that_takes_no_rows_is_a_clear_error() -> None:
    """A column of a newer client may need a value that is not known."""
    table = "CREATE TABLE shares (ref, recipient, type, more NOT NULL)"
    base = changed(INDEX, "DROP TABLE shares", table)
    directory = evolve(parse_directory(INDEX), shares=frozenset())
    share = ShareRow("ref", "00", "READ")
    with pytest.raises(UnreadableMetadata, match="SQLITE_CONSTRAINT_NOTNULL"):
        encode_directory(evolve(directory, shares=frozenset((share,))), base)


def test_nothing_too_large_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be read again."""
    monkeypatch.setattr("qabel.box.directory_writing.MAX_SIZE", 60_000)
    many = directory_of(*(file_named(f"file {number}") for number in range(200)))
    with pytest.raises(UnreadableMetadata, match="at most 60000"):
        encode_directory(many)
    assert parse_directory(encode_directory(new_index(DEVICE, 5))).root == ""
