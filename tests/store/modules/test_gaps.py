"""Damaged parts of the journal."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.store.database.errors import Corrupt
from qabel.store.modules.gaps import NO_GAPS, Gaps
from qabel.store.modules.places import Place

TABLES = {"messages": "received", "sends": "sent", "events": "events"}


class Damaged:
    """Tables in which some numbers stand, of which some cannot be read."""

    def __init__(self, rows: Mapping[str, set[int]], damaged: Mapping[str, set[int]]) -> None:
        self.rows, self.damaged = rows, damaged

    def read(self, sql: str, values: Any) -> list[tuple[Any, ...]]:
        """Read the first row behind a number."""
        [table] = [each for each in TABLES if f"FROM {each} " in sql]
        following = [each for each in sorted(self.rows[table]) if each > values[0]][:1]
        if set(following) & self.damaged.get(table, set()):
            raise Corrupt("damaged")
        return [(b"",) for _ in following]


def test_all_can_be_read() -> None:
    """Without damage every source is read behind the place."""
    world, gaps = Damaged({"messages": {1, 4}, "sends": {2}, "events": {3}}, {}), Gaps()
    assert gaps.find(world.read, Place(1), 4) == []
    bounds = {"received": 2, "sent": 2, "events": 2, "part": 7}
    assert gaps.bounds(Place(2, 7)) == NO_GAPS.bounds(Place(2, 7)) == bounds


def test_one_source_is_damaged() -> None:
    """Of that one it is told what cannot be read, and the others are read as before."""
    rows = {"messages": {1, 4, 5, 6, 9}, "sends": {2, 7}, "events": {3, 8}}
    world, gaps = Damaged(rows, {"messages": {4, 5, 6}}), Gaps()
    assert gaps.find(world.read, Place(1), 9) == ["received messages from number 2 to 6"]
    assert gaps.bounds(Place(1)) == {"received": 6, "sent": 1, "events": 1, "part": 0}
    assert gaps.find(world.read, Place(3), 9) == []


def test_the_newest_are_damaged() -> None:
    """Where nothing that follows can be read, there is nothing to go on to."""
    world = Damaged({"messages": {1, 2}, "sends": set(), "events": set()}, {"messages": {2}})
    gaps = Gaps()
    assert gaps.find(world.read, Place(1), 9)
    rows = {"messages": {1, 99}, "sends": set(), "events": set()}
    with pytest.raises(Corrupt):
        Gaps().find(Damaged(rows, {"messages": {99}}).read, Place(1), 90)


@given(st.sets(st.integers(1, 60), min_size=1), st.data())
def test_nothing_else_is_passed_over(ids: set[int], data: st.DataObject) -> None:
    """Of damaged and whole rows in any order, just those that are damaged are never read."""
    damaged = data.draw(st.sets(st.sampled_from(sorted(ids)))) - {max(ids)}
    world, gaps = Damaged({"messages": ids, "sends": set(), "events": set()},
                          {"messages": damaged}), Gaps()  # fmt: skip
    at, seen = Place(), list[int]()
    while at.seq < max(ids):
        first = gaps.bounds(at)["received"]
        assert isinstance(first, int)
        try:
            world.read("FROM messages ", (first,))
        except Corrupt:
            assert gaps.find(world.read, at, max(ids))
            continue
        seen.append(min(each for each in ids if each > first))
        at = Place(seen[-1])
    assert seen == sorted(ids - damaged)
