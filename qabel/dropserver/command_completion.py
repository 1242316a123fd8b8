"""What a shell is offered on the command line of ``qabel-drop``: its commands, and all options."""

from collections.abc import Sequence

from qabel.drop.url import DROP_ID_BITS, DROP_ID_BITS_OFFERED
from qabel.dropserver.command_list import COMMANDS, load_command
from qabel.host.command_completion import program_suggestions
from qabel.host.daemon_options import DaemonOptions
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
    return program_suggestions(
        options, _VALUES, COMMANDS, lambda name: load_command(name).parser(), words, typed
    )
