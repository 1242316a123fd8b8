"""Names for files that another device has changed too."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.box.conflict_names import MAX_BYTES, conflict_name, numbered_name

TIME = datetime(2026, 11, 25, 14, 3, 7)  # noqa: DTZ001 - as people read it
TEXT = " (conflict of laptop, 2026-11-25 14.03.07)"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), max_size=300)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("letter.odt", f"letter{TEXT}.odt"),
        ("archive.tar.gz", f"archive.tar{TEXT}.gz"),
        ("README", f"README{TEXT}"),
        (".bashrc", f".bashrc{TEXT}"),
        ("ends.", f"ends.{TEXT}"),
        ("a/b.c", f"a/b.c{TEXT}"),
        ("", TEXT),
    ],
)
def test_the_extension_stays_at_the_end(name: str, expected: str) -> None:
    """So that the file is opened with the same program."""
    assert conflict_name(name, "laptop", TIME) == expected


def test_names_of_devices_are_made_fit() -> None:
    """What other clients would not keep is not written."""
    assert conflict_name("x", 'a<b>:"/\\|?*\n', TIME).startswith("x (conflict of a-b---------, ")
    assert "(conflict of another device, " in conflict_name("x", "  ", TIME)
    assert len(conflict_name("x", "long" * 100, TIME)) < 110


def test_a_taken_name_gets_a_number() -> None:
    """Before the extension, too."""
    assert numbered_name("letter (conflict).odt", 2) == "letter (conflict) 2.odt"


@given(NAMES, NAMES, st.integers(2, 10**6))
def test_names_fit_any_disk(name: str, device: str, number: int) -> None:
    """Also in UTF-8, of which no character is cut."""
    found = conflict_name(name, device, TIME)
    assert len(found.encode()) <= MAX_BYTES
    numbered = numbered_name(found, number)
    assert len(numbered.encode()) <= MAX_BYTES
    assert numbered != found
    assert not set(found) & set("/\0")


def test_a_very_long_extension_is_none() -> None:
    """There must be room for what tells the two apart."""
    found = conflict_name("a." + "x" * 250, "laptop", TIME)
    assert TEXT in found
    assert found.startswith("a.xxx")
