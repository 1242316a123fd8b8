"""When each of many is pinged: spread over an interval, rather than all at one moment.

Thousands of pings at once would hold up everything else for as long as they take.
"""

from typing import Generic, TypeVar

from attrs import define, field

M = TypeVar("M")


@define(eq=False)
class PingRounds(Generic[M]):
    """Members in groups of nearly the same size, whose turns come one after another.

    Args:
        count: the number of groups: each member's turn comes once in as many.

    """

    count: int
    _groups: list[set[M]] = field(init=False)
    _group_of: dict[M, set[M]] = field(factory=dict, init=False)
    _turn: int = field(default=0, init=False)

    @_groups.default
    def _empty(self) -> list[set[M]]:
        return [set() for _ in range(self.count)]

    def add(self, member: M) -> None:
        """Add a member to the smallest group."""
        group = min(self._groups, key=len)
        group.add(member)
        self._group_of[member] = group

    def remove(self, member: M) -> None:
        """Remove a member, which must be there."""
        self._group_of.pop(member).remove(member)

    def next(self) -> list[M]:
        """Return those whose turn has come."""
        self._turn = (self._turn + 1) % self.count
        return list(self._groups[self._turn])
