"""Any synced document, and any change to one: it reads back, or what is wrong is told."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.forms.errors import InvalidInput, UnknownKey
from qabel.settings.items import (
    Account,
    Contact,
    DropServer,
    Identity,
    StorageServer,
    StorageVolume,
)
from qabel.settings.module_data import ModuleDataForm
from qabel.settings.synced import SYNCED, SyncedSettings

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = [PrivateKey(bytes([number]) * 32) for number in range(8, 80, 8)]
URL = DropURL.parse("https://drop.example/" + "a" * 43)
LONGS = st.integers(-(2**63), 2**63 - 1)


@st.composite
def documents(draw: st.DrawFn) -> SyncedSettings:
    """Make valid documents, from our side."""
    numbers = st.lists(st.integers(0, 2**31 - 1), unique=True, max_size=3)

    def times() -> dict[str, int]:
        deleted = draw(st.just(0) | LONGS)
        return {"created": draw(LONGS), "updated": draw(LONGS), "deleted": deleted}

    modules = st.dictionaries(TEXTS, st.dictionaries(TEXTS, LONGS | TEXTS, max_size=2), max_size=2)
    module_data = modules.map(ModuleDataForm().read)
    urls = st.lists(st.just(URL), max_size=2).map(tuple)
    servers = tuple(
        StorageServer(id=number, url="https://a", auth=draw(TEXTS), **times())
        for number in draw(numbers)
    )
    identities = tuple(
        Identity(id=number, alias=draw(TEXTS), private_key=key, drops=draw(urls), **times())
        for number, key in zip(draw(numbers), KEYS[:3], strict=False)
    )
    owners = st.sampled_from([each.public_key for each in identities]) if identities else None
    return SyncedSettings(
        accounts=tuple(
            Account(id=number, provider=draw(TEXTS), user=draw(TEXTS), auth=draw(TEXTS), **times())
            for number in draw(numbers)
        ),
        drop_servers=tuple(
            DropServer(id=number, url="http://a/", auth="", active=draw(st.booleans()), **times())
            for number in draw(numbers)
        ),
        storage_servers=servers,
        storage_volumes=tuple(
            StorageVolume(
                id=number,
                storage_server_id=draw(st.sampled_from(servers)).id,
                public_identifier=draw(TEXTS),
                token=draw(TEXTS),
                revoke_token=draw(TEXTS),
                **times(),
            )
            for number in (draw(numbers) if servers else [])
        ),
        identities=identities,
        contacts=tuple(
            Contact(
                id=number,
                alias=draw(TEXTS),
                public_key=key.public_key,
                my_identity=draw(owners),
                drop_urls=draw(urls),
                modules=draw(module_data),
                **times(),
            )
            for number, key in (
                zip(draw(numbers), KEYS[3:], strict=False) if owners is not None else []
            )
        ),
        modules=draw(module_data),
    )


@given(documents(), st.integers(0, 2**40))
def test_any_document_reads_back(document: SyncedSettings, now: int) -> None:
    """What GET gives, POST takes back unchanged, whatever is in it."""
    builtins = SYNCED.to_builtins(document)
    assert SYNCED.parse(builtins, now=now) == document
    assert SYNCED.parse(builtins, now=now, previous=document) is document
    assert SYNCED.encode(SYNCED.parse(builtins, now=now)) == SYNCED.encode(document)
    for name, items in builtins.items():
        assert SYNCED.set(document, name, items, now=now) is document
        for item in items if isinstance(items, list) else ():
            for key, value in item.items():
                assert (
                    SYNCED.set(document, f"{name}.{item['id']}.{key}", value, now=now) is document
                )


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
LISTS = ["accounts", "drop_servers", "storage_servers", "storage_volumes", "identities", "contacts"]
NAMES = [
    *LISTS,
    "module_data",
    "id",
    "alias",
    "keys",
    "public_key",
    "private_key",
    "deleted",
    "url",
]


def check(old: SyncedSettings, new: SyncedSettings) -> None:
    """Check that a change was none, or gave a document that reads back."""
    if new is old:
        return
    assert new != old
    assert SYNCED.parse(json.loads(SYNCED.encode(new)), now=1) == new


def check_errors(error: InvalidInput) -> None:
    """Check that something is wrong, and told once, in words that can be sent."""
    assert len(set(error.errors)) == len(error.errors) > 0
    "".join(error.key + error.detail for error in error.errors).encode()


@given(documents(), st.data())
def test_no_key_and_value_break_a_document(document: SyncedSettings, data: st.DataObject) -> None:
    """Whatever is set, the outcome is a good document, UnknownKey or InvalidInput."""
    numbers = [str(each.id) for each in (*document.identities, *document.contacts)]
    steps = st.sampled_from([*NAMES, *numbers]) | st.text(max_size=3)
    key = ".".join([data.draw(st.sampled_from(NAMES[:7])), *data.draw(st.lists(steps, max_size=4))])
    try:
        check(document, SYNCED.set(document, key, data.draw(JSON_VALUES), now=1))
    except UnknownKey as unknown:
        unknown.key.encode()
    except InvalidInput as invalid:
        check_errors(invalid)


@given(documents(), st.data())
def test_no_patch_breaks_a_document(document: SyncedSettings, data: st.DataObject) -> None:
    """Whatever part of a good document is put out of shape, the same holds."""
    builtins: dict[str, Any] = SYNCED.to_builtins(document)
    for name in data.draw(st.lists(st.sampled_from(sorted(builtins)), max_size=3, unique=True)):
        items = builtins[name]
        if isinstance(items, list) and items and data.draw(st.booleans()):
            item = data.draw(st.sampled_from(items))
            item[data.draw(st.sampled_from([*item, "nope"]))] = data.draw(JSON_VALUES)
        else:
            builtins[name] = data.draw(JSON_VALUES)
    for change in (
        lambda: SYNCED.merge(document, builtins, now=1),
        lambda: SYNCED.parse(builtins, now=1, previous=document),
    ):
        try:
            check(document, change())
        except InvalidInput as invalid:
            check_errors(invalid)
