"""The world of the measurement: daemons with identities, a drop server, and the recorder."""

import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from qabel.crypto import PrivateKey
from qabel.drop.transport import Opened, Opener
from qabel.drop.url import new_drop_id
from tests.anonymity.recorder import Recorder
from tests.anonymity.recording import Exchange, Posted
from tests.anonymity.socks import SocksProxy
from tests.integration.client import Api
from tests.integration.daemons import ANYWHERE, Daemon
from tests.integration.processes import Twistd

Result = TypeVar("Result")

AT_ONCE = 4
"""Daemons that start at the same time."""

MODEL = "chat"
"""The kind of the messages that are sent."""

STEPS = (1, 2)
"""How far contacts are from each other in the circle of identities."""

LEAST = 3
"""Daemons, without which everybody in the circle would be near everybody."""

ONION = f"http://{'q' * 56}.onion"
"""The drop server's URL behind a SOCKS proxy, which alone knows such names."""


@frozen
class Contact:
    """Somebody to write to: the id of the contact, and the drop."""

    id: int
    drop: str


@define(eq=False)
class Identity:
    """An identity, and the daemon that it lives on."""

    daemon: int
    id: int
    drop: str
    key: PrivateKey = field(repr=False)
    card: dict[str, Any] = field(repr=False)
    contacts: list[Contact] = field(factory=list, init=False)


def run_reactor() -> None:
    """Run the reactor in a thread, until the process ends."""
    running = threading.Event()
    reactor.callWhenRunning(running.set)  # type: ignore[attr-defined]
    arguments = {"installSignalHandlers": False}
    threading.Thread(target=reactor.run, kwargs=arguments, daemon=True).start()  # type: ignore[attr-defined]
    running.wait()


def call(work: Callable[..., Awaitable[Result]], *arguments: Any) -> Result:
    """Run a coroutine in the reactor's thread, and return its result."""
    result: Result = blockingCallFromThread(
        reactor, lambda: Deferred.fromCoroutine(work(*arguments))
    )
    return result


