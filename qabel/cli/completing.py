"""What ``qabel`` offers a shell for the word that is being typed."""

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

from qabel.cli.completers import Completer, completer_of
from qabel.cli.module_commands import RootGroup
from qabel.host.shell_words import Suggestion

_OF_SHELL = ("file", "dir")


def suggestions(command: click.Command, words: Sequence[str], typed: str) -> list[Suggestion]:
    """Return what can stand in the place of the last word.

    Args:
        command: the command ``qabel``.
        words: the words between its name and the last one.
        typed: the last word, as far as it is typed.

    """
    _attach(command)
    if isinstance(command, RootGroup):
        # Those of modules are imported only where they are needed.
        command.on_load = lambda name, loaded: _attach(loaded, name)
    shell = ShellComplete(command, {}, "qabel", "")
    # What follows an equals sign is the value of an option.
    before = typed[: typed.find("=") + 1] if typed.startswith("--") else ""
    found: dict[str, Suggestion] = {}
    for each in shell.get_completions(list(words), typed):
        word = before + str(each.value)
        if word.isprintable():
            meaning = " ".join((each.help or "").split())
            found.setdefault(word, Suggestion(each.type, word, meaning))
    return list(found.values())


def _attach(command: click.Command, group: str = "") -> None:
    """Let each parameter complete its value as its name in the help says."""
    for parameter in command.params:
        completer = completer_of(group, parameter)
        if completer is not None and not isinstance(parameter.type, click.Choice):
            parameter.shell_complete = _matching(completer)  # type: ignore[assignment,method-assign]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            _attach(inner, name if isinstance(inner, click.Group) else group or name)


def _matching(completer: Completer) -> Callable[[click.Context, str], list[CompletionItem]]:
    """Return a completer that offers only what begins as the word does, in any letter case."""

    def complete(ctx: click.Context, typed: str) -> list[CompletionItem]:
        begin = typed.casefold()
        return [
            each
            for each in completer(ctx, typed)
            if each.type in _OF_SHELL or str(each.value).casefold().startswith(begin)
        ]

    return complete
