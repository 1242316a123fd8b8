"""The command line of the block server."""

from pathlib import Path

import pytest

from qabel.blockserver.service import BlockLimits
from qabel.blockserver.tap import Options
from qabel.host.start_errors import StartError


@pytest.fixture(autouse=True)
def _own_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protect the interpreter's exception hook, and use no directory of the environment."""
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.delenv("QABEL_BLOCK_DATA_DIR", raising=False)


def parse(*arguments: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(arguments))
    return options


def test_the_defaults_are_for_this_machine_only() -> None:
    """And the limits are those of Qabel's own server."""
    options = parse()
    assert [place.description for place in options.listen] == ["tcp:9699:interface=127.0.0.1"]
    assert options.limits == BlockLimits()
    assert options.data_directory.name == "qabel-block"


def test_each_option_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes have units, and the directory becomes absolute."""
    options = parse("--data-dir=data", "--max-body=500M", "--max-connections=50")
    assert options.data_directory == Path.cwd() / "data"
    assert options.limits == BlockLimits(max_body=500 * 2**20, connections=50)
    monkeypatch.setenv("QABEL_BLOCK_DATA_DIR", "/srv/blocks")
    assert parse().data_directory == Path("/srv/blocks")


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--max-body=much", "--max-body must be a size such as 500M or 2G, not 'much'"),
        ("--max-connections=0", "--max-connections"),
        ("--trust-proxy=here", "--trust-proxy must be an address, a network or unix"),
        ("--listen=tcp:9699", "reachable from other hosts"),
        ("extra", "unexpected argument 'extra'"),
    ],
)
def test_what_makes_no_sense_is_refused(argument: str, reason: str) -> None:
    """With a reason that names the option."""
    with pytest.raises(StartError, match=reason):
        parse(argument)


def test_tokens_need_encryption() -> None:
    """They would be seen by others."""
    with pytest.raises(StartError, match="without encryption"):
        parse("--listen=tcp:9699", "--allow-remote")


def test_the_help_names_the_commands() -> None:
    """Besides the options."""
    text = Options().help_page().text()
    assert "token" in text
    assert "--max-body SIZE" in text
