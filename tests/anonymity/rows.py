"""The rows of the table, and their verdicts. Pure."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from tests.anonymity.chances import CONFIDENCE, interval

NAMED = 0.9
"""The share that the classifiers of the positive control must name."""

IMPROBABLE = (1 - CONFIDENCE) / 2


@frozen
class Row:
    """One classifier."""

    run: str
    question: str
    by: str
    """What the answer was found by."""
    right: int
    asked: int
    silent: int = 0
    """Of how many it had nothing to say, besides those that count as asked."""
    chance: float = 0.0
    is_judged: bool = True
    """Whether it may be right by chance only; what is not hidden is not judged."""
    is_control: bool = False
    """Whether it must be right where everything is linkable."""
    probability: float | None = None
    """Of a permutation test, if there was one."""
    detail: str = ""

    @property
    def questions(self) -> int:
        """How many questions there were."""
        return self.asked + self.silent

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of the share that is right."""
        return interval(self.right, self.asked)

    @property
    def is_above_chance(self) -> bool:
        """Whether it is right more often than by chance."""
        improbable = self.probability is not None and self.probability < IMPROBABLE
        return improbable or self.interval[0] > self.chance

    @property
    def breaks(self) -> bool:
        """Whether it shows what was to be hidden."""
        return self.is_judged and self.is_above_chance

    @property
    def names(self) -> bool:
        """Whether it names nearly all, as it must where everything is linkable."""
        return self.right >= NAMED * max(1, self.questions)

    def as_json(self) -> dict[str, Any]:
        """Return it for a JSON file."""
        low, high = self.interval
        return {
            "run": self.run,
            "question": self.question,
            "by": self.by,
            "right": self.right,
            "asked": self.asked,
            "silent": self.silent,
            "chance": self.chance,
            "low": low,
            "high": high,
            "p": self.probability,
            "verdict": self.verdict,
            "detail": self.detail,
        }

    @property
    def verdict(self) -> str:
        """The verdict in a word."""
        if not self.is_judged:
            return "not hidden"
        return "ABOVE CHANCE" if self.is_above_chance else "ok"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as text."""
    lines = [f"{'right of asked':>14} {'silent':>6} {'chance':>6}  99.9 % interval  verdict"]
    for row in rows:
        low, high = row.interval
        figures = f"{row.right:>6} of {row.asked:<4} {row.silent:>6} {row.chance:>6.3f}"
        lines.append(
            f"{figures}  {low:.3f} to {high:.3f}   {row.verdict:<12}  "
            f"{row.run}: {row.question} {row.by}" + (f" ({row.detail})" if row.detail else "")
        )
    return "\n".join(lines)