@define(eq=False)
class World:
    """All that runs.

    Args:
        folder: for all files.
        count: of daemons, with two identities each.
        rng: draws who writes to whom.
        options: of the daemons.
        interval: the poll interval in seconds.
        has_proxy: whether the daemons use a SOCKS proxy.

    """

    folder: Path
    count: int
    rng: random.Random
    options: tuple[str, ...]
    interval: float
    has_proxy: bool = False
    recorder: Recorder = field(init=False)
    url: str = field(init=False)
    daemons: list[Daemon] = field(factory=list, init=False)
    identities: list[Identity] = field(factory=list, init=False)
    _server: Twistd = field(init=False)
    _programs: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(32), init=False)

    @property
    def drops_of(self) -> dict[int, list[str]]:
        """The drops of each daemon."""
        found: dict[int, list[str]] = {}
        for each in self.identities:
            found.setdefault(each.daemon, []).append(each.drop)
        return found

    def begin(self, *, push: bool) -> None:
        """Start everything, and make the identities and their contacts."""
        arguments = ("qabel-drop", f"--data-dir={self.folder / 'drops'}", f"--listen={ANYWHERE}")
        self._server = Twistd(self.folder / "drops.log", *arguments)
        self.recorder = Recorder(reactor, self._server.port("qabel-drop"))
        port = call(self.recorder.listen)
        self.url = f"http://127.0.0.1:{port}"
        if self.has_proxy:
            self.url = ONION
            socks = call(SocksProxy(reactor, self.recorder, port).listen)
            self.options += (f"--proxy=socks5://127.0.0.1:{socks}",)
        self.start(push=push)
        # In an order of its own, so that who comes when tells nothing.
        places = [number for number in range(self.count) for _ in range(2)]
        self.rng.shuffle(places)
        for number, each in enumerate(self.daemons):
            self._settle(number, each)
        self.identities = [self._identity(number) for number in places]
        self._introduce()

    def _settle(self, number: int, daemon: Daemon) -> None:
        server = [{"url": self.url, "auth": "", "active": True}]
        daemon.api.good("PUT", "/synced", {"key": "drop_servers", "value": server})
        daemon.api.good("PUT", "/settings", {"key": "poll_interval", "value": self.interval})

    def _identity(self, number: int) -> Identity:
        api = self.daemons[number].api
        made = api.good("POST", "/identities", {"alias": f"{self.rng.random()}"})
        exported = api.good("GET", f"/identities/{made['id']}/export")
        [card] = api.good("GET", f"/identities/{made['id']}/contact")["contacts"]
        drop = card["drop_urls"][0].rpartition("/")[2]
        key = PrivateKey.from_hex(exported["private_key"])
        return Identity(number, made["id"], drop, key, card)

    def _introduce(self) -> None:
        """Make contacts of the nearest in a circle, in which nobody is near their own daemon's."""
        circle = list(self.identities)
        count = len(circle)
        while any(
            circle[number].daemon == circle[(number + step) % count].daemon
            for number in range(count)
            for step in STEPS
        ):
            self.rng.shuffle(circle)
        for number, me in enumerate(circle):
            for step in STEPS:
                other = circle[(number + step) % count]
                self._know(me, other)
                self._know(other, me)

    def _know(self, me: Identity, other: Identity) -> None:
        api = self.daemons[me.daemon].api
        path = f"/contacts/import?identity={me.id}"
        [outcome] = api.good("POST", path, {"contacts": [other.card]})
        me.contacts.append(Contact(outcome["id"], other.drop))

    def say(self, sender: Identity, contact: Contact, text: str = "hello") -> None:
        """Send a message, without waiting for the response."""
        message = {"model_object": MODEL, "data": {"msg": text}, "acknowledge_id": "auto"}
        body = {"sender": sender.id, "recipients": [contact.id], "drop_message": message}
        self._ask(sender.daemon, "POST", "/drop", body)

    def command(self, daemon: int, number: int) -> None:
        """Use a daemon as a program might, without waiting for the response."""
        interval = self.interval * (1 + number % 7 / 1000)
        settings = {"key": "poll_interval", "value": interval}
        stranger = {"alias": f"{number}", "public_key": PrivateKey.generate().public_key.hex}
        contact = {**stranger, "drop_urls": [f"{self.url}/{new_drop_id()}"]}
        identity = next(each.id for each in self.identities if each.daemon == daemon)
        commands: list[tuple[Any, ...]] = [
            ("HEAD", "/drop", None, {"Cache-Control": "no-cache"}),
            ("PUT", "/settings", settings),
            ("POST", f"/contacts/import?identity={identity}", {"contacts": [contact]}),
        ]
        self._ask(daemon, *commands[number % len(commands)])

    def _ask(self, daemon: int, *request: Any) -> None:
        self._programs.submit(self._ask_now, self.daemons[daemon].api, *request)

    @staticmethod
    def _ask_now(api: Api, *request: Any) -> None:
        try:
            reply = api.ask(*request)
        except OSError as error:
            print(f"No response to {request[:2]}: {error!r}", file=sys.stderr)
        else:
            if reply.status >= 400:
                print(f"Status {reply.status} for {request[:2]}: {reply.body}", file=sys.stderr)

    def start(self, *, push: bool) -> None:
        """Start all daemons, after stopping those that run."""
        for each in self.daemons:
            each.process.process.terminate()
        for each in self.daemons:
            each.process.ended()
        self.daemons.clear()
        for start in range(0, self.count, AT_ONCE):
            some = [
                Daemon(self.folder, f"daemon-{number}", *self.options, push=push)
                for number in range(start, min(start + AT_ONCE, self.count))
            ]
            self.daemons += some
            for each in some:
                each.up()

    def end(self) -> None:
        """End everything."""
        self._programs.shutdown(wait=False, cancel_futures=True)
        for each in self.daemons:
            each.process.kill()
        self._server.kill()


def senders_of(postings: Iterable[Exchange], identities: Iterable[Identity]) -> Iterator[Posted]:
    """Yield who has posted what, by opening it. What was not posted by an identity is left out."""
    by_drop = {each.drop: each for each in identities}
    drop_of = {each.key.public_key.hex: each.drop for each in by_drop.values()}
    openers = {drop: Opener([each.key]) for drop, each in by_drop.items()}
    for each in postings:
        opened = openers[each.drop].open(each.body)
        if isinstance(opened, Opened) and opened.message.sender.hex in drop_of:
            message = opened.message
            is_ours = message.model_object == MODEL
            yield Posted(each, drop_of[message.sender.hex], not is_ours, message.acknowledge_id)


def sleep_until(time_due: float) -> None:
    """Wait until a time on the reactor's clock."""
    time.sleep(max(0.0, time_due - now()))


def now() -> float:
    """Return the time on the clock of the recording."""
    seconds: float = reactor.seconds()  # type: ignore[attr-defined]
    return seconds
