"""The synced settings as a whole: round trips, and that no change breaks a document."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.errors import InvalidInput, UnknownKey
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.strategies import ANYTHING, synced_settings

NOW = 5000
LISTS = ["accounts", "drop_servers", "storage_servers", "storage_volumes", "identities", "contacts"]
NAMES = ["id", "alias", "keys", "public_key", "private_key", "deleted", "url"]


def branches(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key of a document, and its value."""
    if key:
        yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from branches(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and "id" in item:
                yield from branches(item, f"{key}.{item['id']}")


def check_change(old: SyncedSettings, new: SyncedSettings) -> None:
    """Check that a change was none, or that its result reads back."""
    if new is old:
        return
    assert new != old
    assert SYNCED.parse(json.loads(SYNCED.encode(new)), now=1) == new


def check_errors(error: InvalidInput) -> None:
    """Check that there is an error, none twice, and all in text that can be sent."""
    assert len(set(error.errors)) == len(error.errors) > 0
    "".join(error.key + error.detail for error in error.errors).encode()


def test_default_is_empty() -> None:
    """All lists are empty before anything is set."""
    expected: dict[str, Any] = {**{name: [] for name in LISTS}, "module_data": {}}
    assert SYNCED.to_builtins(SYNCED.default()) == expected


def test_document_is_written_as_it_was_read(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """A document with something of everything is written unchanged."""
    assert SYNCED.to_builtins(document) == builtins
    assert json.loads(SYNCED.encode(document)) == builtins
    assert SYNCED.merge(document, builtins, now=NOW) is document


def test_value_that_is_set_again_changes_nothing(
    document: SyncedSettings, builtins: dict[str, Any]
) -> None:
    """At every key, single value or branch, the document stays the same object."""
    found = list(branches(builtins))
    assert len(found) > 100
    for key, value in found:
        assert SYNCED.set(document, key, value, now=NOW) is document, key


@given(synced_settings(), st.integers(0, 2**40))
def test_any_document_reads_back(document: SyncedSettings, now: int) -> None:
    """What is written can be read, and nothing of it changes."""
    builtins = SYNCED.to_builtins(document)
    assert SYNCED.parse(builtins, now=now) == document
    assert SYNCED.parse(builtins, now=now, previous=document) is document
    assert SYNCED.encode(SYNCED.parse(builtins, now=now)) == SYNCED.encode(document)


@given(synced_settings(), st.data())
def test_no_value_at_any_key_breaks_a_document(
    document: SyncedSettings, data: st.DataObject
) -> None:
    """Whatever is set, the result is a valid document, UnknownKey or InvalidInput."""
    numbers = [str(each.id) for each in (*document.identities, *document.contacts)]
    names = st.sampled_from([*LISTS, *NAMES, *numbers]) | st.text(max_size=3)
    first = data.draw(st.sampled_from([*LISTS, "module_data"]))
    key = ".".join([first, *data.draw(st.lists(names, max_size=4))])
    try:
        check_change(document, SYNCED.set(document, key, data.draw(ANYTHING), now=1))
    except UnknownKey as unknown:
        unknown.key.encode()
    except InvalidInput as invalid:
        check_errors(invalid)


@given(synced_settings(), st.data())
def test_no_patch_breaks_a_document(document: SyncedSettings, data: st.DataObject) -> None:
    """Whatever part of a valid document is replaced, the same holds for the whole and a patch."""
    builtins: dict[str, Any] = SYNCED.to_builtins(document)
    for name in data.draw(st.lists(st.sampled_from(sorted(builtins)), max_size=3, unique=True)):
        items = builtins[name]
        if isinstance(items, list) and items and data.draw(st.booleans()):
            item = data.draw(st.sampled_from(items))
            item[data.draw(st.sampled_from([*item, "nope"]))] = data.draw(ANYTHING)
        else:
            builtins[name] = data.draw(ANYTHING)
    for change in (
        lambda: SYNCED.merge(document, builtins, now=1),
        lambda: SYNCED.parse(builtins, now=1, previous=document),
    ):
        try:
            check_change(document, change())
        except InvalidInput as invalid:
            check_errors(invalid)


def test_schema_describes_every_key(builtins: dict[str, Any]) -> None:
    """The JSON Schema has each list, and each key of its items."""
    schema = SYNCED.json_schema()
    json.dumps(schema)
    assert list(schema["properties"]) == list(builtins)
    for name in LISTS:
        items = schema["properties"][name]["items"]
        assert list(items["properties"]) == list(builtins[name][0])
    contact = schema["properties"]["contacts"]["items"]
    assert contact["required"] == ["alias", "keys", "my_identity", "drop_urls"]
