"""The command ``qabel``: what a person, or a script, does with a running daemon.

It talks HTTP to the daemon, over the Unix socket in its data directory or to ``--url``, and never
opens the database.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

import click
from click.shell_completion import shell_complete

from qabel import __version__
from qabel.cli.backup import backup
from qabel.cli.completion import PROGRAM, VARIABLE, completion
from qabel.cli.contact import contact
from qabel.cli.context import Group, Session
from qabel.cli.doctor import doctor
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.follow import follow
from qabel.cli.identity import identity
from qabel.cli.inbox import inbox
from qabel.cli.key import key
from qabel.cli.outbox import outbox
from qabel.cli.output import Output
from qabel.cli.paths import DATA_DIR
from qabel.cli.send import send
from qabel.cli.server import server
from qabel.cli.settings import settings
from qabel.cli.status import status
from qabel.cli.text import visible
from qabel.cli.token import token

__all__ = ["command", "main", "run"]

EPILOG = """
\b
Exit status:
  0  done
  1  the daemon said no, or something is broken
  2  the command makes no sense as it was given
  3  no daemon can be reached
  4  what was named is not there
  5  it has not happened in the time that was given

\b
Environment:
  QABEL_DATA_DIR  the daemon's data directory
  QABEL_URL       as --url
  QABEL_TOKEN     the token for --url
  NO_COLOR        no colours, on terminals too
"""


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data-dir", metavar="DIR", help=f"The daemon's data directory. [${DATA_DIR}, or per user]"
)
@click.option(
    "--url", metavar="URL", envvar="QABEL_URL", help="Talk to the daemon here, not over its socket."
)
@click.option(
    "--token-file",
    metavar="FILE",
    help="A file with the token for --url. [$QABEL_TOKEN, or the one in the data directory]",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one value a line, for programs.")
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

    This talks to the Qabel daemon, which does the work: twistd -n qabel-rest starts one.

    \b
    A beginning:
      qabel server add https://drop.example.org
      qabel identity new Alice
      qabel identity card Alice alice.qco       (give this to Bob)
      qabel contact import bob.qco              (and this is from him)
      qabel send Bob "Hello Bob"
      qabel follow
    """  # noqa: D301 - click leaves the lines below that character as they are
    given = {
        "data_dir": data_dir,
        "url": url,
        "token_file": token_file,
        "token": os.environ.get("QABEL_TOKEN"),
    }
    ctx.obj = Session(given, ctx.obj if isinstance(ctx.obj, Output) else Output())
    ctx.obj.out.json = as_json


for _each in (
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
    backup,
    key,
    doctor,
    completion,
):
    command.add_command(_each)


def main() -> NoReturn:
    """Run the command, and end the process with its exit status."""
    _open_what_is_closed()
    instruction = os.environ.get(VARIABLE)
    if instruction:
        sys.exit(shell_complete(command, {}, PROGRAM, VARIABLE, instruction))
    output = Output()
    for stream in (sys.stdout, sys.stderr):
        # A locale that lacks a letter is no reason to fail.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:], output)
        output.flush()
    except BrokenPipeError:
        _close(sys.stdout)
        code = ExitStatus.PIPE_CLOSED
    except OSError as error:
        code = _fail(output, CommandError(f"the output cannot be written: {error.strerror}"))
        _close(sys.stdout)
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Have something in the place of streams that whoever started this has closed."""
    # The lowest number that is free is taken: each gets its own.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode))


def _close(stream: TextIO) -> None:
    """Have nothing more written, not even what waits to be: nobody can take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(arguments: Sequence[str], output: Output) -> int:
    """Run the command, and give its exit status; what goes wrong is said in one line.

    Raises OSError, such as BrokenPipeError, if the output cannot be written.
    """
    try:
        with command.make_context(PROGRAM, list(arguments), obj=output) as ctx:
            command.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        output.err.write(error.format_message() + "\n")
        return ExitStatus.USAGE
    except (CommandError, click.ClickException) as error:
        output.flush()
        return _fail(output, _explained(error))
    return ExitStatus.OK


def _explained(error: CommandError | click.ClickException) -> CommandError:
    """Give an error of click's as one of ours."""
    if isinstance(error, CommandError):
        return error
    context = getattr(error, "ctx", None)
    hint = f"see {PROGRAM if context is None else context.command_path} --help"
    return CommandError(error.format_message(), hint=hint, exit_status=ExitStatus.USAGE)


def _fail(output: Output, error: CommandError) -> int:
    """Say what went wrong, in one line."""
    if output.json:
        told = {"error": error.message, "hint": error.hint, "exit": int(error.exit_status)}
        if error.http_status:
            told["status"] = error.http_status
        output.err.write(json.dumps(told) + "\n")
        return error.exit_status
    message = visible(error.message).rstrip(".")
    line = output.styled(f"{PROGRAM}: {message}", "red", err=True)
    hint = f" ({visible(error.hint)})" if error.hint else ""
    output.err.write(line + hint + "\n")
    return error.exit_status
