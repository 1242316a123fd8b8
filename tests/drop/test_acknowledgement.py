"""Acknowledgements: which messages ask for one, and what it says."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PublicKey
from qabel.drop.acknowledgement import (
    DROP_MODEL,
    acknowledgement,
    asks_for_acknowledgement,
    new_acknowledge_id,
)
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage, decode, encode

SENDER, RECEIVER = PublicKey(b"\x01" * 32), PublicKey(b"\x02" * 32)

MESSAGE = DropMessage(
    time_stamp=1_700_000_000_000,
    sender=SENDER,
    model_object="chat",
    data=b'{"msg":"hello"}',
    acknowledge_id="5f2c",
)


def test_ids_are_unique() -> None:
    """Each id is 128 bits in hex, and asks for an acknowledgement."""
    ids = {new_acknowledge_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)
    assert NO_ACKNOWLEDGEMENT not in ids


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"acknowledge_id": NO_ACKNOWLEDGEMENT}, False),
        ({"acknowledge_id": ""}, False),
        ({"acknowledge_id": "00"}, True),
        ({"model_object": DROP_MODEL}, False),
    ],
)
def test_who_asks(changes: dict[str, str], expected: bool) -> None:
    """A message asks by its id, unless it is itself about a message."""
    assert asks_for_acknowledgement(attrs.evolve(MESSAGE, **changes)) is expected


def test_an_acknowledgement() -> None:
    """The receiver sends the id back, with the current time and no data."""
    assert acknowledgement("5f2c", RECEIVER, 1_800_000_000_500) == DropMessage(
        time_stamp=1_800_000_000_500,
        sender=RECEIVER,
        model_object=DROP_MODEL,
        data=b"{}",
        acknowledge_id="5f2c",
    )


@given(acknowledge_id=st.text(st.characters(exclude_categories=["Cs"])), now=st.integers(0, 10**14))
def test_acknowledgements_are_never_acknowledged(acknowledge_id: str, now: int) -> None:
    """Two parties never acknowledge acknowledgements in turn, whatever id the first one used."""
    sent = acknowledgement(acknowledge_id, RECEIVER, now)
    received = decode(encode(sent))
    assert received == sent
    assert not asks_for_acknowledgement(received)


def test_a_refusal() -> None:
    """Instead of an acknowledgement the sender may be told that there is no module."""
    made = acknowledgement("5f2c", RECEIVER, 1, is_refusal=True)
    assert (made.model_object, made.acknowledge_id) == (DROP_MODEL, "5f2c")
    assert decode(encode(made)).data == b'{"type":"UNKNOWN_MODULE"}'
