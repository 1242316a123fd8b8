"""What a shell is offered for a daemon that has commands, too: these, and all options.

Nothing here knows Qabel.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence

from qabel.host.command_help import OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.host.option_completion import Values, option_suggestions, suggest_options
from qabel.host.shell_words import Suggestion

LoadParser = Callable[[str], argparse.ArgumentParser]
"""Returns the parser of a command's line, by the command's name."""


def program_suggestions(
    options: DaemonOptions,
    values: Values,
    commands: Mapping[str, str],
    load_parser: LoadParser,
    words: Sequence[str],
    typed: str,
) -> Sequence[Suggestion]:
    """Return what can stand in the place of the last word.

    Args:
        options: those with which the daemon is run.
        values: the values of options that have few.
        commands: what each command does.
        load_parser: returns the parser of a command.
        words: the words between the name of the program and the last one.
        typed: the last word, as far as it is typed.

    """
    if words and words[0] in commands:
        return _of_command(load_parser(words[0]), values, words[1:], typed)
    offered = option_suggestions(options, values, words, typed)
    if words:
        return offered
    return [*_beginning_with(typed, commands), *offered]


def _beginning_with(typed: str, words: Mapping[str, str]) -> list[Suggestion]:
    return [
        Suggestion("plain", word, meaning)
        for word, meaning in words.items()
        if word.startswith(typed)
    ]


def _of_command(
    parser: argparse.ArgumentParser, values: Values, words: Sequence[str], typed: str
) -> Sequence[Suggestion]:
    known, explanations = {}, {}
    places: list[argparse.Action] = []
    for action in parser._actions:  # noqa: SLF001 - there is no other way to ask
        if not action.option_strings:
            places.append(action)
        for name in (each[2:] for each in action.option_strings if each.startswith("--")):
            takes_value = action.nargs != 0
            known[name] = OptionHelp(name, str(action.metavar or ("N" if takes_value else "")))
            explanations[name] = action.help or ""
    offered = suggest_options(known, explanations, values, words, typed)
    is_value = bool(words) and words[-1][2:] in known and known[words[-1][2:]].metavar
    if is_value or typed.startswith("-"):
        return offered
    place = _place_of_last(places, known, words)
    if place is not None and place.metavar == "FILE":
        return [Suggestion("file", ""), *offered]
    choices = dict.fromkeys(map(str, (place and place.choices) or ()), "")
    return [*_beginning_with(typed, choices), *offered]


def _place_of_last(
    places: Sequence[argparse.Action], known: Mapping[str, OptionHelp], words: Sequence[str]
) -> argparse.Action | None:
    """Return which of the arguments without a name the last word is; None if it is one too many."""
    count, is_value = 0, False
    for word in words:
        option, equals, _ = word.partition("=")
        is_option = option.startswith("-") and not is_value
        count += not (is_option or is_value)
        named = known.get(option[2:]) if is_option else None
        is_value = named is not None and bool(named.metavar) and not equals
    return places[count] if count < len(places) else None
