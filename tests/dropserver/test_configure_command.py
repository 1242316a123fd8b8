"""``qabel-drop configure``: what is set for all servers of a database, and wrong input."""

import subprocess
import sys

import pytest

from qabel.dropserver.message_values import MEGABYTE
from qabel.dropserver.postgresql.configuration import agree
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.schema import VERSION, bring_up_to_date
from qabel.dropserver.wanted import Wanted
from tests.dropserver.test_check_command import check
from tests.integration.processes import DEADLINE

PROGRAM = "import sys; sys.argv[0] = 'qabel-drop'; from qabel.daemon_commands import drop; drop()"


def configure(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "configure", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )


@pytest.fixture
def used(database: str) -> str:
    """Return the URL of a database that a server has used."""
    link = DatabaseLink(database)
    with link.use() as connection:
        bring_up_to_date(connection)
        agree(connection, VERSION, Wanted(quota=100 * MEGABYTE))
    link.close()
    return database


def test_changing_and_showing(used: str) -> None:
    """What is given is changed, the rest stays; without anything, it is shown."""
    done = configure(f"--database={used}", "--quota", "2500", "--lifetime=3")
    assert (done.returncode, done.stderr) == (0, "")
    expected = (
        "Messages are kept for 3 days: 2,500 MB at most, and 100,000 in one drop. "
        "Ids of new drops have 256 random bits.\n"
    )
    assert done.stdout == expected
    assert configure(f"--database={used}").stdout == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--quota=5",), "say which database: --database, or $QABEL_DROP_DATABASE"),
        (("--database=x",), "must be the URL of a PostgreSQL database"),
        (("--database={}", "--quota=0"), "--quota must be a number greater than 0"),
        (("--database={}", "--quota=0.5"), "--quota must be at least 1, not '0.5'"),
        (("--database={}", "--lifetime=week"), "--lifetime must be a number greater than 0"),
        (("--database={}",), "no drop server has used the database yet"),
        (("--database=postgresql:///x?host=/nowhere",), "cannot use the database"),
    ],
)
def test_wrong_input(database: str, arguments: tuple[str, ...], said: str) -> None:
    """Each mistake is one line, and status 1."""
    done = configure(*(each.format(database) for each in arguments))
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith("qabel-drop configure: ")
    assert done.stderr.count("\n") == 1


def test_checking(used: str, database: str) -> None:
    """``check`` says what is in the database; one that no server has used is named as such."""
    done = check(f"--database={used}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The database is whole.\nIt has 0 messages in 0 drops,")


def test_checking_what_nobody_has_used(database: str) -> None:
    """An empty database is no drop server's."""
    done = check(f"--database={database}")
    assert done.returncode == 1
    assert "is empty: no drop server has used it" in done.stderr
