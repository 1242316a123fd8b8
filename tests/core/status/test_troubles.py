"""The table of troubles: each kind has a row, and anybody may read why the daemon is unhealthy."""

import pytest

from qabel.core.status.troubles import TROUBLES, Trouble, TroubleKind


def test_each_kind_has_a_row() -> None:
    """There is a row for each kind, and none for another."""
    assert set(TROUBLES) == set(TroubleKind)


@pytest.mark.parametrize("kind", TroubleKind)
def test_texts_are_sentences(kind: TroubleKind) -> None:
    """What is wrong and what to do about it are said for each kind."""
    row = TROUBLES[kind]
    assert row.meaning.endswith(".")
    assert row.advice
    assert row.unhealthy_text == "" or row.unhealthy_text.endswith(".")


def test_some_troubles_make_the_daemon_unhealthy() -> None:
    """A full disk alerts monitoring; a server that failed lately does not."""
    assert Trouble(TroubleKind.DISK_FULL, "Full.").unhealthy
    assert not Trouble(TroubleKind.SERVER_FAILING, "Failed.").unhealthy
