"""Words of chat's commands are completed in real shells, as those of the others are."""

from pathlib import Path

import pytest

from tests.cli.chat.conftest import Talkers
from tests.cli.interactive_shell import environment, fish_offers, words_after_tab

TYPED = {
    "qabel cha": "<qabel><chat>",
    "qabel chat Bo": "<qabel><chat><Bob>",
    "qabel chat --not": "<qabel><chat><--notes>",
    "qabel chat --identity Al": "<qabel><chat><--identity><Alice>",
    "qabel requests acc": "<qabel><requests><accept>",
    "qabel search --contact bo": "<qabel><search><--contact><Bob>",
}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_words_after_tab(talkers: Talkers, shell: str, tmp_path: Path) -> None:
    """Names of commands, options and people are completed."""
    env = environment(tmp_path, talkers.alice.directory)
    assert words_after_tab(shell, list(TYPED), env, tmp_path) == list(TYPED.values())


def test_fish(talkers: Talkers, tmp_path: Path) -> None:
    """It is offered people, and commands with what they do."""
    env = environment(tmp_path, talkers.alice.directory)
    assert fish_offers("qabel chat Bo", env) == ["Bob"]
    assert fish_offers("qabel cha", env) == ["chat\tList conversations, or have one."]
