"""``qabel settings``."""

import pytest

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, one_line


def test_settings(alice: QabelCommand) -> None:
    """Settings are shown and changed by dotted keys, in the document that has them."""
    assert "poll_interval = 0.5\n" in alice("settings", "get").out
    assert alice("settings", "get", "poll_interval").out == "0.5\n"
    assert alice("settings", "set", "module_data.chat", '{"sound": "bell"}').out.endswith(
        "is set.\n"
    )
    assert alice("settings", "get", "module_data.chat.sound").out == "bell\n"
    assert alice("settings", "set", "module_data.chat.sound", "5").out.endswith("= 5\n")
    assert alice.json("settings", "get", "module_data.chat") == [{"sound": 5}]
    assert alice("settings", "get", "drop_servers.1.active").out == "true\n"


@pytest.mark.parametrize(
    ("words", "exit_status"),
    [
        (("get", "nosuch"), ExitStatus.NOT_FOUND),
        (("get", "drop_servers.99.url"), ExitStatus.NOT_FOUND),
        (("set", "nosuch", "1"), ExitStatus.FAILURE),
        (("set", "poll_interval", "soon"), ExitStatus.FAILURE),
    ],
)
def test_bad_settings(alice: QabelCommand, words: tuple[str, ...], exit_status: ExitStatus) -> None:
    """A missing setting and an invalid value are reported with the key."""
    result = alice("settings", *words)
    assert result.exit_status == exit_status
    assert words[1].partition(".")[0] in one_line(result)


def test_plain_words(alice: QabelCommand) -> None:
    """What a setting about privacy means is said beside it, and not to programs."""
    assert "  # Messages tell a contact your name" in alice("settings", "get", "privacy").out
    shown = alice("settings", "get", "privacy.introduce")
    assert (shown.out, "until something" in shown.err) == ("auto\n", True)
    changed = alice("settings", "set", "privacy.introduce", "never")
    assert changed.out == 'privacy.introduce = "never"\n'
    assert "do not tell who you are" in changed.err
    assert alice.json("settings", "set", "privacy.introduce", "auto") == ["auto"]
