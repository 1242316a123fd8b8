"""Turns: each member has one in each round, and they are spread over it."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.host.push.ping_rounds import PingRounds


@given(
    count=st.integers(1, 7),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=80),
)
def test_each_has_one_turn_in_a_round(count: int, changes: list[tuple[bool, int]]) -> None:
    """Whoever came and went before, each member has exactly one turn in a round."""
    rounds: PingRounds[int] = PingRounds(count)
    members: set[int] = set()
    for comes, member in changes:
        if comes and member not in members:
            rounds.add(member)
            members.add(member)
        elif not comes and member in members:
            rounds.remove(member)
            members.remove(member)
        rounds.next()
    assert sorted(each for _ in range(count) for each in rounds.next()) == sorted(members)


def test_turns_are_spread() -> None:
    """No turn has more members than another by more than one, also after some have left."""
    rounds: PingRounds[int] = PingRounds(60)
    for member in range(10_000):
        rounds.add(member)
    assert {len(rounds.next()) for _ in range(60)} == {166, 167}
    for member in range(0, 10_000, 60):
        rounds.remove(member)
    for member in range(10_000, 10_167):
        rounds.add(member)
    assert {len(rounds.next()) for _ in range(60)} == {166, 167}
