"""What a drop server sees of its clients, but for their addresses. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from attrs import define, field, frozen

READS = ("GET", "HEAD")
PUSH = "PUSH"
"""The method of an exchange that opens a WebSocket."""


@define(eq=False)
class Exchange:
    """A request and its response. Times in seconds on a steady clock."""

    connection: int
    """The number of the connection, or of the circuit of a proxy."""
    method: str
    drop: str
    """The id of the drop."""
    began: float
    """When the first byte of the request arrived."""
    ended: float | None = None
    """When the first byte of the response was sent; None if there was none."""
    status: int = 0
    body: bytes = field(default=b"", repr=False)
    """What was posted. It tells who has posted, and no classifier looks at it."""

    @property
    def over(self) -> float:
        """When the response was sent, or when the request arrived if there was none."""
        return self.began if self.ended is None else self.ended


@frozen(eq=False)
class View:
    """The exchanges of some time, with indexes. Made by ``View.of``."""

    exchanges: tuple[Exchange, ...]
    """In the order of their beginning."""
    drops: tuple[str, ...]
    """All drops that are read."""
    drops_of: dict[int, Counter[str]]
    """How often drops were read over each connection."""

    @classmethod
    def of(cls, exchanges: Iterable[Exchange], drops: Iterable[str]) -> "View":
        """Return a view of exchanges; ``drops`` are those that somebody reads."""
        ordered = tuple(sorted(exchanges, key=lambda each: each.began))
        drops_of: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for each in ordered:
            if each.method != "POST":
                drops_of[each.connection][each.drop] += 1
        return cls(ordered, tuple(drops), dict(drops_of))

    def between(self, start: float, end: float) -> "View":
        """Return a view of what began between two times, with all that connections were used for.

        Connections live on, so that what they were used for earlier still counts.
        """
        some = tuple(each for each in self.exchanges if start <= each.began < end)
        return View(some, self.drops, self.drops_of)

    def times(self, *methods: str) -> dict[str, list[float]]:
        """Return when the requests to each drop began, with these methods."""
        found: dict[str, list[float]] = {drop: [] for drop in self.drops}
        for each in self.exchanges:
            if each.method in methods and each.drop in found:
                found[each.drop].append(each.began)
        return found

    @property
    def reads(self) -> list[Exchange]:
        """The reads of drops."""
        return [each for each in self.exchanges if each.method in READS]

    @property
    def postings(self) -> list[Exchange]:
        """The postings that the server took."""
        return [each for each in self.exchanges if each.method == "POST" and each.status == 200]


@frozen
class Posted:
    """Who has posted what: the truth, which classifiers do not know."""

    exchange: Exchange
    sender: str
    """The drop of the sender."""
    is_acknowledgement: bool
    mark: str
    """The id that a message and its acknowledgement share."""


@frozen
class Material:
    """What one run has given. Times as in the exchanges."""

    view: View
    posted: tuple[Posted, ...]
    daemon_of: dict[str, int]
    """The daemon that reads each drop."""
    traffic: tuple[float, float]
    """When messages were sent at random, and nothing else happened."""
    commands: tuple[float, float] | None = None
    """When programs used the daemons: read without cache, and changed settings and contacts."""
    provocations: "tuple[Provocation, ...]" = ()
    outages: tuple[tuple[float, float], ...] = ()
    """From when the server was back to when that was watched no more, each time."""
    started: tuple[float, float] | None = None
    """From the start of the first daemon to some time after that of the last one."""
    flood: tuple[str, str, float, float] | None = None
    """From whom to whom many messages were sent at once, and from when to when that was watched."""


@frozen
class Provocation:
    """Some time in which the server treated some drops badly in one way, and as much time before.

    ``suspects`` are the drops that react if anything links them to these, and ``others`` drops that
    have nothing to do with any that were treated badly then.
    """

    kind: str
    victims: frozenset[str]
    suspects: tuple[str, ...]
    others: tuple[str, ...]
    start: float
    end: float
