"""``qabel follow``: messages and other events as they happen."""

import select
from collections.abc import Sequence

import click
from attrs import define

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.cursor_file import CursorFile
from qabel.cli.errors import CommandError
from qabel.cli.event_printer import EventPrinter
from qabel.cli.event_stream import GONE, EventStream
from qabel.cli.names import Names
from qabel.cli.output import Output
from qabel.cli.paths import state_directory
from qabel.cli.text import visible

_WHAT = {
    "drop": "messages",
    "outbox": "news of sent messages",
    "settings": "changes of the local settings",
    "synced": "changes of the synced settings",
}
"""What people call the kinds of events."""

KINDS = tuple(_WHAT)


@click.command(cls=Command)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    type=click.Choice((*KINDS, "all")),
    help="Kind of events to show: drop (received messages), outbox (sent ones), settings, synced "
    "or all. Repeatable. [default: drop]",
)
@click.option(
    "--resume",
    metavar="NAME",
    help="Continue after the last event shown under this name, and save the cursor.",
)
@click.option(
    "--since", metavar="CURSOR", help="Start after this cursor; 0 starts with the oldest message."
)
@click.option(
    "--count",
    "-n",
    "limit",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Exit after this many events.",
)
@pass_session
def follow(
    session: Session,
    kinds: tuple[str, ...],
    resume: str | None,
    since: str | None,
    limit: int | None,
) -> None:
    """Show messages as they arrive, until Ctrl-C.

    \b
    Examples:
      qabel follow
      qabel follow --since 0 --kind drop --kind outbox
      qabel follow --json --resume archive >> messages.jsonl

    If the daemon is restarted, this command reconnects and continues where it left off. With
    --resume NAME, the cursor is saved in a file after each event has been written: the next call
    continues from there, and no event is lost in a crash. If the daemon cannot continue from the
    cursor, because its database was restored from a copy or events were deleted, this command says
    so, and shows again what there is. With --json, each line has the members of a message, its
    kind, and its cursor as place.
    """  # noqa: D301 - click keeps the lines after this character as they are
    chosen = KINDS if "all" in kinds else kinds or ("drop",)
    file = None
    if resume is not None:
        file = CursorFile.open(state_directory(), session.address.name, resume)
    try:
        cursor = since if since is not None or file is None else file.load()
        stream = EventStream(
            session.client,
            chosen,
            cursor,
            on_loss=session.out.note,
            on_gap=session.out.warning,
            on_open=_Greeting(session.out, chosen),
            is_given=since is not None,
        )
        _show_all(session, stream, file, limit)
    except CommandError as error:
        if error.http_status == GONE:
            error.hint = _resume_hint(error, resume)
        raise
    finally:
        if file is not None:
            file.close()


@define
class _Greeting:
    """Says on a terminal what is waited for, and afterwards that a connection is there again."""

    _out: Output
    _kinds: Sequence[str]
    _is_known: bool = False

    def __call__(self) -> None:
        if self._is_known:
            self._out.note("Connected again.")
        elif self._out.out.isatty():
            self._out.note(f"Waiting for {self._what}. To stop, press Ctrl-C.")
        self._is_known = True

    @property
    def _what(self) -> str:
        names = [_WHAT[each] for each in KINDS if each in self._kinds]
        if len(names) > 2:
            return f"{names[0]} and other events"
        return " and ".join(names)


def _show_all(
    session: Session, stream: EventStream, file: CursorFile | None, limit: int | None
) -> None:
    """Show events. A cursor is saved only after its event has left this process."""
    printer = EventPrinter(session.out, Names(session.client))
    shown = 0
    for event in stream.events():
        if event is not None:
            printer.print(event)
            session.out.flush()
            shown += 1
        elif not _has_reader(session.out):
            raise BrokenPipeError
        if file is not None and stream.cursor:
            file.save(stream.cursor)
        if limit is not None and shown >= limit:
            return


def _resume_hint(error: CommandError, resume: str | None) -> str:
    """Return the hint for a cursor that the daemon no longer knows."""
    oldest = visible(str(error.problem.get("oldest", "0")))
    option = f"--resume {resume} " if resume else ""
    return f"Run: qabel follow {option}--since {oldest}"


def _has_reader(output: Output) -> bool:
    """Return whether somebody still reads the output: the reader of a pipe may have ended."""
    try:
        poll = select.poll()
        poll.register(output.out.fileno(), 0)
    except (OSError, ValueError):
        return True
    return not any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
