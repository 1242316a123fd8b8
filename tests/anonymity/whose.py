"""Guesses whose posting it is: each names the drop of the presumable sender, or None. Pure."""

import random
from bisect import bisect_left
from collections.abc import Callable

from attrs import define, field

from tests.anonymity.recording import Exchange, View

Guess = Callable[[Exchange], str | None]


@define(eq=False)
class Whose:
    """Guesses of what is in a view. Random where two answers are as good."""

    _view: View
    _rng: random.Random
    _began: list[tuple[float, str]] = field(init=False)
    _over: list[tuple[float, str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = sorted((each.began, each.drop) for each in self._view.reads)
        self._over = sorted((each.over, each.drop) for each in self._view.reads)

    def by_connection(self, posting: Exchange) -> str | None:
        """Name a drop that was read over the same connection."""
        drops = self._view.drops_of.get(posting.connection)
        if not drops:
            return None
        return self._rng.choices(list(drops), list(drops.values()))[0]

    def by_read_before(self, posting: Exchange) -> str | None:
        """Name the drop that was read last before the posting."""
        found = self._last(self._over, posting.began, posting.drop)
        return None if found is None else found[1]

    def by_read_after(self, posting: Exchange) -> str | None:
        """Name the drop that is read next after the posting, but for the one posted to."""
        found = self._first(self._began, posting.over, posting.drop)
        return None if found is None else found[1]

    def by_nearest_read(self, posting: Exchange) -> str | None:
        """Name the drop that was read at the nearest time."""
        near = [
            (abs(time - posting.began), drop)
            for time, drop in filter(
                None,
                (
                    self._last(self._began, posting.began, posting.drop),
                    self._first(self._began, posting.began, posting.drop),
                ),
            )
        ]
        return min(near)[1] if near else None

    def by_reply(self, posting: Exchange) -> str | None:
        """Name the drop that gets the next message after the one posted to was read."""
        read = self._first(self._began, posting.over, None, only=posting.drop)
        if read is None:
            return None
        for each in self._view.postings:
            if each.began > read[0] and each.drop != posting.drop:
                return each.drop
        return None

    @staticmethod
    def _last(some: list[tuple[float, str]], time: float, but: str) -> tuple[float, str] | None:
        for number in range(bisect_left(some, (time, "")) - 1, -1, -1):
            if some[number][1] != but:
                return some[number]
        return None

    @staticmethod
    def _first(
        some: list[tuple[float, str]], time: float, but: str | None, only: str | None = None
    ) -> tuple[float, str] | None:
        for number in range(bisect_left(some, (time, "")), len(some)):
            drop = some[number][1]
            if drop != but and only in (None, drop):
                return some[number]
        return None
