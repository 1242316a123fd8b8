"""Composing: from what a client wants sent to a drop message, with all that is wrong named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.core.errors import Invalid
from qabel.core.sending.compose import AUTO, MAX_TIME_STAMP, Draft, DraftForm, compose
from qabel.drop.acknowledgement import DROP_MODEL
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage
from qabel.forms.errors import InvalidInput
from tests.core.items import key

NOW = 1_800_000_000.25
ME, EVE, OTHER = (key(number).public_key for number in (1, 5, 6))


def composed(draft: Draft, *receivers: Any) -> DropMessage:
    """Compose a message from us to Eve, if nobody else is given."""
    return compose(draft, ME, receivers or [EVE], lambda _: int(NOW * 1000))


def wrong_keys(value: object) -> set[str]:
    """Return the keys of a drop message that are wrong."""
    with pytest.raises(InvalidInput) as raised:
        DraftForm().read(value)
    return {error.key for error in raised.value.errors}


def test_what_is_left_out_is_filled_in() -> None:
    """A draft of kind and data becomes a message of now, from us, that asks for nothing."""
    message = composed(Draft("chat", {"msg": "Hello"}))
    assert message == DropMessage(
        time_stamp=int(NOW * 1000), sender=ME, model_object="chat", data=b'{"msg":"Hello"}'
    )
    assert message.acknowledge_id == NO_ACKNOWLEDGEMENT


def test_what_is_given_stays() -> None:
    """A time and an id for the acknowledgement are sent as they are given, also a time of 0."""
    message = composed(Draft("chat", {}, acknowledge_id="mine", time_stamp=0))
    assert (message.acknowledge_id, message.time_stamp) == ("mine", 0)


def test_fresh_ids() -> None:
    """Who asks for a fresh id gets another one for each message."""
    first, second = (composed(Draft("chat", {}, acknowledge_id=AUTO)) for _ in range(2))
    assert AUTO != first.acknowledge_id != second.acknowledge_id
    assert first.acknowledge_id != NO_ACKNOWLEDGEMENT


def test_parties_may_be_named() -> None:
    """A whole message, as it was received, can be sent if its parties are the right ones."""
    draft = Draft("chat", {}, sender=ME.hex, receiver=EVE.hex)
    assert composed(draft) == composed(Draft("chat", {}))


@pytest.mark.parametrize(
    ("draft", "receivers", "keys"),
    [
        (Draft("chat", {}, sender=EVE.hex), (EVE,), {"drop_message.sender"}),
        (Draft("chat", {}, sender=ME.hex.upper()), (EVE,), {"drop_message.sender"}),
        (Draft("chat", {}, receiver=OTHER.hex), (EVE,), {"drop_message.receiver"}),
        (Draft("chat", {}, receiver=EVE.hex), (EVE, OTHER), {"drop_message.receiver"}),
        (Draft("chat", {"x": float("nan")}), (EVE,), {"drop_message.data"}),
        (Draft("chat", {"x": "\ud800"}), (EVE,), {"drop_message.data"}),
        (
            Draft("chat", {"x": float("inf")}, sender="x", receiver="y"),
            (EVE,),
            {"drop_message.sender", "drop_message.receiver", "drop_message.data"},
        ),
    ],
)
def test_what_cannot_be_sent(draft: Draft, receivers: tuple[Any, ...], keys: set[str]) -> None:
    """Everything that is wrong with a draft is named at once, and nothing of it is quoted."""
    with pytest.raises(Invalid) as raised:
        composed(draft, *receivers)
    assert {error.key for error in raised.value.errors} == keys


@given(st.dictionaries(st.text("ab"), st.integers() | st.text("xyä")), st.text("ab", min_size=1))
def test_data_arrive_as_they_were(data: dict[str, Any], kind: str) -> None:
    """The message has the data as JSON, and the kind."""
    message = composed(Draft(kind, data))
    assert (json.loads(message.data), message.model_object) == (data, kind)


def test_reading_a_whole_draft() -> None:
    """All keys of the contract are read, and what was asked for is remembered as it was."""
    value = {
        "model_object": "chat",
        "data": {"msg": "Hello"},
        "time_stamp": 17,
        "acknowledge_id": "mine",
        "version": 1,
        "sender": ME.hex,
        "receiver": EVE.hex,
    }
    draft = DraftForm().read(value)
    assert draft == Draft("chat", {"msg": "Hello"}, "mine", 17, ME.hex, EVE.hex)
    assert draft.given == value


def test_two_requests_that_ask_for_the_same() -> None:
    """What was asked for differs if the draft does, whether it was read or made."""
    value = {"model_object": "chat", "data": {"a": 1}}
    assert DraftForm().read(value).given == value
    assert Draft("chat", {"a": 1}).given == Draft("chat", {"a": 1}).given
    assert Draft("chat", {"a": 1}).given != Draft("chat", {"a": 2}).given
    assert Draft("chat", {"a": 1}).given != Draft("chat", {"a": 1}, time_stamp=1).given


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"model_object": ""}, {"model_object"}),
        ({"model_object": 5}, {"model_object"}),
        ({"model_object": DROP_MODEL}, {"model_object"}),
        ({"data": []}, {"data"}),
        ({"data": "{}"}, {"data"}),
        ({"time_stamp": -1}, {"time_stamp"}),
        ({"time_stamp": MAX_TIME_STAMP + 1}, {"time_stamp"}),
        ({"time_stamp": 1.5}, {"time_stamp"}),
        ({"acknowledge_id": ""}, {"acknowledge_id"}),
        ({"version": 2}, {"version"}),
        ({"colour": 1}, {"colour"}),
        ({"sender": 5, "receiver": 5}, {"sender", "receiver"}),
    ],
)
def test_input_that_is_no_draft(change: dict[str, Any], keys: set[str]) -> None:
    """Each key that is wrong is named, and the kind of the daemon's own messages is reserved."""
    assert wrong_keys({"model_object": "chat", "data": {}, **change}) == keys


def test_keys_that_are_missing() -> None:
    """Kind and data are required."""
    assert wrong_keys({}) == {"model_object", "data"}


def test_contents_are_not_shown() -> None:
    """The repr of a draft, as in a log, has nothing of the message."""
    draft = DraftForm().read(
        {"model_object": "hidden", "data": {"hidden": 1}, "acknowledge_id": "hidden"}
    )
    assert "hidden" not in repr(draft)
