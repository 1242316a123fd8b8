"""The commands ``qabel-rest``, ``qabel-drop`` and ``qabel-block``: the daemons, in the foreground.

The same daemons run under ``twistd``, from the same options; see ``twisted/plugins``.
"""

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from qabel.host.interrupts import end_quietly_on_interrupt
from qabel.host.shell_words import VARIABLE, answer_shell
from qabel.host.standard_streams import open_missing_streams
from qabel.host.supported_system import require_posix

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from qabel.host.daemon_options import DaemonOptions

_AUTH = {
    "token": "each request needs a token",
    "none": "programs on this machine need no token",
}


def rest() -> NoReturn:
    """Run ``qabel-rest``, and end the process with its exit status."""
    _prepare("qabel-rest")
    from qabel.host.foreground import run_in_foreground  # noqa: PLC0415 - see _prepare
    from qabel.tap import Options, makeService  # noqa: PLC0415

    options = Options()
    _answer_shell(options)
    sys.exit(run_in_foreground(options, makeService, sys.argv[1:]))


def drop() -> NoReturn:
    """Run ``qabel-drop``, and end the process with its exit status."""
    _prepare("qabel-drop")
    from qabel.dropserver.command_list import COMMANDS, load_command  # noqa: PLC0415

    if os.environ.get(VARIABLE):
        _answer_shell_about_drop()
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(load_command(sys.argv[1]).run(sys.argv[2:]))
    from qabel.dropserver.tap import Options, makeService  # noqa: PLC0415 - see _prepare
    from qabel.host.foreground import run_in_foreground  # noqa: PLC0415

    sys.exit(run_in_foreground(Options(), makeService, sys.argv[1:]))


def block() -> NoReturn:
    """Run ``qabel-block``, and end the process with its exit status."""
    _prepare("qabel-block")
    from qabel.blockserver.block_commands import COMMANDS, load_block_command  # noqa: PLC0415

    # First of all: zsh and fish pass a command that is being typed, which must not be run.
    if os.environ.get(VARIABLE):
        _answer_shell_about_block()
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(load_block_command(sys.argv[1]).run(sys.argv[2:]))
    from qabel.blockserver.tap import Options, makeService  # noqa: PLC0415 - see _prepare
    from qabel.host.foreground import run_in_foreground  # noqa: PLC0415

    sys.exit(run_in_foreground(Options(), makeService, sys.argv[1:]))


def _answer_shell_about_drop() -> None:
    from qabel.dropserver.command_completion import drop_suggestions  # noqa: PLC0415 - see _prepare
    from qabel.dropserver.tap import Options  # noqa: PLC0415

    answer_shell(partial(drop_suggestions, Options()))


def _answer_shell_about_block() -> None:
    from qabel.blockserver.block_commands import COMMANDS, load_block_command  # noqa: PLC0415
    from qabel.blockserver.tap import Options  # noqa: PLC0415
    from qabel.host.command_completion import program_suggestions  # noqa: PLC0415

    def load_parser(name: str) -> "ArgumentParser":
        return load_block_command(name).parser()

    answer_shell(partial(program_suggestions, Options(), {}, COMMANDS, load_parser))


def _answer_shell(options: "DaemonOptions") -> None:
    """If a shell asks what it can offer for a word, answer, and end the process."""
    if not os.environ.get(VARIABLE):
        return
    from qabel.cli.completers import KEY_PLACES  # noqa: PLC0415 - see _prepare
    from qabel.host.option_completion import option_suggestions  # noqa: PLC0415

    values = {"key": KEY_PLACES, "auth": _AUTH}
    answer_shell(partial(option_suggestions, options, values))


def _prepare(name: str) -> None:
    """Prepare the process for what takes long to import: an interrupt meanwhile ends it quietly."""
    end_quietly_on_interrupt()
    open_missing_streams()
    require_posix(name)
