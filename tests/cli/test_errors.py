"""Exit statuses, which scripts rely on."""

import re

import pytest

from qabel.cli.errors import CommandError, ExitStatus, not_found, usage_error, wrong_keys
from tests.cli.conftest import call


def test_help_lists_every_exit_status() -> None:
    """``qabel --help`` lists all exit statuses, also those that stand for signals."""
    section = call("--help").out.partition("Exit status:")[2].partition("\n\n")[0]
    listed = [int(each) for each in re.findall(r"^ +(\d+)  +\w", section, re.MULTILINE)]
    assert listed == sorted(ExitStatus)


@pytest.mark.parametrize(
    ("error", "exit_status"),
    [
        (CommandError("a"), ExitStatus.FAILURE),
        (not_found("a"), ExitStatus.NOT_FOUND),
        (usage_error("a"), ExitStatus.USAGE),
    ],
)
def test_exit_statuses(error: CommandError, exit_status: ExitStatus) -> None:
    """Something missing and a wrong command line are told from other failures."""
    assert error.exit_status == exit_status


@pytest.mark.parametrize(
    ("errors", "keys"),
    [([{"key": "a"}, "b", {"key": "c.d"}], ["a", "c.d"]), ("many", []), (None, []), ([], [])],
)
def test_wrong_keys(errors: object, keys: list[str]) -> None:
    """The keys are read out of whatever a daemon sends."""
    assert wrong_keys(CommandError("a", problem={"errors": errors})) == keys
