"""The settings of notify."""

from qabel.modules.notify.settings import FORM, NotifySettings


def test_defaults() -> None:
    """Notices are shown, and say nothing of what is in a message."""
    assert FORM.read({}) == NotifySettings(desktop=True, show="sender")
    assert FORM.read({"show": "text", "desktop": False}) == NotifySettings(
        desktop=False, show="text"
    )
