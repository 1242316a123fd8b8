"""The command ``qabel``, with which people and scripts use a running daemon.

It sends HTTP requests to the daemon, over the Unix socket in its data directory or to ``--url``,
and opens the database only of a daemon that is stopped, to check it or to change its key.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn, TextIO

import click
from click.core import ParameterSource

from qabel import __version__
from qabel.cli.backup import backup
from qabel.cli.compact import compact
from qabel.cli.completion import completion
from qabel.cli.contact import contact
from qabel.cli.context import JSON_HELP, Session
from qabel.cli.doctor import doctor
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.follow import follow
from qabel.cli.identity import identity
from qabel.cli.inbox import inbox
from qabel.cli.key import key
from qabel.cli.module import module
from qabel.cli.module_commands import RootGroup
from qabel.cli.open import open_page
from qabel.cli.outbox import outbox
from qabel.cli.output import Output
from qabel.cli.own_command import PROGRAM, OwnCommand
from qabel.cli.paths import DATA_DIR
from qabel.cli.restore import restore
from qabel.cli.salvage import salvage
from qabel.cli.send import send
from qabel.cli.server import server
from qabel.cli.settings import settings
from qabel.cli.status import status
from qabel.cli.token import token
from qabel.host.shell_words import VARIABLE, answer_shell
from qabel.host.standard_streams import open_missing_streams

__all__ = ["command", "main", "run"]

_WORDS = (
    ("a valid float range", "a number"),
    ("a valid integer range", "a whole number"),
    (" (Did you mean one of: ", " Did you mean one of "),
    ("?)", "?"),
    (":\n\t", ": "),
    (",\n\t", ", "),
)
"""What click writes, and what is written instead."""

EPILOG = """
\b
Exit status:
  0    Success
  1    The daemon rejected the request, or something is broken
  2    Usage error
  3    No daemon is reachable
  4    Not found
  5    Timed out
  130  Interrupted with Ctrl-C
  141  Nobody reads the output any more

\b
Environment:
  QABEL_DATA_DIR  The daemon's data directory
  QABEL_URL       The same as --url
  QABEL_TOKEN     The token for --url
  NO_COLOR        Use no colours
"""


@click.group(cls=RootGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data-dir",
    metavar="DIR",
    help=f"The daemon's data directory. [default: ${DATA_DIR}, or per user]",
)
@click.option(
    "--url",
    metavar="URL",
    envvar="QABEL_URL",
    help="Connect to the daemon at this URL instead of its Unix socket; unix:PATH is another one.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    help="A file with the token for --url. [default: $QABEL_TOKEN, or the main token]",
)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def command(
    ctx: click.Context,
    data_dir: str | None,
    url: str | None,
    token_file: str | None,
    *,
    as_json: bool,
) -> None:
    """End-to-end encrypted messages, from the command line.

    It needs a running Qabel daemon. To start one:

    \b
      qabel-rest

    \b
    To get started:
      qabel server add https://drop.example.org
      qabel identity new Alice
      qabel identity card Alice alice.qco       (send this file to Bob)
      qabel contact import bob.qco              (the file that he sent you)
      qabel send Bob "Hello Bob"
      qabel follow
    """  # noqa: D301 - click keeps the lines after this character as they are
    options = {
        "data_dir": data_dir,
        "url": url,
        "token_file": token_file,
        "token": os.environ.get("QABEL_TOKEN"),
    }
    ctx.obj = Session(options, ctx.obj if isinstance(ctx.obj, Output) else Output())
    ctx.obj.out.json = as_json
    given = {"--data-dir": data_dir, "--url": url, "--token-file": token_file}
    ctx.obj.out.own = OwnCommand.of(
        [
            part
            for name, value in given.items()
            if _is_typed(ctx, name) and value is not None
            for part in (name, value)
        ]
    )


def _is_typed(ctx: click.Context, option: str) -> bool:
    """Return whether an option stands in the command line, and not in the environment."""
    name = option.removeprefix("--").replace("-", "_")
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


for _each in (
    open_page,
    status,
    identity,
    contact,
    send,
    inbox,
    follow,
    outbox,
    server,
    settings,
    token,
    module,
    backup,
    restore,
    salvage,
    compact,
    key,
    doctor,
    completion,
):
    command.add_command(_each)


def main() -> NoReturn:
    """Run the command, and end the process with its exit status."""
    open_missing_streams()
    if os.environ.get(VARIABLE):
        from qabel.cli.completing import suggestions  # noqa: PLC0415 - no command needs it

        answer_shell(partial(suggestions, command))
    output = Output()
    for stream in (sys.stdout, sys.stderr):
        # Letters that the locale lacks are escaped.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        exit_status = run(sys.argv[1:], output)
        output.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        exit_status = ExitStatus.PIPE_CLOSED
    except OSError as error:
        output.error(CommandError(f"Cannot write the output: {error.strerror}"))
        _discard(sys.stdout)
        exit_status = ExitStatus.FAILURE
    sys.exit(exit_status)


def _discard(stream: TextIO) -> None:
    """Send the rest of the output, buffered text included, to the null device."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(arguments: Sequence[str], output: Output) -> int:
    """Run the command and return its exit status; an error is printed in one line.

    Raises OSError, such as BrokenPipeError, if the output cannot be written.
    """
    try:
        with command.make_context(PROGRAM, list(arguments), obj=output) as ctx:
            command.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        if output.err.isatty():
            # The terminal shows ^C, and the next prompt belongs on a line of its own.
            output.err.write("\n")
        return ExitStatus.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        output.err.write(error.format_message() + "\n")
        return ExitStatus.USAGE
    except (CommandError, click.ClickException) as error:
        output.flush()
        failure = _command_error(error)
        output.error(failure)
        return failure.exit_status
    return ExitStatus.OK


def _command_error(error: CommandError | click.ClickException) -> CommandError:
    """Return an error of click as one of ours."""
    if isinstance(error, CommandError):
        return error
    context = getattr(error, "ctx", None)
    hint = f"See {PROGRAM if context is None else context.command_path} --help"
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        hint += "; a text that begins with a dash goes to the end, after --"
    return CommandError(_message(error), hint=hint, exit_status=ExitStatus.USAGE)


def _message(error: click.ClickException) -> str:
    """Return the message of an error of click, in the style of the others."""
    message = error.format_message()
    for old, new in _WORDS:
        message = message.replace(old, new)
    return message
