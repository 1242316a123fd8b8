"""What the commands for a daemon that is not running have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qabel.cli.context import Session
from qabel.cli.errors import CommandError
from qabel.cli.offline import chosen_directory, work
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
    session = Session({}, Output())
    with pytest.raises(CommandError, match=r"^No database found"), work(session, "working"):
        raise error


@pytest.mark.parametrize(
    ("keys", "shown"), [((), True), (("file", None), True), (("file", "passphrase-fd:0"), False)]
)
def test_nothing_is_shown_over_a_prompt(keys: tuple[str | None, ...], *, shown: bool) -> None:
    """Work shows a spinner, unless a passphrase may be typed meanwhile."""
    labels: list[str] = []

    class Watched(Output):
        @contextmanager
        def progress(self, label: str) -> Iterator[Callable[[str], None]]:
            labels.append(label)
            yield labels.append

    with work(Session({}, Watched()), "working", *keys) as show:
        show("half done")
    assert labels == (["working", "half done"] if shown else [])
