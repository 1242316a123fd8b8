"""What the commands of ``qabel-drop`` have in common: ``check``, ``purge`` and others."""

import argparse
from pathlib import Path

from qabel.host.data_directory import choose_data_directory

PROGRAM = "qabel-drop"


def parser_for(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that all commands have."""
    parser = argparse.ArgumentParser(name, description=description, allow_abbrev=False)
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="the data directory of the server [default: $QABEL_DROP_DATA_DIR, or per user]",
    )
    return parser


def data_directory(given: argparse.Namespace) -> Path:
    """Return the data directory that a command line means."""
    return choose_data_directory(given.data_dir, variable="QABEL_DROP_DATA_DIR", name=PROGRAM)


def count(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
