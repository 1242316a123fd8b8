"""The declaration of notify."""

from qabel.modules.notify.module import module


def test_what_it_declares() -> None:
    """It owns no messages, and has no tables: it follows what chat tells."""
    assert (module.name, module.kinds, list(module.steps)) == ("notify", frozenset(), [])
    assert module.hears == {"chat.message", "chat.unread"}
