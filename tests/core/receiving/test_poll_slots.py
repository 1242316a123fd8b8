"""The bound on drops that are read at the same time."""

from qabel.core.receiving.poll_slots import PollSlots


def test_there_is_a_bound_for_each_server_and_for_all() -> None:
    """Neither one server nor all together take more slots than there are."""
    slots = PollSlots(most=3, most_of_server=2)
    assert [slots.take("one") for _ in range(3)] == [True, True, False]
    assert [slots.take("two") for _ in range(2)] == [True, False]
    slots.give_back("one")
    assert slots.take("two")
    assert not slots.take("one")


def test_what_is_given_back_can_be_taken() -> None:
    """Slots come back, and nothing is kept of servers that have none."""
    slots = PollSlots(most=1)
    for _ in range(3):
        assert slots.take("one")
        slots.give_back("one")
    assert slots._of_server == {}
