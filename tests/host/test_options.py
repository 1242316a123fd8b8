"""The options that daemons have in common, on the command line of the drop server."""

from pathlib import Path

import pytest

from qabel.dropserver.message_file import DAY, Retention
from qabel.dropserver.tap import Options
from qabel.host.start_errors import StartError


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the interpreter's way to show exceptions alone."""
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.delenv("QABEL_DROP_DATA_DIR", raising=False)


def parse(*arguments: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_the_defaults_are_for_this_machine_only() -> None:
    """With no options it listens on loopback, for a week, within a gigabyte."""
    options = parse()
    assert [place.description for place in options.listen] == ["tcp:9697:interface=127.0.0.1"]
    assert options.retention == Retention(lifetime=7 * DAY, quota=1_000_000_000, drop_quota=100_000)
    assert options.data_dir.is_absolute()
    assert options.data_dir.name == "qabel-drop"


def test_each_option_counts() -> None:
    """All options, with --listen given twice."""
    options = parse(
        "--listen=tcp:0:interface=127.0.0.1",
        "--listen=tcp:80",
        "--allow-remote",
        "--data-dir=data",
        "--lifetime=0.5",
        "--quota=20",
        "--drop-quota=30",
    )
    assert [place.reachable for place in options.listen] == [False, True]
    assert options.data_dir == Path.cwd() / "data"
    assert options.retention == Retention(lifetime=0.5 * DAY, quota=20_000_000, drop_quota=30)


def test_the_directory_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment names the directory, unless the command line does."""
    monkeypatch.setenv("QABEL_DROP_DATA_DIR", str(tmp_path))
    assert parse().data_dir == tmp_path
    assert parse("--data-dir=/x").data_dir == Path("/x")


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--listen=tcp:80", "--allow-remote"),
        ("--listen=80", "invalid endpoint"),
        ("--lifetime=0", "--lifetime must be"),
        ("--lifetime=week", "--lifetime must be"),
        ("--lifetime=nan", "--lifetime must be"),
        ("--quota=-1", "--quota must be"),
        ("--quota=0.1", "--quota must be"),
        ("--drop-quota=1.5", "whole number"),
        ("--frob", "not recognized"),
        ("surplus", "--help"),
    ],
)
def test_a_bad_option_is_one_line(argument: str, reason: str) -> None:
    """What is wrong is said in one line."""
    with pytest.raises(StartError, match=reason) as caught:
        parse(argument)
    assert "\n" not in str(caught.value)
