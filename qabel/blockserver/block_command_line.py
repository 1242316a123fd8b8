"""What the commands of ``qabel-block`` have in common."""

import argparse
from pathlib import Path

from qabel.host.data_directory import choose_data_directory

PROGRAM = "qabel-block"
VARIABLE = "QABEL_BLOCK_DATA_DIR"


def block_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the option that all commands have."""
    parser = argparse.ArgumentParser(name, description=description, allow_abbrev=False)
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help=f"the data directory of the server [default: ${VARIABLE}, or per user]",
    )
    return parser


def block_directory(given: str | None) -> Path:
    """Return the data directory that a command line means."""
    return choose_data_directory(given, variable=VARIABLE, name=PROGRAM)
