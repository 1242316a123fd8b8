"""What settings mean, in plain words."""

import pytest

from qabel.cli.setting_texts import explain
from qabel.settings.local import LOCAL


@pytest.mark.parametrize("key", ["introduce", "acknowledge", "acknowledge_delay", "shared_drops"])
def test_each_default_is_explained(key: str) -> None:
    """The default of each setting about privacy has a sentence."""
    value = getattr(LOCAL.default().privacy, key)
    assert explain(f"privacy.{key}", value).endswith(".")


def test_each_choice_is_explained() -> None:
    """Each value that a setting can have has a sentence of its own."""
    texts = [explain("privacy.introduce", value) for value in ("auto", "always", "never")]
    texts += [explain("privacy.acknowledge", value) for value in ("contacts", "never")]
    texts += [explain("privacy.shared_drops", value) for value in (False, True)]
    texts += [explain("privacy.acknowledge_delay", value) for value in (0, 20, 0.5)]
    assert len({text for text in texts if text}) == len(texts)
    assert "0.5 seconds" in texts[-1]


def test_others_are_not() -> None:
    """Nothing is said of other settings, nor of values that none can have."""
    assert explain("poll_interval", 5) == explain("privacy.introduce", 5) == ""
    assert explain("privacy.acknowledge_delay", "x") == ""
