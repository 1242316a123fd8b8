"""The rounds of one drop server."""

from qabel.core.receiving.server_rounds import LONGEST_STORE_PAUSE, STORE_PAUSE, ServerRounds
from tests.core.items import drop


def test_each_round_begins_where_the_last_one_ended() -> None:
    """A drop that ends rounds early does not starve the rest."""
    rounds = ServerRounds("https://drop.example", (drop(1), drop(2), drop(3)))
    turn = rounds.in_turn()
    assert [next(turn), next(turn)] == [drop(1), drop(2)]
    assert list(rounds.in_turn()) == [drop(3), drop(1), drop(2)]


def test_pauses_while_nothing_can_be_stored() -> None:
    """They grow, up to a limit, and end as soon as something was stored."""
    rounds = ServerRounds("https://drop.example")
    pauses = [rounds.pause_for_store(100.0, "The disk is full.") for _ in range(8)]
    assert STORE_PAUSE / 2 <= pauses[0] <= STORE_PAUSE
    assert LONGEST_STORE_PAUSE / 2 <= pauses[-1] <= LONGEST_STORE_PAUSE
    assert rounds.not_before == 100.0 + pauses[-1]
    assert rounds.attempts.failures == 0
    rounds.could_store()
    assert (rounds.not_stored, rounds.not_before) == (None, 0.0)
