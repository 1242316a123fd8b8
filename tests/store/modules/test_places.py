"""Places in the journal."""

from qabel.store.modules.places import BEGINNING, Place


def test_order() -> None:
    """Places are in the order of the journal, and nothing is between a place and the one before."""
    assert BEGINNING < Place(1) < Place(1, 1) < Place(1, 2) < Place(2)
    assert Place(1, 2).before == Place(1, 1)
    assert Place(1, 1).before == Place(1)
    assert Place(1, 9) < Place(2).before < Place(2)
