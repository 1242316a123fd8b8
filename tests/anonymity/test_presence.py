"""What acknowledgements tell, in runs that are made up."""

from tests.anonymity import presence
from tests.anonymity.chances import seeded
from tests.anonymity.made_up import material
from tests.anonymity.recording import Exchange, Posted


def exchanged(began: float, delay: float, number: int) -> list[Posted]:
    """Return a message and its acknowledgement."""
    return [
        Posted(Exchange(0, "POST", "1a", began, began, 200), "2a", False, f"{number}"),
        Posted(Exchange(0, "POST", "2a", began + delay, 0.0, 200), "1a", True, f"{number}"),
    ]


def test_prompt_acknowledgements_tell_that_a_daemon_is_up() -> None:
    """Acknowledgements at once are right each time."""
    posted = [each for number in range(50) for each in exchanged(number, 0.03, number)]
    [row] = presence.rows("run", material([], posted))
    assert row.breaks
    assert row.right == row.asked == 50
    assert "median 0.03 s" in row.detail


def test_delayed_acknowledgements_tell_nothing() -> None:
    """Acknowledgements after a random delay come soon as rarely as that says."""
    rng = seeded(1)
    posted = [
        each
        for number in range(300)
        for each in exchanged(number / 3, rng.expovariate(1 / presence.DELAY), number)
    ]
    [row] = presence.rows("run", material([], posted))
    assert row.asked == 300
    assert not row.breaks


def test_many_acknowledgements_are_counted() -> None:
    """Acknowledgements beyond 60 at once and one in five seconds are too many."""
    posted = [each for number in range(100) for each in exchanged(200, 5, number)]
    [_, row] = presence.rows("run", material([], posted, flood=("2a", "1a", 200, 220)))
    assert row.right == 100 - (60 + 4 + 1)
    assert row.breaks
    few = [each for number in range(60) for each in exchanged(200, 5, number)]
    [_, row] = presence.rows("run", material([], few, flood=("2a", "1a", 200, 220)))
    assert row.right == 0
    assert not row.breaks
