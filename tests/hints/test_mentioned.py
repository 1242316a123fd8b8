"""Every command that is mentioned anywhere can be run like that."""

import pytest

from tests.hints.mentioned import Mention, _in_text, in_code, in_documentation, wrong_in


def mention(text: str) -> Mention:
    """Return the one command that a text mentions."""
    [found] = _in_text(text, "here")
    return found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Run: qabel doctor", None),
        ("Run: qabel doctr", "no command 'doctr'"),
        ("see qabel outbox list --waiting.", None),
        ("see qabel outbox list --wating.", "no option --wating"),
        ("`qabel server ad URL`", "no command 'ad'"),
        ("So: qabel contact import --replace FILE, or not", None),
        ('  qabel send Bob "Hello --there"', None),
        ("  qabel --data-dir X send --fro Alice Bob", "no option --fro"),
        ("podman run --name qabel --volume x", None),
        ("The program qabel is a command", None),
        ("with qabel key change", None),
        ("qabel key alter", "no command 'alter'"),
        ("Run: qabel-rest --data-dir X", None),
        ("Run: qabel-rest --data-directory X", "no option --data-directory"),
        ("qabel-drop --listen tcp:9697 --allow-remot", "no option --allow-remot"),
        ("Run: qabel-drop purge --never-asked --since 2h", None),
        ("Run: qabel-drop purge --never-ask", "no option --never-ask"),
        ("Run: qabel-block token new NAME --quota 2G", None),
        ("Run: qabel-block token make NAME", "no command token make"),
        ("Run: qabel-block token new NAME --quotas 2G", "no option --quotas"),
        ("Run: qabel-block --max-bod 2G", "no option --max-bod"),
    ],
)
def test_what_is_wrong(text: str, wrong: str | None) -> None:
    """A command, a subcommand or an option that does not exist is found."""
    assert wrong_in(mention(text)) == wrong


def test_several_commands() -> None:
    """Each line that begins with a command is one."""
    text = "To begin:\n  qabel server add https://drop.example\n  qabel identity new Alice\n"
    assert [each.words for each in _in_text(text, "here")] == [
        ("server", "add", "https://drop.example"),
        ("identity", "new", "Alice"),
    ]


@pytest.mark.parametrize("where", [in_code, in_documentation])
def test_every_command_exists(where: object) -> None:
    """Commands, subcommands and options that texts name are those of the program."""
    assert callable(where)
    found = list(where())
    assert len(found) > 40
    wrong = [f"{each}  ({why})" for each in found if (why := wrong_in(each)) is not None]
    assert not wrong, "\n".join(wrong)
