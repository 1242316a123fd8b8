"""The options of a daemon, as a shell is offered them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from qabel.host.command_help import OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.host.option_completion import ENDPOINTS, option_suggestions
from qabel.host.shell_words import Suggestion

VALUES = {"key": {"file": "x", "file:": "y", "keyring": "z"}}


class ExampleOptions(DaemonOptions):
    """A daemon for these tests."""

    default_port = 1
    subjects: ClassVar[Mapping[str, Sequence[OptionHelp]]] = {
        "All": (OptionHelp("listen", "ENDPOINT"), OptionHelp("key", "PLACE"), OptionHelp("n", "N")),
        **DaemonOptions.subjects,
    }
    optParameters: ClassVar[list[list[str | None]]] = [
        ["key", None, None, "K."],
        ["n", None, "1", "N."],
    ]


def offered(*words: str) -> list[Suggestion]:
    """Return what is offered for the last word."""
    return option_suggestions(ExampleOptions(), VALUES, words[:-1], words[-1])


def test_options() -> None:
    """All options are offered with what they are for, also after the value of another."""
    assert [each.word for each in offered("")] == [
        "--listen", "--key", "--n", "--log", "--log-json", "--version", "--help"
    ]  # fmt: skip
    assert offered("--n", "5", "--lis") == [
        Suggestion("plain", "--listen", ExampleOptions().help_page().explanations["listen"])
    ]
    assert [each.word for each in offered("--log-json", "--v")] == ["--version"]
    assert offered("x") == []


def test_values() -> None:
    """Values are offered after an option, in a word of its own or after an equals sign."""
    assert [each.word for each in offered("--key", "")] == ["file", "file:", "keyring"]
    assert offered("--key=keyr") == [Suggestion("plain", "--key=keyring", "z")]
    assert offered("--key", "file:/x") == [Suggestion("file", "file:")]
    assert offered("--key=file:/x") == [Suggestion("file", "--key=file:")]
    assert [each.word for each in offered("--listen", "")] == list(ENDPOINTS)
    assert offered("--listen", "unix:/") == [Suggestion("file", "unix:")]
    assert offered("--log=") == [Suggestion("file", "--log=")]
    assert offered("--n", "") == []
    assert offered("--log-json=") == []
