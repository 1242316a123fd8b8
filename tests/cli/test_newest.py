"""The newest of many things."""

import pytest

from qabel.cli.newest import cut_note, newest


@pytest.mark.parametrize(
    ("limit", "found"), [(2, ([2, 3], 4)), (4, ([0, 1, 2, 3], 4)), (None, ([0, 1, 2, 3], 4))]
)
def test_newest(limit: int | None, found: tuple[list[int], int]) -> None:
    """The last ones are kept in order, and all are counted."""
    assert newest(range(4), limit) == found


def test_note() -> None:
    """Only a list that was cut has a note, which says how to see the rest."""
    assert cut_note(4, 4) == ""
    assert cut_note(2, 4) == "The newest 2 of 4. To list all of them: --all"
