"""Whose message goes when there is no room for another one: fair shares of what a server has.

A server cannot know what was delivered, or who is honest. It knows what each source left. While
there is room, everything is taken. When there is none, the newest message of the heaviest source
goes for that of a lighter one, and the heaviest source itself has to wait: nothing of a source that
holds less than its share goes before its time.

The share of a source is the room, divided by the number of sources. A network, an IPv4 /24 or an
IPv6 /40, counts as 64 sources at most, however many addresses somebody has in it.
"""

from heapq import heapify, heappop, heappush, nlargest
from typing import Generic, TypeVar

from attrs import define, field

from qabel.host.http_server.sources import LOCAL, OLD, ONION, Network, Source, network_of

MOST_OF_NETWORK = 64
"""Sources as which one network counts at most."""

_WIDE = (OLD, ONION)
"""Sources that stand for many: each has as much room as all others together."""

_SLACK = 64
"""Outdated entries of a ranking that are always borne."""

K = TypeVar("K")


@define(eq=False)
class _Ranking(Generic[K]):
    """Finds the heaviest of many whose weights change all the time."""

    weights: dict[K, float] = field(factory=dict)
    _heap: list[tuple[float, K]] = field(factory=list)
    """Weights, negative, with some that are outdated."""

    def set(self, key: K, weight: float) -> None:
        """Set a weight; 0 forgets the key."""
        if weight <= 0:
            self.weights.pop(key, None)
            return
        self.weights[key] = weight
        heappush(self._heap, (-weight, key))
        if len(self._heap) > 2 * len(self.weights) + _SLACK:
            self._heap = [(-weight, key) for key, weight in self.weights.items()]
            heapify(self._heap)

    def heaviest(self) -> K | None:
        """Return the heaviest; None if there are none."""
        while self._heap:
            weight, key = self._heap[0]
            if self.weights.get(key) == -weight:
                return key
            heappop(self._heap)
        return None

    def heaviest_but(self, other: K) -> K | None:
        """Return the heaviest but for one of them."""
        if other not in self.weights:
            return self.heaviest()
        weight = self.weights.pop(other)
        found = self.heaviest()
        self.set(other, weight)
        return found


@define(eq=False)
class Shares:
    """What sources hold of some room, in any unit, and whose message goes for another one.

    This machine itself is no source: what it leaves needs room, but never goes, and it has to wait
    only when there is nothing that could go.

    Args:
        room: how much there is for all.

    """

    room: float
    held: float = field(default=0, init=False)
    """What all hold together."""
    _local: float = field(default=0, init=False)
    _wide: dict[Source, float] = field(factory=dict, init=False)
    _networks: dict[Network, _Ranking[Source]] = field(factory=dict, init=False)
    """What each source holds, by its network."""
    _sums: dict[Network, float] = field(factory=dict, init=False)
    _heaviness: _Ranking[Network] = field(factory=_Ranking, init=False)
    """What networks hold for each of the sources that they count as."""

    def holding(self, source: Source) -> float:
        """Return what a source holds."""
        if source == LOCAL:
            return self._local
        if source in _WIDE:
            return self._wide.get(source, 0)
        network = self._networks.get(network_of(source))
        return network.weights.get(source, 0) if network else 0

    def add(self, source: Source, amount: float) -> None:
        """Note that a source holds more, or less for a negative amount."""
        amount = max(amount, -self.holding(source))
        self.held += amount
        if source == LOCAL:
            self._local += amount
        elif source in _WIDE:
            self._wide[source] = self._wide.get(source, 0) + amount
            if not self._wide[source]:
                del self._wide[source]
        else:
            self._add(network_of(source), source, amount)

    def _add(self, name: Network, source: Source, amount: float) -> None:
        network = self._networks.setdefault(name, _Ranking())
        network.set(source, network.weights.get(source, 0) + amount)
        if network.weights:
            self._sums[name] = self._sums.get(name, 0) + amount
            self._heaviness.set(name, self._sums[name] / _counted(len(network.weights)))
        else:
            del self._networks[name]
            self._sums.pop(name, None)
            self._heaviness.set(name, 0)

    def heaviest(self, count: int) -> list[float]:
        """Return what the sources hold that hold most, the heaviest first."""
        each = [self._local, *self._wide.values()]
        for network in self._networks.values():
            each += network.weights.values()
        return nlargest(count, (held for held in each if held))

    def yields(self, source: Source, amount: float) -> Source | None:
        """Return whose newest message goes for one of a source; None while there is room.

        It is the source itself if that has to wait.
        """
        if self.held + amount <= self.room:
            return None
        excessive = self._excessive(source, amount)
        if excessive is not None:
            return excessive
        if source != LOCAL and source not in _WIDE:
            return self._lighter(source, amount)
        network = self._heaviness.heaviest()
        found = self._networks[network].heaviest() if network is not None else None
        return source if found is None else found

    def _excessive(self, source: Source, amount: float) -> Source | None:
        """Return the heaviest of those that stand for many, if it holds more than it may."""
        wide = self._wide.copy()
        if source in _WIDE:
            wide[source] = wide.get(source, 0) + amount
        if not wide:
            return None
        heaviest = max(wide, key=lambda each: (wide[each], each == source))
        return heaviest if wide[heaviest] > self.room / (len(wide) + 1) else None

    def _lighter(self, source: Source, amount: float) -> Source:
        """Return who yields to a source: it itself, unless it is lighter with its message."""
        own = network_of(source)
        siblings = self._networks.get(own) or _Ranking()
        count = len(siblings.weights) + (source not in siblings.weights)
        heaviness = (self._sums.get(own, 0) + amount) / _counted(count)
        other = self._heaviness.heaviest_but(own)
        if other is not None and heaviness < self._heaviness.weights[other]:
            found = self._networks[other].heaviest()
        else:
            found = siblings.heaviest_but(source)
            if found is not None and siblings.weights[found] <= self.holding(source) + amount:
                found = None
        return source if found is None else found


def _counted(sources: int) -> int:
    """Return as how many sources a network counts."""
    return min(sources, MOST_OF_NETWORK)
