"""The local settings: their keys, defaults and bounds."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import FieldError, InvalidInput, UnknownKey
from qabel.settings.local import LOCAL, PrivacySettings
from tests.settings.checks import errors_of
from tests.settings.strategies import MODULES, TEXTS

DEFAULT = LOCAL.default()
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "poll_interval": st.integers(1, 31536000) | st.floats(0.05, 31536000),
        "drop_last_update": st.none() | TEXTS,
        "module_data": MODULES,
    },
)


def test_default_is_what_the_contract_says() -> None:
    """By default drops are polled every five seconds, and nothing was received yet."""
    inbox = {"strangers": "keep", "stranger_quota": 64, "keep_days": None, "unknown_kinds": "keep"}
    privacy = {
        "introduce": "auto",
        "acknowledge": "contacts",
        "acknowledge_delay": 20,
        "proxy": None,
        "shared_drops": False,
    }
    expected = {
        "poll_interval": 5,
        "drop_last_update": None,
        "inbox": inbox,
        "privacy": privacy,
        "module_data": {},
    }
    assert LOCAL.to_builtins(DEFAULT) == expected
    assert LOCAL.parse({}, now=1) == DEFAULT
    assert DEFAULT.module_data == {}


@given(DOCUMENTS)
def test_any_document_reads_back(given_document: dict[str, Any]) -> None:
    """What is read is written unchanged, with defaults for omitted keys."""
    document = LOCAL.parse(given_document, now=1)
    builtins = LOCAL.to_builtins(document)
    assert builtins == {**LOCAL.to_builtins(DEFAULT), **given_document}
    assert repr(json.loads(LOCAL.encode(document))) == repr(builtins)
    assert LOCAL.parse(builtins, now=2, previous=document) is document
    for key, value in builtins.items():
        assert LOCAL.set(document, key, value, now=2) is document
    assert LOCAL.merge(document, {}, now=2) is document


@pytest.mark.parametrize("value", [0.05, 1, 1.5, 31536000, 31536000.0, 1e2])
def test_poll_interval_is_a_number_of_seconds(value: float) -> None:
    """The interval is whole or not, from 0.05 s to a year, and written as it was given."""
    document = LOCAL.set(DEFAULT, "poll_interval", value, now=1)
    assert repr(document.poll_interval) == repr(value)


@pytest.mark.parametrize(
    ("key", "value", "detail"),
    [
        *[
            ("poll_interval", value, "must be a number from 0.05 to 31536000")
            for value in (True, None, "5", [5], 0, -1, 0.049, 31536001, math.inf, math.nan)
        ],
        *[
            ("drop_last_update", value, "must be a string")
            for value in (5, 1476281471123, True, [], {})
        ],
        ("drop_last_update", "x" * 8193, "must have at most 8192 characters"),
        *[
            ("module_data", value, "must be an object with one object per module")
            for value in (None, [], "", 5)
        ],
    ],
)
def test_invalid_value_has_one_error_at_its_key(key: str, value: object, detail: str) -> None:
    """Set alone, in a whole document or by a patch, a value has the same error."""
    error = [FieldError(key, detail)]
    assert errors_of(lambda: LOCAL.set(DEFAULT, key, value, now=1)) == error
    assert errors_of(lambda: LOCAL.parse({key: value}, now=1)) == error
    if value is not None and not isinstance(value, dict):
        assert errors_of(lambda: LOCAL.merge(DEFAULT, {key: value}, now=1)) == error


@pytest.mark.parametrize(
    "key", ["poll_interval.x", "drop_last_update.0", "Poll_interval", " poll_interval", "modules"]
)
def test_other_keys_are_unknown(key: str) -> None:
    """Values have no keys of their own, and names are case-sensitive."""
    with pytest.raises(UnknownKey):
        LOCAL.set(DEFAULT, key, 1, now=1)


def test_schema_has_every_key() -> None:
    """The JSON Schema has the bounds and defaults that are in force."""
    schema = LOCAL.json_schema()
    assert list(schema["properties"]) == list(LOCAL.to_builtins(DEFAULT))
    assert schema["properties"]["poll_interval"] == {
        "type": "number",
        "minimum": 0.05,
        "maximum": 31536000,
        "default": 5,
    }
    json.dumps(schema)


def test_older_clients_leave_the_inbox_as_it_is() -> None:
    """A document without the key, or with a part of it, changes nothing else of it."""
    set_up = LOCAL.parse({"inbox": {"strangers": "refuse", "keep_days": 7}}, now=1)
    assert set_up.inbox.stranger_quota == 64
    assert LOCAL.parse({"poll_interval": 9}, now=2, previous=set_up).inbox == set_up.inbox
    changed = LOCAL.parse({"inbox": {"keep_days": None}}, now=2, previous=set_up)
    assert (changed.inbox.strangers, changed.inbox.keep_days) == ("refuse", None)
    assert LOCAL.set(set_up, "inbox.stranger_quota", 1, now=2).inbox.stranger_quota == 1
    removed = LOCAL.merge(set_up, {"inbox": {"strangers": None}}, now=2).inbox
    assert (removed.strangers, removed.keep_days) == ("keep", 7)
    assert LOCAL.merge(set_up, {"inbox": None}, now=2) == DEFAULT


@pytest.mark.parametrize(
    ("inbox", "key"),
    [
        ([], "inbox"),
        ({"strangers": "some"}, "inbox.strangers"),
        ({"stranger_quota": -1}, "inbox.stranger_quota"),
        ({"stranger_quota": 1.5}, "inbox.stranger_quota"),
        ({"keep_days": 0}, "inbox.keep_days"),
        ({"quota": 1}, "inbox.quota"),
    ],
)
def test_invalid_settings_of_the_inbox(inbox: object, key: str) -> None:
    """Errors name the key."""
    with pytest.raises(InvalidInput) as raised:
        LOCAL.parse({"inbox": inbox}, now=1)
    assert [each.key for each in raised.value.errors] == [key]


@pytest.mark.parametrize(
    ("privacy", "key"),
    [
        ([], "privacy"),
        ({"introduce": True}, "privacy.introduce"),
        ({"acknowledge": "everybody"}, "privacy.acknowledge"),
        ({"acknowledge_delay": -1}, "privacy.acknowledge_delay"),
        ({"acknowledge_delay": 604_801}, "privacy.acknowledge_delay"),
        ({"shared_drops": "yes"}, "privacy.shared_drops"),
        ({"shared_drops": 16}, "privacy.shared_drops"),
        ({"delay": 1}, "privacy.delay"),
    ],
)
def test_invalid_settings_of_privacy(privacy: object, key: str) -> None:
    """What others may learn is checked key by key."""
    with pytest.raises(InvalidInput) as raised:
        LOCAL.parse({"privacy": privacy}, now=1)
    assert [each.key for each in raised.value.errors] == [key]


def test_older_clients_leave_privacy_as_it_is() -> None:
    """A document without the keys that are newer than its client changes none of them."""
    before = LOCAL.parse({"privacy": {"introduce": "never", "acknowledge_delay": 0}}, now=1)
    assert before.privacy == PrivacySettings(introduce="never", acknowledge_delay=0)
    assert LOCAL.parse({"poll_interval": 9}, now=2, previous=before).privacy == before.privacy
