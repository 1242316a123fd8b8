"""Texts in parts, as far as their parts are there."""

import pytest

from qabel.modules.chat.numbers import id_of_received_text
from qabel.modules.chat.payloads import TextPart
from qabel.modules.chat.texts import LongText, Piece, whole_state


def piece(n: int, total: int = 3, number: int | None = None) -> Piece:
    """Return a part of a text."""
    return Piece(n if number is None else number, n, total, n, 0, n, n, n)


def text(*pieces: Piece, shown: int | None = None) -> LongText:
    """Return a text with some parts."""
    return LongText(key=(b"", "in", "t"), pieces={each.n: each for each in pieces}, shown=shown)


def test_what_it_takes() -> None:
    """The first part says how many there are; each number counts once."""
    assert text().takes(TextPart("t", 5, 64))
    one = text(piece(1))
    assert [one.takes(TextPart("t", n, of)) for n, of in ((1, 3), (2, 3), (2, 4))] == [
        False,
        True,
        False,
    ]


def test_what_there_is() -> None:
    """It is called as the part that was there first, and is complete when all are there."""
    found = text(piece(2, number=5), piece(1, number=7), shown=5)
    assert (found.id, found.first.n, found.newest.n) == (id_of_received_text(2), 2, 1)
    assert (found.total, found.is_complete, found.is_told) == (3, False, True)
    assert text(*map(piece, (1, 2, 3))).is_complete


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("sent sent", "sent"),
        ("sent queued", "queued"),
        ("failed queued", "failed"),
        ("sent acknowledged", "acknowledged"),
        ("acknowledged sent", "sent"),
        ("queued acknowledged", "queued"),
    ],
)
def test_one_state(states: str, expected: str) -> None:
    """Any part that has failed or waits counts for all; the acknowledgement is that of the last."""
    found = {
        n: ("sent", 1) if state == "acknowledged" else (state, None)
        for n, state in enumerate(states.split(), 1)
    }
    assert whole_state(found, 2) == expected
