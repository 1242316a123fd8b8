"""The page of help: every option once, by subject, within the width of the terminal."""

import pytest

from qabel.dropserver.tap import Options as DropOptions
from qabel.host.command_help import HelpPage, OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.tap import Options as RestOptions

PAGE = HelpPage(
    program="fly",
    description="Flies.",
    subjects={"Speed": (OptionHelp("speed", "N"), OptionHelp("a-very-long-option-of-fly", "N"))},
    explanations={"speed": "How fast it is, at most.", "a-very-long-option-of-fly": "Long."},
    tables={"Exit status": {"0": "Landed", "10": "Crashed"}},
)


def test_a_page() -> None:
    """It has the usage, the options by subject, and the tables; long names have their own line."""
    assert PAGE.text(48) == (
        "Usage: fly [options]\n\nFlies.\n\nSpeed:\n"
        "  --speed N                 How fast it is, at\n"
        "                            most.\n"
        "  --a-very-long-option-of-fly N\n"
        "                            Long.\n\n"
        "Exit status:\n  0   Landed\n  10  Crashed"
    )


@pytest.mark.parametrize("options", [RestOptions, DropOptions])
def test_every_option_is_on_the_page(options: type[DaemonOptions]) -> None:
    """Each option of a daemon stands once on its page, with what it is for, and no other does."""
    named = [each.name for several in options.subjects.values() for each in several]
    known = [each.removesuffix("=") for each in options().longOpt]
    assert sorted(named) == sorted(known)
    page = options().help_page().text(80)
    assert all(f"--{name}" in page for name in known)
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize("options", [RestOptions, DropOptions])
def test_values_have_names(options: type[DaemonOptions]) -> None:
    """An option that takes a value has a name for it on the page, and a flag has none."""
    takes = {each.removesuffix("=") for each in options().longOpt if each.endswith("=")}
    shown = {each.name for several in options.subjects.values() for each in several if each.metavar}
    assert shown == takes
