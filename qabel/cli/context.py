"""What all commands share: the session, the options that each of them has, how they are grouped."""

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

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One call of the command: which daemon it is about, and where its output goes."""

    def __init__(self, given: Mapping[str, Any], output: Output) -> None:
        """Prepare; ``given`` are the options of ``qabel`` itself."""
        self.data_directory = data_directory(given.get("data_dir"))
        self._url: str | None = given.get("url")
        self._token_file: str | None = given.get("token_file")
        self._token: str | None = given.get("token")
        self.out = output

    @cached_property
    def address(self) -> DaemonAddress:
        """The daemon that is meant."""
        if self._url is None:
            return DaemonAddress(socket=self.data_directory / SOCKET)
        return DaemonAddress(url=self._url)

    @cached_property
    def client(self) -> ApiClient:
        """What talks to the daemon."""
        return ApiClient(self.address, self.find_token())

    @property
    def token_path(self) -> Path:
        """The file of the daemon's main token."""
        return self.data_directory / TOKEN

    def find_token(self) -> str | None:
        """Find the token to show, if any: none is needed on the Unix socket."""
        if self._token_file is not None:
            return read_token(Path(self._token_file).expanduser())
        if self._token:
            return _checked(self._token, "QABEL_TOKEN")
        # The daemon's own token goes to no other machine unless it is said.
        if self._url is not None and self.address.is_local and self.token_path.exists():
            return read_token(self.token_path)
        return None

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone. Raises CommandError if the answer is no."""
        if yes:
            return
        if self.out.json or not sys.stdin.isatty():
            raise usage_error("this cannot be undone, and there is nobody to ask", "give --yes")
        if not click.confirm(visible(question), err=True):
            raise CommandError("nothing was done")


def read_token(path: Path) -> str:
    """Return the token in a file. Raises CommandError."""
    try:
        data = read_file(path, MAX_TOKEN)
    except CommandError as error:
        raise usage_error(error.message, "Check --token-file") from None
    return _checked(data.decode("ascii", "replace"), str(path))


def _checked(text: str, where: str) -> str:
    token = parse_word(text)
    if not token:
        raise usage_error(f"{where} does not contain a token")
    return token


def session_of(ctx: click.Context) -> Session:
    """Give the session; while a shell completes a word, one that shows nothing."""
    if isinstance(ctx.obj, Session):
        return ctx.obj
    return Session(ctx.find_root().params, Output(json=True))


pass_session: Callable[[F], F] = click.pass_obj  # type: ignore[assignment]


def _json_chosen(ctx: click.Context, _: click.Parameter, chosen: bool) -> None:
    if chosen and isinstance(ctx.obj, Session):
        ctx.obj.out.json = True


class Command(click.Command):
    """A command that also takes ``--json`` after its name, where people write it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any("--json" in each.opts for each in self.params):
            self.params.append(
                click.Option(
                    ["--json"],
                    is_flag=True,
                    expose_value=False,
                    callback=_json_chosen,
                    help="Write JSON, one value a line, for programs.",
                )
            )


class Group(click.Group):
    """A group whose commands are shown in the order in which they were written.

    One with ``listed`` does that command's work if none of its commands is named.
    """

    command_class = Command

    def __init__(self, *args: Any, listed: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order of the source."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the usual command in, where none is given."""
        named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        completing = ctx.resilient_parsing and not args
        if self._listed is not None and not named and not completing:
            args = [self._listed, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer to a shell the options of the usual command too."""
        found = super().shell_complete(ctx, incomplete)
        if self._listed is not None and incomplete.startswith("-"):
            usual = self.commands[self._listed]
            found = usual.shell_complete(click.Context(usual, parent=ctx), incomplete)
        return found


Group.group_class = Group
