"""What the classifiers make of a run: how often they are right, and whether by chance. Pure."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from attrs import define, field

from tests.anonymity import pairs, presence, reactions
from tests.anonymity.recording import PUSH, READS, Material, Posted, View
from tests.anonymity.rows import Row
from tests.anonymity.whose import Guess, Whose

TOGETHER = "which drops belong together?"


@define(eq=False)
class Judge:
    """Asks all classifiers about a run.

    Args:
        run: the name of the run.
        material: what it has given.
        rng: decides where there is nothing to choose by.

    """

    run: str
    material: Material
    rng: random.Random
    _quiet: View = field(init=False)
    """What happened while messages were sent."""
    _asked: list[str] = field(init=False)
    """One drop of each daemon: guesses about both would not be independent."""

    def __attrs_post_init__(self) -> None:
        self._quiet = self.material.view.between(*self.material.traffic)
        by_daemon: dict[int, list[str]] = {}
        for drop, daemon in sorted(self.material.daemon_of.items()):
            by_daemon.setdefault(daemon, []).append(drop)
        self._asked = [self.rng.choice(each) for each in by_daemon.values()]

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the table."""
        yield from self._whose()
        yield from self._pairs()
        yield from presence.rows(self.run, self.material)
        yield from reactions.rows(self.run, self.material, self.rng)
        if self.material.outages:
            yield self._whose_after_outages()
            yield self._retries()

    def _row(self, question: str, by: str, right: float, asked: int, **more: object) -> Row:
        return Row(self.run, question, by, int(right), asked, **more)  # type: ignore[arg-type]

    def _whose(self) -> Iterator[Row]:
        guesses = Whose(self._quiet, self.rng)
        start, end = self.material.traffic
        for question, is_acknowledgement in (("message", False), ("acknowledgement", True)):
            some = [
                each
                for each in self.material.posted
                if each.is_acknowledgement == is_acknowledgement
                and start <= each.exchange.began < end
            ]
            for by, guess in (
                ("shared connection", guesses.by_connection),
                ("read before", guesses.by_read_before),
                ("read after", guesses.by_read_after),
                ("nearest read", guesses.by_nearest_read),
            ):
                is_control = guess == guesses.by_connection
                yield self._sender(f"whose {question}?", by, some, guess, is_control=is_control)
            if not is_acknowledgement:
                yield self._sender(
                    "whose message?", "reply", some, guesses.by_reply, is_judged=False
                )

    def _sender(
        self, question: str, by: str, some: Sequence[Posted], guess: Guess, **more: bool
    ) -> Row:
        daemon_of = self.material.daemon_of
        named = [(each, drop) for each in some if (drop := guess(each.exchange)) is not None]
        right = sum(daemon_of[drop] == daemon_of[each.sender] for each, drop in named)
        return self._row(
            question,
            by,
            right,
            len(named),
            silent=len(some) - len(named),
            chance=max(2 / (len(daemon_of) - 1), self._by_others(named)),
            **more,
        )

    def _by_others(self, named: Sequence[tuple[Posted, str]]) -> float:
        """Return how often the guesses would be right if each had been made of another posting.

        That is more than by lot, where those who write more are named more often. Postings of the
        same sender to the same drop are not others.
        """
        daemon_of = self.material.daemon_of
        right = asked = 0
        for one, drop in named:
            for other, _ in named:
                is_other = (one.sender, one.exchange.drop) != (other.sender, other.exchange.drop)
                if is_other and other.exchange.drop != drop:
                    asked += 1
                    right += daemon_of[drop] == daemon_of[other.sender]
        return right / asked if asked else 0.0

    def _pairs(self) -> Iterator[Row]:
        rng = self.rng
        yield self._together(
            TOGETHER,
            "shared connection",
            partial(pairs.by_connection, self.material.view, rng=rng),
            is_control=True,
        )
        for what, methods in (("reads", READS), ("push connections", (PUSH,))):
            yield from self._at_times(what, self._quiet.times(*methods))
        if self.material.commands is not None:
            view = self.material.view.between(*self.material.commands)
            yield from self._at_times("reads after commands", view.times(*READS))
        for by, methods in (("reads", READS), ("push connections", (PUSH,))):
            rounds = [self._first(methods, *each) for each in self.material.outages]
            if any(rounds):
                yield self._together(
                    TOGETHER, f"first {by} after outages", partial(pairs.by_rounds, rounds, rng=rng)
                )
        if self.material.started is not None:
            first = [self._first((*READS, PUSH), *self.material.started)]
            yield self._together(
                TOGETHER,
                "first requests after the start",
                partial(pairs.by_rounds, first, rng=rng),
                is_judged=False,
            )

    def _at_times(self, what: str, times: dict[str, list[float]]) -> Iterator[Row]:
        if any(times.values()):
            for by, guess in (
                (f"nearest {what}", pairs.by_nearness),
                (f"distances of {what}", pairs.by_distance),
            ):
                yield self._together(TOGETHER, by, partial(guess, times, rng=self.rng))

    def _first(self, methods: Iterable[str], start: float, end: float) -> dict[str, float]:
        """Return when each drop was requested first in some time."""
        times = self.material.view.between(start, end).times(*methods)
        return {drop: min(some) for drop, some in times.items() if some}

    def _together(
        self, question: str, by: str, guess: Callable[[str], str | None], **more: bool
    ) -> Row:
        daemon_of = self.material.daemon_of
        named = [(each, other) for each in self._asked if (other := guess(each)) is not None]
        right = sum(daemon_of[each] == daemon_of[other] for each, other in named)
        silent, chance = len(self._asked) - len(named), 1 / (len(daemon_of) - 1)
        return self._row(question, by, right, len(named), silent=silent, chance=chance, **more)

    def _after_outages(self) -> Iterator[list[Posted]]:
        for start, end in self.material.outages:
            some = [each for each in self.material.posted if start <= each.exchange.began < end]
            yield sorted(some, key=lambda each: each.exchange.began)

    def _whose_after_outages(self) -> Row:
        guesses = Whose(self.material.view, self.rng)
        some = [
            each for some in self._after_outages() for each in some if not each.is_acknowledgement
        ]
        question = "whose message, after an outage?"
        return self._sender(question, "read before", some, guesses.by_read_before)

    def _retries(self) -> Row:
        """Ask of each daemon's first posting after an outage whose the nearest other one is."""
        daemon_of = self.material.daemon_of
        right = asked = 0
        chances = []
        for some in self._after_outages():
            firsts: dict[int, Posted] = {}
            for each in some:
                if not each.is_acknowledgement:
                    firsts.setdefault(daemon_of[each.sender], each)
            for daemon, mine in firsts.items():
                others = [each for each in some if each.sender != mine.sender]
                if others:
                    nearest = min(others, key=lambda each: _distance(each, mine))
                    asked += 1
                    right += daemon_of[nearest.sender] == daemon
                    same = sum(daemon_of[each.sender] == daemon for each in others)
                    chances.append(same / len(others))
        chance = sum(chances) / len(chances) if chances else 0.0
        question = "which postings belong together?"
        return self._row(question, "retries after outages", right, asked, chance=chance)


def _distance(one: Posted, other: Posted) -> float:
    return abs(one.exchange.began - other.exchange.began)
