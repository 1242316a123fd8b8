"""The names of objects."""

import uuid
from typing import Any

import pytest

from qabel.box.refs import is_ref, new_ref, root_ref
from qabel.crypto import PrivateKey
from tests.box.known_answers import VECTORS


@pytest.mark.parametrize("vector", VECTORS["root_ref"])
def test_root_refs_are_those_of_the_core(vector: dict[str, Any]) -> None:
    """They depend on the prefix, the private key and the kind of the volume."""
    key = PrivateKey.from_hex(vector["private_key"])
    is_client = vector["type"] == "CLIENT"
    assert root_ref(vector["prefix"], key, is_client=is_client) == vector["root_ref"]


def test_new_refs_are_random() -> None:
    """Nobody can guess one from another."""
    refs = {new_ref() for _ in range(100)}
    assert len(refs) == 100
    assert {uuid.UUID(each).version for each in refs} == {4}
    assert all(map(is_ref, refs))


@pytest.mark.parametrize(
    "text", ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "é", "a\n", "x" * 256]
)
def test_a_ref_leads_nowhere_else(text: str) -> None:
    """What has a meaning in a URL names no object."""
    assert not is_ref(text)
