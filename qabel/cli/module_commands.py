"""Commands of modules: found by entry point, and imported only when they are called or listed.

The name of an entry point is that of the command, its value names a ``click.Command``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import click
from attrs import define, field, frozen

from qabel.cli.context import Command, Group, Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.start_hint import start_command

GROUP = "qabel.commands"
"""The group of entry points."""

OWN = "qabel"
"""The package whose commands go before those of others, as those that are built in do."""

OnLoad = Callable[[str, click.Command], None]


class InstalledCommand(Protocol):
    """An entry point: ``importlib.metadata.EntryPoint``."""

    name: str
    value: str

    @property
    def dist(self) -> Any:
        """The package that it is of; None if that is unknown."""

    def load(self) -> Any:
        """Import and return what it names."""


def installed_commands() -> Sequence[InstalledCommand]:
    """Return the entry points of the commands that are installed."""
    # Importing this takes a third of the time in which `qabel` starts.
    from importlib.metadata import EntryPoint, entry_points  # noqa: PLC0415

    found: Sequence[EntryPoint] = tuple(entry_points(group=GROUP))
    return found


@frozen
class RefusedCommand:
    """A command that cannot be called, as its name is that of another one."""

    name: str
    package: str
    reason: str


@define(eq=False)
class ModuleCommands:
    """The commands of modules, looked up when they are first needed.

    Args:
        taken: names that modules cannot have.
        find: returns the entry points of those that are installed.

    """

    _taken: Callable[[], Iterable[str]]
    _find: Callable[[], Iterable[InstalledCommand]] = installed_commands
    _found: dict[str, InstalledCommand] | None = field(default=None, init=False)
    _refused: list[RefusedCommand] = field(factory=list, init=False)
    _loaded: dict[str, click.Command] = field(factory=dict, init=False)

    @property
    def names(self) -> list[str]:
        """Their names, sorted."""
        return sorted(self._entries())

    @property
    def refused(self) -> Sequence[RefusedCommand]:
        """Those that cannot be called."""
        self._entries()
        return self._refused

    def get(self, name: str) -> click.Command | None:
        """Return a command; None if there is none. One that is broken raises when it is called."""
        entry = self._entries().get(name)
        if entry is None:
            return None
        if name not in self._loaded:
            self._loaded[name] = _load(entry)
        return self._loaded[name]

    def _entries(self) -> Mapping[str, InstalledCommand]:
        if self._found is None:
            self._found = {}
            found = sorted(self._find(), key=lambda each: (package_of(each) != OWN, each.value))
            for each in found:
                self._add(each, self._found)
        return self._found

    def _add(self, entry: InstalledCommand, found: dict[str, InstalledCommand]) -> None:
        other = found.get(entry.name)
        if entry.name in self._taken():
            reason = "a built-in command has this name"
        elif other is None:
            found[entry.name] = entry
            return
        elif other.value == entry.value:
            return
        else:
            reason = f"a command of {package_of(other)} has this name"
        self._refused.append(RefusedCommand(entry.name, package_of(entry), reason))


def package_of(entry: InstalledCommand) -> str:
    """Return the name of the package that a command is of."""
    return "?" if entry.dist is None else str(entry.dist.name)


def _load(entry: InstalledCommand) -> click.Command:
    try:
        command = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are to work
        return _broken(entry, f"It cannot be imported: {error!r}")
    if not isinstance(command, click.Command):
        return _broken(entry, "Its entry point names no click.Command")
    return command


def _broken(entry: InstalledCommand, reason: str) -> click.Command:
    """Return a command that says what is wrong with it."""
    package = package_of(entry)

    def fail(**_: object) -> None:
        raise CommandError(
            f"The command {entry.name} of {package} is broken: {reason}",
            hint="Update it, or uninstall it",
        )

    return Command(
        entry.name,
        callback=fail,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        short_help=f"Broken, of {package}.",
        help=f"Broken, of {package}. {reason}.",
    )


class RootGroup(Group):
    """The command ``qabel``: commands of its own, and those of modules."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of_modules = ModuleCommands(lambda: self.commands)
        self.on_load: OnLoad = lambda name, command: None
        """Called with a command of a module before it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names: those of modules come last."""
        return [*super().list_commands(ctx), *self.of_modules.names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = self.of_modules.get(cmd_name)
        if found is not None:
            self.on_load(cmd_name, found)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, and which were refused."""
        super().format_commands(ctx, formatter)
        if self.of_modules.refused:
            with formatter.section("Refused commands"):
                formatter.write_dl(
                    [(each.name, f"Of {each.package}: {each.reason}.") for each in self.refused]
                )

    @property
    def refused(self) -> Sequence[RefusedCommand]:
        """The commands of modules that cannot be called."""
        return self.of_modules.refused

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. One of a module says if the module does not run."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            is_of_module = ctx.invoked_subcommand not in self.commands
            if error.http_status == 404 and is_of_module and isinstance(ctx.obj, Session):
                _explain(ctx.obj, error)
            raise


def _explain(session: Session, error: CommandError) -> None:
    """Raise an error that says that the module does not run, if that is why there is nothing."""
    name = error.path.strip("/").partition("/")[0]
    try:
        modules = {each["name"]: each for each in session.client.get("/modules")}
    except CommandError:
        return
    if name not in modules:
        raise CommandError(
            f"The module {name} does not run in the daemon",
            hint=f"Start the daemon with it: {start_command(session.data_directory)} "
            f"--module {name}",
            exit_status=ExitStatus.FAILURE,
        ) from None
    if modules[name]["state"] == "failed":
        reason = str(modules[name]["reason"]).rstrip(".")
        raise CommandError(
            f"The module {name} has failed: {reason}", hint="Run: qabel module list"
        ) from None
