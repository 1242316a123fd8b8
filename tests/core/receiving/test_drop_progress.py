"""What is stored of the reading of a drop."""

import pytest

from qabel.core.receiving.drop_progress import (
    DropProgress,
    Stretch,
    decode_progress,
    encode_progress,
)
from qabel.core.receiving.part_order import Point


def test_it_is_read_as_it_was_stored() -> None:
    """Everything comes back, and what is not noted takes little space."""
    full = Stretch(Point(5, "ab"), doublings=2, has_gap=True, by_date=False)
    progress = DropProgress(full=full, failed="No.", traffic=[(1.5, 7, True)], saved=9)
    assert decode_progress(encode_progress(progress)) == progress
    assert encode_progress(DropProgress()) == '{"news":{},"full":{}}'


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"full":7}', '{"traffic":[["x"]]}', "{} "])
def test_rubbish_is_nothing(text: str | None) -> None:
    """What cannot be read, or is of another version, has the reading begin afresh."""
    assert decode_progress(text) == DropProgress()
