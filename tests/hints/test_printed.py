"""No hint of the code is left without a situation in which a test has seen it."""

import re

import pytest

from tests.hints.printed import Hint, _pattern, declared, in_code, resolve

_PAGES = "damaged rows of messages: tests/integration/test_trouble_pages.py makes them"
_OTHERS = "another user: packaging/debian/try plays it, on a machine of its own"
_HANGS = "a disk that hangs: tests/core/status tests what is said"

NOT_PLAYED = {
    "cli/daemon_address.py: Pass --url http": "a system without Unix sockets",
    "cli/checks.py: Pass a shorter --data-dir": "a system without /proc",
    "cli/api_errors.py: Run this command as its user": _OTHERS,
    "cli/api_errors.py: pass --data-dir with a directory of": _OTHERS,
    "cli/chat/conversation.py: Run: qabel chat": "a conversation that is gone: tests/cli/chat",
    "cli/chat/courier.py: qabel chat X": "a key for repeated requests",
    "cli/chat/live_view.py: Send again when it is back": "a daemon that ends: tests/cli/chat",
    "cli/module_commands.py: Run: qabel module list": "a module that fails: tests/cli",
    "core/console_sessions.py: The page is served over TCP": "for browsers: tests/core",
    "core/console_sessions.py: This code was used already": "for browsers: tests/core",
    "cli/event_printer.py: damaged, cannot be read": _PAGES,
    "cli/inbox.py: damaged, cannot be read": _PAGES,
    "core/status/troubles.py: Stop the daemon. Copy what can be read": _PAGES,
    "core/status/troubles.py: The database is damaged": _PAGES,
    "core/status/troubles.py: The database does not respond": _HANGS,
    "core/status/troubles.py: Received messages cannot be stored": "tests/integration",
    "core/status/troubles.py: A part of the daemon does not respond": _HANGS,
    "core/status/troubles.py: Drop servers are not polled": _HANGS,
    "modules/chat/requests.py: The messages do not introduce": "for programs: tests/modules/chat",
    "net/webhook_client.py: The webhook at X is not": "a daemon that lost the option since",
    "rest/http/site.py: Too many connections": "busy connections: tests/rest/http/test_site.py",
    "store/database/damaged_file.py: Nothing can be salvaged": "tests/store/database",
    "store/database/salvage.py: Nothing can be salvaged: the description": "tests/store/database",
}
"""Hints whose situations cannot be made here, with why."""


def test_every_hint_has_a_situation() -> None:
    """Each hint is shown by a test of this directory, or it is said why it cannot be."""
    hints = in_code()
    shown = {each.key for each in resolve(declared(), hints)}
    excused = {each.key for each in resolve(NOT_PLAYED, hints)}
    assert not shown & excused
    missing = [each.key for each in hints if each.key not in shown | excused]
    assert not missing, "no test shows these hints:\n" + "\n".join(missing)


@pytest.mark.parametrize(
    ("text", "printed", "is_same"),
    [
        ("Run: qabel doctor", "qabel: No. Run: qabel doctor\n", True),
        ("Run: qabel doctor", "Run: qabel --data-dir '/a b' doctor", True),
        ("Run: qabel doctor", "Run: qabel status", False),
        ("Add it: qabel server add \0.", "Add it: qabel server add http://a", True),
        ("See {path}; run: qabel doctor", "See /a/b; run:\n  qabel doctor", True),
        ("Try qabel get\0", "Try qabel get --synced", True),
    ],
)
def test_what_is_the_same(text: str, printed: str, *, is_same: bool) -> None:
    """A text is found in what was printed, with options, values and line breaks put in."""
    assert Hint("", re.compile(_pattern(text))).is_in([printed]) == is_same


def test_a_part_has_one_hint() -> None:
    """What a test says it shows has to be there, and to be one hint."""
    hints = [Hint("a.py: Run this", re.compile("")), Hint("b.py: Run this", re.compile(""))]
    assert resolve(["a.py: Run"], hints) == hints[:1]
    for part in ("Run this", "nothing"):
        with pytest.raises(AssertionError):
            resolve([part], hints)
