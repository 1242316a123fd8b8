"""``qabel follow``: what happens, as it happens."""

import http.client
import json
import select
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click
from attrs import define

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.cursor_file import CursorFile
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.message_text import text_of
from qabel.cli.names import Names
from qabel.cli.output import Output
from qabel.cli.paths import state_directory
from qabel.cli.sse import Event, EventReader
from qabel.cli.text import visible
from qabel.cli.units import moment

KINDS = ("drop", "outbox", "settings", "synced")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before the daemon is asked again after a connection was lost."""

READ_SIZE = 65536


@click.command(cls=Command)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice((*KINDS, "all")),
    help="What to tell of. Repeatable. [drop: messages that come in]",
)
@click.option(
    "--resume",
    metavar="NAME",
    help="Go on after what was shown under this name before, and keep the place.",
)
@click.option("--since", metavar="PLACE", help="Begin after this place; 0 is the oldest message.")
@click.option("--count", "-n", "most", type=click.IntRange(min=1), help="End after so many.")
@pass_session
def follow(
    session: Session,
    kinds: tuple[str, ...],
    resume: str | None,
    since: str | None,
    most: int | None,
) -> None:
    """Show messages as they come in, until Ctrl-C.

    When the daemon is started anew, it goes on where it was. With --resume NAME the place is kept
    in a file after each message was written out: the next call goes on from there, and nothing is
    lost whatever crashes. With --json each line has the keys of a message, and also kind and place.
    """
    chosen = KINDS if "all" in kinds else kinds or ("drop",)
    kept = None
    if resume is not None:
        kept = CursorFile.open(state_directory(), session.address.name, resume)
    try:
        place = since if since is not None or kept is None else kept.load()
        stream = EventStream(session.client, chosen, place, on_loss=session.out.note)
        _show_all(session, stream, kept, most)
    except CommandError as error:
        raise _explained(error, resume) from None
    finally:
        if kept is not None:
            kept.close()


def _show_all(
    session: Session, stream: "EventStream", kept: CursorFile | None, most: int | None
) -> None:
    """Show event after event. The place is kept only when the event has left this process."""
    teller = Teller(session.out, Names(session.client))
    shown = 0
    for event in stream.events():
        if event is not None:
            teller.tell(event)
            session.out.flush()
            shown += 1
        elif not _is_read(session.out):
            raise BrokenPipeError
        if kept is not None and stream.place:
            kept.save(stream.place)
        if most is not None and shown >= most:
            return


def _explained(error: CommandError, resume: str | None) -> CommandError:
    """Say how to go on if a place is gone."""
    if error.http_status == 410:
        oldest = visible(str(error.problem.get("oldest", "0")))
        again = f"--resume {resume} " if resume else ""
        error.hint = f"qabel follow {again}--since {oldest}"
    return error


@define
class EventStream:
    """The daemon's events from a place on, over as many connections as it takes."""

    client: ApiClient
    kinds: tuple[str, ...]
    place: str | None
    """The place of the last event that was given; None for now."""
    on_loss: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def events(self) -> Iterator[Event | None]:
        """Give events as they come, and None from time to time when there are none.

        Raises CommandError if the daemon refuses, or is not there to begin with.
        """
        pause, connected = FIRST_PAUSE, False
        while True:
            try:
                for event in self._one_connection():
                    if not connected:
                        connected = True
                    pause = FIRST_PAUSE
                    yield event
            except CommandError as error:
                if error.exit_status != ExitStatus.UNREACHABLE or not connected:
                    raise
            if pause == FIRST_PAUSE:
                self.on_loss("The connection was lost; trying again until the daemon is back.")
            self.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _one_connection(self) -> Iterator[Event | None]:
        """Give events until the connection ends, first None as soon as there is one."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self.place is not None:
            headers["Last-Event-ID"] = self.place
        response = self.client.stream("/events", {"kinds": ",".join(self.kinds)}, headers)
        reader = EventReader(self.place or "")
        with response:
            while piece := _read(response):
                for event in reader.feed(piece):
                    self.place = event.id
                    yield event
                # The first of all tells the place from which on it is followed.
                self.place = reader.last_id or self.place
                yield None


def _read(response: http.client.HTTPResponse) -> bytes:
    """Give what has come, at least something; nothing at the end, or if the connection breaks."""
    try:
        return response.read1(READ_SIZE)
    except (OSError, http.client.HTTPException):
        return b""


def _is_read(output: Output) -> bool:
    """Tell whether anybody still reads what is written: a pipe's reader may have ended."""
    try:
        watched = select.poll()
        watched.register(output.out.fileno(), 0)
    except (OSError, ValueError):
        return True
    return not any(what & (select.POLLERR | select.POLLHUP) for _, what in watched.poll(0))


@define
class Teller:
    """Writes events out: as lines of JSON, or as people read them."""

    output: Output
    names: Names

    def tell(self, event: Event) -> None:
        """Write one event."""
        data = json.loads(event.data)
        if self.output.json:
            self.output.value({"kind": event.kind, "place": event.id, **data})
        elif event.kind == "drop":
            self._message(data)
        elif event.kind == "outbox":
            self._outbox(data)
        else:
            if event.kind == "synced":
                self.names.forget()
            self._line(time.time() * 1000, f"the {_DOCUMENTS[event.kind]} have changed", "dim")

    def _message(self, message: Mapping[str, Any]) -> None:
        sender = self._name(message)
        to = ""
        if self.names.has_many_identities:
            to = f" → {self.names.identity(message['identity_id'])}"
        self._line(message["received"], f"{sender}{to}: {text_of(message)}")

    def _name(self, message: Mapping[str, Any]) -> str:
        name = self.names.sender(message)
        if message.get("contact_id") is not None and name.startswith("<"):
            # A contact that was added since.
            self.names.forget()
            name = self.names.sender(message)
        return name

    def _outbox(self, told: Mapping[str, Any]) -> None:
        name = self.names.contact(told["contact_id"], told["recipient"])
        what = "acknowledged by" if told["acknowledged"] else _OUTCOMES.get(told["state"], "for")
        why = f" ({told['reason']})" if told["reason"] else ""
        self._line(time.time() * 1000, f"outbox {told['id']}: {what} {name}{why}", "dim")

    def _line(self, milliseconds: float, text: str, style: str = "") -> None:
        # A further line stands out as one: it cannot pass for somebody else's message.
        first, *others = visible(text, lines=True).split("\n")
        stamp = self.output.styled(moment(milliseconds), "dim")
        self.output.raw(f"{stamp}  {self.output.styled(first, style)}\n")
        for each in others:
            self.output.raw(f"{' ' * 19}  {self.output.styled('| ' + each, style)}\n")


_OUTCOMES = {"sent": "sent to", "queued": "waits for", "failed": "failed for"}
_DOCUMENTS = {"settings": "local settings", "synced": "synced settings"}
