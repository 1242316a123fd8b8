"""The command line of the drop server: where it listens, and what it keeps for how long."""

from pathlib import Path

import pytest

from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.dropserver.message_values import DAY, HALF_OF_DISK, Retention
from qabel.dropserver.server_limits import ServerLimits
from qabel.dropserver.tap import Options
from qabel.host.start_errors import StartError


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protect the interpreter's exception hook, and use no directory of the environment."""
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.delenv("QABEL_DROP_DATA_DIR", raising=False)


def parse(*arguments: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_the_defaults_are_for_this_machine_only() -> None:
    """Without options it listens on loopback, and keeps messages for a week on half of the disk."""
    options = parse()
    assert [place.description for place in options.listen] == ["tcp:9697:interface=127.0.0.1"]
    assert options.wanted.retention == Retention(lifetime=7 * DAY, quota=HALF_OF_DISK)
    assert options.data_directory.is_absolute()
    assert options.data_directory.name == "qabel-drop"


def test_each_option_counts() -> None:
    """Days, megabytes and messages are converted, and the directory becomes absolute."""
    options = parse("--data-dir=data", "--lifetime=0.5", "--quota=20.5", "--drop-quota=30")
    assert options.data_directory == Path.cwd() / "data"
    assert options.wanted.retention == Retention(
        lifetime=0.5 * DAY, quota=20_500_000, drop_quota=30
    )


@pytest.mark.parametrize("bits", DROP_ID_BITS_OFFERED)
def test_people_may_share_drops(bits: int) -> None:
    """Ids of drops may have fewer random bits."""
    assert parse(f"--drop-id-bits={bits}").wanted.retention.drop_id_bits == bits


def test_limits_of_connections() -> None:
    """What is not said keeps its default."""
    assert parse().limits == ServerLimits()
    chosen = ("--max-connections=9000", "--connections-per-address=50", "--listeners-per-drop=7")
    assert parse(*chosen, "--max-listeners=8000").limits == ServerLimits(
        connections=9000, connections_each=50, listeners=8000, listeners_per_drop=7
    )
    assert parse("--max-connections=100").limits.listeners == 80


def test_it_may_be_reached_without_tls() -> None:
    """Other hosts may reach it without encryption, since its messages are encrypted."""
    with pytest.raises(StartError, match="--allow-remote"):
        parse("--listen=tcp:80")
    [endpoint] = parse("--listen=tcp:80", "--allow-remote").listen
    assert (endpoint.reachable, endpoint.encrypted) == (True, False)


def test_the_directory_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment names the data directory, unless the command line does."""
    monkeypatch.setenv("QABEL_DROP_DATA_DIR", str(tmp_path))
    assert parse().data_directory == tmp_path
    assert parse("--data-dir=/x").data_directory == Path("/x")


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--lifetime=0", "--lifetime must be a number greater than 0"),
        ("--quota=-1", "--quota must be a number greater than 0"),
        ("--quota=0.1", "--quota must be at least 1, not '0.1'"),
        ("--drop-quota=0", "--drop-quota must be a whole number greater than 0"),
        ("--drop-quota=1.5", "--drop-quota must be a whole number greater than 0"),
        ("--drop-id-bits=13", "--drop-id-bits must be 12, 16, 20, 24 or 256, not '13'"),
        ("--drop-id-bits=-12", "--drop-id-bits must be 12, 16, 20, 24 or 256, not '-12'"),
        ("--drop-id-bits=", "--drop-id-bits must be 12, 16, 20, 24 or 256, not ''"),
        ("--max-connections=0", "--max-connections must be a whole number greater than 0"),
        ("--connections-per-address=x", "--connections-per-address must be a whole number"),
        ("--max-listeners=-1", "--max-listeners must be a whole number greater than 0"),
        ("--listeners-per-drop=0", "--listeners-per-drop must be a whole number greater than 0"),
        ("--max-listeners=2000", "--max-listeners is 2000, but each listener has a connection"),
    ],
)
def test_values_that_make_no_sense(argument: str, reason: str) -> None:
    """A limit with which no message could be kept is rejected, and other numbers of bits."""
    with pytest.raises(StartError, match=reason):
        parse(argument)


def test_a_closed_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file with the token is read at once, and its path holds in any directory."""
    assert parse().group is None
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartError, match="--group-token-file: there is no"):
        parse("--group-token-file=token")
    Path("token").touch(0o600)
    Path("token").write_text("correct-horse-battery")
    group = parse("--group-token-file=token").group
    assert group is not None
    assert group.path == tmp_path / "token"
