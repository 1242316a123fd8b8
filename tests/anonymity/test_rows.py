"""Rows and their verdicts."""

import pytest

from tests.anonymity.rows import Row, table


@pytest.mark.parametrize(
    ("right", "asked", "chance", "verdict"),
    [(50, 50, 0.25, "ABOVE CHANCE"), (3, 16, 0.14, "ok"), (0, 0, 0.0, "ok"), (2, 2, 0.05, "ok")],
)
def test_verdicts(right: int, asked: int, chance: float, verdict: str) -> None:
    """A row breaks the promise only if the whole interval is above chance."""
    row = Row("push", "whose?", "connection", right, asked, chance=chance)
    assert row.verdict == row.as_json()["verdict"] == verdict
    assert row.breaks == (verdict == "ABOVE CHANCE")
    assert verdict in table([row])


def test_what_is_not_hidden_is_not_judged() -> None:
    """A row that is for information breaks nothing."""
    row = Row("push", "who?", "start", 20, 20, chance=0.03, is_judged=False)
    assert not row.breaks
    assert row.verdict == "not hidden"


def test_an_improbable_permutation_breaks_it_too() -> None:
    """The permutation test can find what the guesses did not."""
    assert Row("push", "who?", "503", 5, 12, chance=0.25, probability=0.0001).breaks
    assert not Row("push", "who?", "503", 5, 12, chance=0.25, probability=0.01).breaks


def test_the_positive_control_must_name_nearly_all() -> None:
    """What a classifier had nothing to say about counts against it there."""
    assert Row("push", "whose?", "connection", 9, 9, silent=1).names
    assert not Row("push", "whose?", "connection", 8, 8, silent=2).names
    assert not Row("push", "whose?", "connection", 0, 0).names
