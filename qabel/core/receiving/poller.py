"""Poll drops, each at times of its own."""

from collections.abc import Callable, Iterable, Mapping

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime

from qabel.core.random_delays import Draw, draw_securely
from qabel.core.receiving.drop_clocks import DropClocks
from qabel.core.receiving.key_on_server import KeyOnServer
from qabel.core.receiving.poll_runner import PollRunner, ReadDrop
from qabel.core.receiving.poll_slots import PollSlots
from qabel.core.receiving.poll_times import PUSH_POLL_INTERVAL, SPREAD, first_pause
from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.receiving.server_polls import ServerPolls
from qabel.deferreds import when_done
from qabel.drop.url import DropURL


@define(eq=False)
class Poller(Service):
    """Reads each drop every ``interval`` seconds on average, at random times.

    Args:
        read: reads a drop.
        clock: measures all times.
        owner_of: returns whose a drop is, as ``Isolation.owner_of``.
        interval: mean seconds between two polls of a drop.
        push_interval: the same for a drop that is watched by push.
        draw: returns a random number in [0, 1).
        slots: bounds how many drops are read at the same time.

    """

    _read: ReadDrop
    _clock: IReactorTime
    _owner_of: Callable[[DropURL], bytes | None] = field(kw_only=True)
    _interval: float = field(default=5.0, kw_only=True)
    _push_interval: float = field(default=PUSH_POLL_INTERVAL, kw_only=True)
    _draw: Draw = field(default=draw_securely, kw_only=True)
    _slots: PollSlots = field(factory=PollSlots, kw_only=True)
    clocks: DropClocks = field(init=False)
    """The clocks of the drops."""
    _runner: PollRunner = field(init=False)
    _drops: dict[DropURL, PolledDrop] = field(factory=dict, init=False)
    _places: dict[tuple[bytes, str], KeyOnServer] = field(factory=dict, init=False)
    _servers: dict[str, ServerPolls] = field(factory=dict, init=False)

    name = "poller"

    def __attrs_post_init__(self) -> None:
        self.clocks = DropClocks(
            clock=self._clock,
            interval=self._interval,
            push_interval=self._push_interval,
            draw=self._draw,
        )
        self._runner = PollRunner(
            read=self._read,
            clocks=self.clocks,
            drops=self._drops,
            servers=self._servers,
            slots=self._slots,
        )
        self.clocks.on_due = self._runner.start

    @property
    def servers(self) -> Mapping[str, ServerPolls]:
        """The servers that are polled, by URL."""
        return self._servers

    @property
    def interval(self) -> float:
        """The mean seconds between two polls of a drop."""
        return self.clocks.interval

    def interval_of(self, server: str) -> float:
        """Return the same for a server: more, while all its drops are watched by push."""
        found = self._servers.get(server)
        if found is None or not all(map(self.clocks.is_watched, found.drops)):
            return self.clocks.interval
        return max(self.clocks.interval, self.clocks.push_interval)

    def late(self) -> float:
        """Return for how many seconds a poll has been due that did not begin."""
        due = min((each.due for each in self._drops.values() if not each.is_busy), default=None)
        return 0.0 if due is None else max(0.0, self.clocks.now() - due)

    def startService(self) -> None:
        """Start polling: each drop for the first time at random, soon."""
        super().startService()
        self._runner.is_running = True
        for drop in self._drops.values():
            self.clocks.begin(drop)

    def stopService(self) -> Deferred[None]:
        """Stop, and cancel the polls in progress; the Deferred fires when all have ended."""
        super().stopService()
        self._runner.is_running = False
        for drop in self._drops.values():
            drop.stop()
        running = [each.running for each in self._drops.values() if each.running is not None]
        ended = [when_done(each) for each in running]
        for each in running:
            each.cancel()
        return gatherResults(ended).addCallback(lambda _: None)

    def set_interval(self, interval: float) -> None:
        """Set the mean seconds between two polls, and draw the next ones anew if they change."""
        if interval == self.clocks.interval:
            return
        is_shorter, self.clocks.interval = interval < self.clocks.interval, interval
        for drop in self._drops.values():
            if is_shorter:
                self.hasten(drop.url)
            elif self._is_idle(drop) and not (drop.is_asked or drop.attempts.failures):
                self.clocks.set(drop, self.clocks.pause(drop))

    def set_drops(self, drops: Iterable[DropURL]) -> None:
        """Set which drops to read from now on; new ones are read for the first time soon."""
        owners = {url: self._owner_of(url) or str(url).encode() for url in drops}
        for url, drop in list(self._drops.items()):
            if owners.get(url) != drop.key.owner:
                self._remove(drop)
        for url, owner in owners.items():
            if url not in self._drops:
                self._add(url, owner)

    def poll_now(
        self, urls: Iterable[DropURL] | None = None, owner: bytes | None = None
    ) -> Deferred[None]:
        """Read drops now, regardless of the schedule.

        Those of one owner are read at once. Others are spread over ``SPREAD`` seconds at random:
        otherwise their servers could tell that they belong together.

        Args:
            urls: which drops; None for all.
            owner: whose are to be read at once; None for whose they all are.

        Returns:
            A Deferred that fires when a poll of each that began after this call has ended.

        """
        wanted = self._drops if urls is None else dict.fromkeys(urls)
        drops = [self._drops[url] for url in wanted if url in self._drops]
        owners = {each.key.owner for each in drops}
        first = owners.pop() if owner is None and len(owners) == 1 else owner
        asked = [
            self._ask(each, 0.0 if each.key.owner == first else SPREAD * self._draw())
            for each in drops
        ]
        return gatherResults(asked).addCallback(lambda _: None)

    def hasten(self, url: DropURL, at: float = 0.0) -> None:
        """Read a drop within one interval, as there is a reason of its own for it.

        ``at`` is from when on, in seconds on the clock. What fails has its pause all the same.
        """
        drop = self._drops.get(url)
        if drop is not None and self.running and not (drop.attempts.failures or drop.not_stored):
            self.clocks.hasten(drop, at)

    def go_on(self) -> None:
        """Read soon, each at random, what could not be stored, as that may be possible again."""
        for drop in self._drops.values():
            if drop.not_stored is not None and self._is_idle(drop):
                self.clocks.set(drop, first_pause(self.clocks.interval, self._draw))

    def is_waiting_for_store(self, url: DropURL) -> bool:
        """Return whether what a drop had last could not be stored.

        Reading it at each push would fetch the same messages again and again; a poll does it.
        """
        drop = self._drops.get(url)
        return drop is not None and drop.not_stored is not None

    def note_not_stored(self, url: DropURL, error: str) -> None:
        """Note that what a drop had could not be stored, and have it read again soon."""
        drop = self._drops.get(url)
        if drop is not None and drop.not_stored is None:
            pause = drop.could_not_store(error, self._draw)
            if self._is_idle(drop):
                self.clocks.set(drop, pause)

    def _ask(self, drop: PolledDrop, pause: float) -> Deferred[None]:
        """Begin a poll after a pause at most; requests made meanwhile share it."""
        if not self.running:
            return succeed(None)
        drop.is_asked = True
        if drop.waiting is None:
            drop.waiting = Deferred()
        ended = when_done(drop.waiting)
        if self._is_idle(drop):
            if not pause:
                self._runner.start(drop)
            elif self.clocks.now() + pause < drop.due:
                self.clocks.set(drop, pause)
        return ended

    def _add(self, url: DropURL, owner: bytes) -> None:
        key = self._places.setdefault((owner, url.server), KeyOnServer(owner, url.server))
        key.drops.add(url)
        server = self._servers.setdefault(url.server, ServerPolls(url.server))
        drop = self._drops[url] = server.drops[url] = PolledDrop(url, key, self.clocks.now())
        if self.running:
            self.clocks.begin(drop)

    def _remove(self, drop: PolledDrop) -> None:
        """Forget a drop. A poll in progress ends as usual; none is started after it."""
        drop.is_gone = True
        drop.stop()
        server, key = self._servers[drop.url.server], drop.key
        del self._drops[drop.url], server.drops[drop.url]
        if not server.drops:
            del self._servers[server.server]
        key.drops.discard(drop.url)
        if not key.drops:
            del self._places[key.owner, key.server]

    def _is_idle(self, drop: PolledDrop) -> bool:
        return bool(self.running) and not drop.is_busy
