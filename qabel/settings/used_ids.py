"""The ids that items ever had: none is given twice, or comes to belong to another key.

Clients and tokens, messages and events name people by their ids. Pure.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

import attrs

from qabel.forms.plain import MAX_INT


@attrs.frozen
class UsedId:
    """That an item of a list had an id, with the digest of its public key."""

    kind: str
    """The key of the list in the document."""
    id: int
    digest: bytes = attrs.field(repr=False)


@attrs.frozen
class UsedIds:
    """The ids that the items of one list have or had."""

    last: int = 0
    """The number above which the next id is looked for: those up to it are used, or may be."""
    digests: Mapping[int, frozenset[bytes]] = attrs.field(factory=dict, repr=False)
    """The digests of the keys that each id belonged to."""

    def free(self, taken: Collection[int]) -> Iterator[int]:
        """Yield ids that were never used and are not taken, the lowest above ``last`` first."""
        numbers = chain(range(self.last + 1, MAX_INT + 1), range(1, self.last + 1))
        return (each for each in numbers if each not in self.digests and each not in taken)

    def belongs_to_another(self, number: int, digest: bytes) -> bool:
        """Return whether an id was used, but never with this key."""
        known = self.digests.get(number)
        return known is not None and digest not in known

    def grown(self, used: Iterable[tuple[int, bytes]]) -> "UsedIds":
        """Return these ids and others, each with the digest of its key."""
        digests = dict(self.digests)
        for number, digest in used:
            known = digests.get(number, frozenset())
            if digest not in known:
                digests[number] = known | {digest}
        if digests == self.digests:
            return self
        last = self.last
        while last + 1 in digests:
            last += 1
        return UsedIds(last, digests)

    def since(self, before: "UsedIds", kind: str) -> Iterator[UsedId]:
        """Yield what was added to the ids that there were before."""
        for number, digests in self.digests.items():
            known = before.digests.get(number, frozenset())
            if digests is not known:
                for digest in digests - known:
                    yield UsedId(kind, number, digest)


NOTHING_USED = UsedIds()
