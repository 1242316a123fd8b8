"""Where daemons log: a file that can be reopened and rotated, and whose errors are known."""

from pathlib import Path

import pytest
from twisted.logger import Logger, LogPublisher
from twisted.scripts.twistd import ServerOptions

from qabel.host import log_destination
from qabel.host.log_destination import DESTINATION, LogDestination, choose_destination


@pytest.fixture
def destination(tmp_path: Path) -> LogDestination:
    """Return a destination in a file."""
    made = LogDestination()
    made.file = str(tmp_path / "log")
    return made


def test_a_file_that_was_moved_away(destination: LogDestination, tmp_path: Path) -> None:
    """Once the file is opened anew, lines go to the new one, and none is lost."""
    log = Logger("here", observer=LogPublisher(destination()))
    assert destination.is_file
    log.info("one")
    (tmp_path / "log").rename(tmp_path / "old")
    log.info("two")
    destination.reopen()
    log.info("three")
    assert (tmp_path / "old").read_text().count("\n") == 2
    assert "three" in (tmp_path / "log").read_text()
    assert destination.error is None


def test_rotating(destination: LogDestination, tmp_path: Path) -> None:
    """A rotated file gets a number, and a new one is begun."""
    log = Logger("here", observer=LogPublisher(destination()))
    log.info("one")
    destination.rotate()
    log.info("two")
    assert "one" in (tmp_path / "log.1").read_text()
    assert "two" in (tmp_path / "log").read_text()


def test_a_file_that_cannot_be_opened_anew(destination: LogDestination, tmp_path: Path) -> None:
    """If the directory is gone, the file that is open stays in use, and the error is known."""
    folder = tmp_path / "folder"
    folder.mkdir()
    destination.file = str(folder / "log")
    log = Logger("here", observer=LogPublisher(destination()))
    log.info("one")
    folder.rename(tmp_path / "away")
    destination.reopen()
    assert destination.error == "No such file or directory"
    log.info("two")
    assert "two" in (tmp_path / "away" / "log").read_text()
    assert destination.error is None


def test_a_full_disk(destination: LogDestination) -> None:
    """A line that cannot be written is no error for who logs it; the reason is known."""
    destination.file = "/dev/full"
    log = Logger("here", observer=LogPublisher(destination()))
    log.info("one")
    assert destination.error == "No space left on device"


@pytest.mark.parametrize(
    ("options", "as_json", "expected", "is_own"),
    [
        (["--nodaemon"], False, None, False),
        (["--nodaemon"], True, None, True),
        (["--nodaemon", "--logfile=x"], False, "x", True),
        (["--nodaemon", "--logfile=-"], False, None, False),
        ([], False, "twistd.log", True),
        (["--syslog"], False, None, False),
    ],
)
def test_where_it_goes(
    options: list[str], as_json: bool, expected: str | None, is_own: bool
) -> None:
    """The log goes where twistd would have logged; what twistd does as well is left to it."""
    twistd = ServerOptions()
    twistd.parseOptions(options)
    choose_destination(twistd, None, as_json=as_json)
    assert DESTINATION.file == expected
    assert DESTINATION.as_json == as_json
    assert (twistd["logger"] == f"{log_destination.__name__}.DESTINATION") == is_own
