"""What the commands for a daemon that is not running have in common."""

from pathlib import Path

import pytest

from qabel.cli.context import Session
from qabel.cli.errors import CommandError
from qabel.cli.offline import chosen_directory, errors_in_one_line
from qabel.cli.output import Output
from qabel.host.start_errors import StartError
from qabel.store.database.errors import Corrupt


def test_the_directory() -> None:
    """The option after the command's name comes first."""
    session = Session({"data_dir": "/one"}, Output())
    assert chosen_directory(session, None) == Path("/one")
    assert chosen_directory(session, "/other") == Path("/other")


@pytest.mark.parametrize("error", [StartError("no database found"), Corrupt("No database found")])
def test_errors(error: Exception) -> None:
    """What is wrong is an error of the command, as a sentence."""
    with pytest.raises(CommandError, match=r"^No database found"), errors_in_one_line():
        raise error
