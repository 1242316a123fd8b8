"""Cutting what is sent; the rest is tested with the routes."""

import pytest

from qabel.core.errors import Invalid, TooLarge
from qabel.modules.chat.payloads import ChatPayload
from qabel.modules.chat.sending import cut


def test_errors_for_clients() -> None:
    """A text that is too long is a 413, and one that no message can have a 400."""
    with pytest.raises(TooLarge, match="64 messages"):
        cut(ChatPayload("x" * 200_000), 1900)
    with pytest.raises(TooLarge, match="64 messages"):
        cut(ChatPayload("\u0000" * 100_000), 1900)
    with pytest.raises(Invalid) as caught:
        cut(ChatPayload("\ud800"), 1900)
    assert [each.key for each in caught.value.errors] == ["text"]


def test_each_cut_has_an_id_of_its_own() -> None:
    """A text that fits is not cut; the parts of others have one id, and never the same."""
    assert cut(ChatPayload("x"), 1900) == (ChatPayload("x"),)
    ids = [
        {each.part.id for each in cut(ChatPayload("x" * 5000), 1900) if each.part} for _ in range(2)
    ]
    assert [len(each) for each in ids] == [1, 1]
    assert ids[0] != ids[1]
