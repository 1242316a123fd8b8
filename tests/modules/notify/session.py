"""A session with a real message bus, and a server of notices on it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread

import pytest
from attrs import define, field
from jeepney import HeaderFields, MessageType, message_bus, new_method_return, new_signal
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from qabel.modules.notify.bus import SERVER

NEEDS_DBUS = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed"
)


@define
class Shown:
    """A notice that was shown."""

    id: int
    replaced: int
    title: str
    body: str


@define(eq=False)
class FakeServer:
    """Answers as a desktop does, and keeps what it was asked to show."""

    bus: DBusConnection
    shown: list[Shown] = field(factory=list)
    """All notices ever, in their order."""
    open: dict[int, Shown] = field(factory=dict)
    """Those that are seen now."""
    abilities: list[str] = field(factory=lambda: ["body", "body-markup"])
    _ended: Event = field(factory=Event)
    _lock: Lock = field(factory=Lock)

    def run(self) -> None:
        """Answer until the end."""
        while not self._ended.is_set():
            try:
                message = self.bus.receive(timeout=0.1)
            except TimeoutError:
                continue
            except (OSError, ConnectionError):
                return
            if message.header.message_type is MessageType.method_call:
                self._answer(message)

    def dismiss(self, number: int) -> None:
        """Close a notice as the user does."""
        self.open.pop(number, None)
        with self._lock:
            self.bus.send(new_signal(SERVER, "NotificationClosed", "uu", (number, 2)))

    def end(self) -> None:
        """Stop answering, and leave the bus."""
        self._ended.set()

    def _answer(self, message) -> None:  # type: ignore[no-untyped-def]
        member = message.header.fields[HeaderFields.member]
        if member == "GetCapabilities":
            reply = new_method_return(message, "as", (self.abilities,))
        elif member == "Notify":
            _, replaces, _, title, body, *_ = message.body
            number = replaces or len(self.shown) + 1
            shown = Shown(number, replaces, title, body)
            self.shown.append(shown)
            self.open[number] = shown
            reply = new_method_return(message, "u", (number,))
        else:
            [number] = message.body
            self.dismiss(number)
            reply = new_method_return(message)
        with self._lock:
            self.bus.send(reply)


@contextmanager
def message_bus_in(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a message bus; return its address, and its process."""
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1",
               f"--address=unix:path={folder / 'bus'}"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


@contextmanager
def notice_server(address: str) -> Iterator[FakeServer]:
    """Run a server of notices on a bus."""
    with open_dbus_connection(address) as bus:
        bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.Notifications"))
        server = FakeServer(bus)
        thread = Thread(target=server.run)
        thread.start()
        yield server
        server.end()
        thread.join()
