"""The options that daemons have in common: where they listen, and one line for a bad option."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from qabel.host.daemon_options import DaemonOptions
from qabel.host.start_errors import StartError


class Options(DaemonOptions):
    """The options of a daemon that other hosts may reach without encryption."""

    name = "test"
    default_port = 1
    gone: ClassVar[Mapping[str, str]] = {"weeks": "use --days"}
    optParameters: ClassVar[list[list[str | None]]] = [["days", None, "7", "How many days."]]

    def postOptions(self) -> None:
        """Convert the values. Raises StartError."""
        super().postOptions()
        self.days = self.positive("days")
        self.whole_days = self.positive("days", int) if self.days >= 1 else 0


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protect the interpreter's exception hook."""
    monkeypatch.setattr("sys.excepthook", None)


def parse(*arguments: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_the_default_endpoints() -> None:
    """Without --listen a daemon listens on its default port, for this machine only."""
    assert [each.description for each in parse().listen] == ["tcp:1:interface=127.0.0.1"]


def test_a_port() -> None:
    """With --port it is another port, for this machine only."""
    assert [each.description for each in parse("--port=0").listen] == ["tcp:0:interface=127.0.0.1"]


def test_listen_replaces_the_defaults() -> None:
    """All endpoints given with --listen count, and no others."""
    options = parse("--listen=tcp:0:interface=127.0.0.1", "--listen=tcp:80", "--allow-remote")
    assert [each.reachable for each in options.listen] == [False, True]


def test_numbers_are_converted() -> None:
    """A number is a float, or whole if that is asked for."""
    assert parse("--days=0.5").days == 0.5
    assert parse("--days=3").whole_days == 3


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--listen=tcp:80", "--allow-remote"),
        ("--listen=tcp:80", "use tcp:80:interface=127.0.0.1 for this machine only"),
        ("--listen=80", "invalid endpoint"),
        ("--port=65536", "--port must be a number from 0 to 65535, not '65536'"),
        ("--port=-1", "--port must be"),
        ("--port=tcp:1", "--port must be"),
        ("--port=1 --listen=unix:x", "--port and --listen cannot be combined"),
        ("--days=0", "--days must be a number greater than 0, not '0'"),
        ("--days=-1", "--days must be"),
        ("--days=week", "--days must be"),
        ("--days=nan", "--days must be"),
        ("--days=1e12", "--days must be"),
        ("--days=1.5", "whole number"),
        ("--frob", "not recognized"),
        ("--weeks=2", "--weeks is no longer an option: use --days"),
        ("--weeks", "--weeks is no longer an option: use --days"),
        ("surplus", "unexpected argument 'surplus'"),
    ],
)
def test_a_bad_option_is_one_line(argument: str, reason: str) -> None:
    """A bad option is a StartError of one line that says what is wrong."""
    with pytest.raises(StartError, match=reason) as caught:
        parse(*argument.split())
    assert "\n" not in str(caught.value)
