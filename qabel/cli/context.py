"""What all commands share: the session, the option ``--json``, and how commands are grouped."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, usage_error
from qabel.cli.files import parse_word, read_file
from qabel.cli.output import Output
from qabel.cli.paths import SOCKET, TOKEN, data_directory
from qabel.cli.text import visible

MAX_TOKEN = 1000
"""Bytes of a token file."""

WIDEST_HELP, NARROWEST_HELP = 80, 30
"""Columns of help texts."""

_NUMBER = re.compile(r"-\.?[0-9]")

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One call of the command: the daemon that it talks to, and its output."""

    def __init__(self, options: Mapping[str, Any], output: Output) -> None:
        """Create it from the options of ``qabel`` itself."""
        self.data_directory = data_directory(options.get("data_dir"))
        url: str | None = options.get("url")
        self._url = None if url is None else url.strip(" \t\r\n<>\"'")
        self._token_file: str | None = options.get("token_file")
        self._token: str | None = options.get("token")
        self.out = output

    @cached_property
    def address(self) -> DaemonAddress:
        """The address of the daemon."""
        if self._url is None:
            return DaemonAddress(socket=self.data_directory / SOCKET)
        return DaemonAddress.from_url(self._url)

    @cached_property
    def client(self) -> ApiClient:
        """The client for the daemon's REST API."""
        return ApiClient(self.address, self.find_token())

    @property
    def token_path(self) -> Path:
        """The file with the daemon's main token."""
        return self.data_directory / TOKEN

    def find_token(self) -> str | None:
        """Return the token to send, if any: the Unix socket needs none."""
        if self._token_file is not None:
            return read_token(Path(self._token_file).expanduser())
        if self._token:
            return _checked(self._token, "QABEL_TOKEN")
        # The daemon's own token is sent to another machine only on request.
        if self._url is not None and self.address.is_local and os.path.lexists(self.token_path):
            return read_token(self.token_path)
        return None

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something irreversible is done. Raises CommandError if the answer is no."""
        if yes:
            return
        if self.out.json or not sys.stdin.isatty():
            raise usage_error("This cannot be undone", "Pass --yes to confirm it")
        if not click.confirm(visible(question), err=True):
            raise CommandError("Cancelled; nothing was changed")


def read_token(path: Path) -> str:
    """Return the token in a file. Raises CommandError."""
    from qabel.jsontext import as_utf8  # noqa: PLC0415 - few calls need it, and it takes its time

    try:
        data = read_file(path, MAX_TOKEN)
    except CommandError as error:
        raise usage_error(error.message, "Check --token-file") from None
    return _checked(as_utf8(data).decode(errors="replace"), str(path))


def _checked(text: str, source: str) -> str:
    token = parse_word(text)
    if not token:
        raise usage_error(f"{source} does not contain a token")
    return token


def session_of(ctx: click.Context) -> Session:
    """Return the session; while a shell completes a word, one without visible output."""
    if isinstance(ctx.obj, Session):
        return ctx.obj
    options = {**ctx.find_root().params, "token": os.environ.get("QABEL_TOKEN")}
    return Session(options, Output(json=True))


pass_session: Callable[[F], F] = click.pass_obj  # type: ignore[assignment]

JSON_HELP = "Print JSON, one value per line."


def _set_json(ctx: click.Context, _: click.Parameter, chosen: bool) -> None:
    if chosen and isinstance(ctx.obj, Session):
        ctx.obj.out.json = True


def _is_flag(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.is_flag


class _HelpFormatter(click.HelpFormatter):
    """Fits help to the terminal; that of click is never narrower than 50 columns."""

    def __init__(self, indent_increment: int = 2, *_: object, **__: object) -> None:
        columns = min(shutil.get_terminal_size().columns, WIDEST_HELP)
        super().__init__(indent_increment, width=max(columns - 2, NARROWEST_HELP))


class _Context(click.Context):
    formatter_class = _HelpFormatter


class Command(click.Command):
    """A command that accepts ``--json`` after its name too."""

    context_class = _Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse a command line; a negative number is no option, unless the value of one."""
        return super().parse_args(ctx, self._with_numbers(args))

    def _with_numbers(self, args: list[str]) -> list[str]:
        """Return arguments in which numbers that begin with a dash follow ``--``."""
        flags = {name for each in self.params for name in each.opts if _is_flag(each)}
        numbers = [
            at
            for at, each in enumerate(args)
            if _NUMBER.match(each)
            and (at == 0 or not args[at - 1].startswith("-") or args[at - 1] in flags)
        ]
        if not numbers or "--" in args or len(numbers) > 1:
            return args
        [at] = numbers
        is_last = all(each.startswith("-") for each in args[at + 1 :])
        return [*args[:at], *args[at + 1 :], "--", args[at]] if is_last else args

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any("--json" in each.opts for each in self.params):
            self.params.append(
                click.Option(
                    ["--json"],
                    is_flag=True,
                    expose_value=False,
                    callback=_set_json,
                    help=JSON_HELP,
                )
            )


class Group(click.Group):
    """A group of commands, listed in the order of the source.

    Without the name of a command, the one called ``default`` is run.
    """

    command_class = Command
    context_class = _Context

    def __init__(self, *args: Any, default: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the source."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the name of the default command where none is given."""
        named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        completing = ctx.resilient_parsing and not args
        if self._default is not None and not named and not completing:
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, or the options of the default command."""
        found = super().shell_complete(ctx, incomplete)
        if self._default is not None and incomplete.startswith("-"):
            command = self.commands[self._default]
            found = command.shell_complete(click.Context(command, parent=ctx), incomplete)
        return found


Group.group_class = Group
