"""What was posted and what each reader saw, and what of that breaks a promise."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field

Name = bytes
"""What tells one message from another: the beginning of its body."""


@define
class Ledger:
    """Counts messages."""

    attempts: "Counter[tuple[str, Name]]" = field(factory=Counter)
    """How often each message was posted, by drop and name."""
    stored: "dict[tuple[str, Name], None]" = field(factory=dict)
    """Those of which the server said that they are stored."""
    seen: "defaultdict[tuple[str, str], list[Name]]" = field(factory=lambda: defaultdict(list))
    """What each reader saw, by its name and drop."""

    def broken(self, there: Mapping[str, Sequence[Name]]) -> Iterator[str]:
        """Yield each broken promise, in words.

        Args:
            there: what each drop has in the end.

        """
        for drop, name in self.stored:
            if name not in there[drop]:
                yield f"lost: {name!r}"
        for drop, names in there.items():
            for name, count in Counter(names).items():
                if (drop, name) in self.attempts and count > max(1, self.attempts[drop, name]):
                    yield f"doubled: {name!r} is there {count} times"
        for (reader, drop), names in self.seen.items():
            missed = [each for each in dict.fromkeys(there[drop]) if each not in set(names)]
            if missed:
                yield f"skipped: {reader} missed {len(missed)}, such as {missed[0]!r}"
            order = {name: place for place, name in enumerate(dict.fromkeys(there[drop]))}
            known = [order[each] for each in dict.fromkeys(names) if each in order]
            if known != sorted(known):
                yield f"disordered: {reader} saw messages in another order than the drop has them"
