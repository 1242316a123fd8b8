"""``qabel follow``: messages and other events as they happen."""

import select

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.cursor_file import CursorFile
from qabel.cli.errors import CommandError
from qabel.cli.event_printer import EventPrinter
from qabel.cli.event_stream import GONE, EventStream
from qabel.cli.names import Names
from qabel.cli.output import Output
from qabel.cli.paths import state_directory
from qabel.cli.text import visible

KINDS = ("drop", "outbox", "settings", "synced")


@click.command(cls=Command)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice((*KINDS, "all")),
    help="Kind of events to show. Repeatable. [default: drop, received messages]",
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

    If the daemon is restarted, this command reconnects and continues where it left off. With
    --resume NAME, the cursor is saved in a file after each event has been written: the next call
    continues from there, and no event is lost in a crash. If the daemon cannot continue from the
    cursor, because its database was restored from a copy or events were deleted, this command says
    so, and shows again what there is. With --json, each line has the members of a message, its
    kind, and its cursor as place.
    """
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
