"""The notes of the torture's programs: whole lines, whatever was killed while it wrote."""

from pathlib import Path

from tests.torture.notes import Notes, read_notes


def test_a_torn_line_does_not_count(tmp_path: Path) -> None:
    """A line that was not written to its end is not read, and a successor overwrites it."""
    path = tmp_path / "notes"
    Notes(path).add(cursor="1", numbers=[1])
    with path.open("ab") as file:
        file.write(b'{"cursor": "2", "numb')
    assert read_notes(path) == [{"cursor": "1", "numbers": [1]}]
    notes = Notes(path)
    assert notes.last("cursor", "0") == "1"
    assert notes.last("missing", 7) == 7
    notes.add(cursor="3")
    assert read_notes(path) == notes.lines == [{"cursor": "1", "numbers": [1]}, {"cursor": "3"}]


def test_there_may_be_no_notes(tmp_path: Path) -> None:
    """Without a file, nothing was noted."""
    assert read_notes(tmp_path / "notes") == []
