"""What a shell is offered on the command line of ``qabel-drop``: its commands, and all options."""

import argparse
from collections.abc import Sequence

from qabel.drop.url import DROP_ID_BITS, DROP_ID_BITS_OFFERED
from qabel.dropserver.command_list import COMMANDS, load_command
from qabel.host.command_help import OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.host.option_completion import option_suggestions, suggest_options
from qabel.host.shell_words import Suggestion

_VALUES = {
    "drop-id-bits": {
        str(bits): "nobody shares a drop"
        if bits == DROP_ID_BITS
        else f"people share {2**bits:,} drops"
        for bits in DROP_ID_BITS_OFFERED
    }
}


def drop_suggestions(
    options: DaemonOptions, words: Sequence[str], typed: str
) -> Sequence[Suggestion]:
    """Return what can stand in the place of the last word.

    Args:
        options: those with which the server is run.
        words: the words between the name of the program and the last one.
        typed: the last word, as far as it is typed.

    """
    if words and words[0] in COMMANDS:
        return _of_command(load_command(words[0]).parser(), words[1:], typed)
    offered = option_suggestions(options, _VALUES, words, typed)
    if words:
        return offered
    commands = [
        Suggestion("plain", name, meaning)
        for name, meaning in COMMANDS.items()
        if name.startswith(typed)
    ]
    return [*commands, *offered]


def _of_command(
    parser: argparse.ArgumentParser, words: Sequence[str], typed: str
) -> Sequence[Suggestion]:
    known, explanations, takes_file = {}, {}, False
    for action in parser._actions:  # noqa: SLF001 - there is no other way to ask
        takes_file = takes_file or action.metavar == "FILE"
        for name in (each[2:] for each in action.option_strings if each.startswith("--")):
            takes_value = action.nargs != 0
            known[name] = OptionHelp(name, str(action.metavar or ("N" if takes_value else "")))
            explanations[name] = action.help or ""
    offered = suggest_options(known, explanations, _VALUES, words, typed)
    is_value = bool(words) and words[-1][2:] in known and known[words[-1][2:]].metavar
    if takes_file and not is_value and not typed.startswith("-"):
        return [Suggestion("file", ""), *(offered if not typed else [])]
    return offered
