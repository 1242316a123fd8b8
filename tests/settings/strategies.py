"""Strategies for settings documents and for JSON."""

from hypothesis import strategies as st

from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.settings.items import (
    Account,
    Contact,
    DropServer,
    Identity,
    StorageServer,
    StorageVolume,
)
from qabel.settings.module_data import ModuleDataForm
from qabel.settings.synced import SyncedSettings

KEYS = [PrivateKey(bytes([number]) * 32) for number in range(8, 80, 8)]
URL = DropURL.parse("https://drop.example/" + "a" * 43)
TEXTS = st.text(max_size=8)
LONGS = st.integers(-(2**63), 2**63 - 1)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 10**300, 10**300 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""

MODULES = st.dictionaries(TEXTS, st.dictionaries(TEXTS, JSON_VALUES, max_size=3), max_size=3)
"""Any ``module_data``, as JSON."""

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
"""JSON and what is almost JSON: NaN, infinity, numbers out of range and unpaired surrogates."""


@st.composite
def synced_settings(draw: st.DrawFn) -> SyncedSettings:
    """Return any valid synced settings, made without reading JSON."""
    numbers = st.lists(st.integers(0, 2**31 - 1), unique=True, max_size=3)

    def times() -> dict[str, int]:
        deleted = draw(st.just(0) | LONGS)
        return {"created": draw(LONGS), "updated": draw(LONGS), "deleted": deleted}

    modules = MODULES.map(ModuleDataForm().read)
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
                modules=draw(modules),
                **times(),
            )
            for number, key in (
                zip(draw(numbers), KEYS[3:], strict=False) if owners is not None else []
            )
        ),
        modules=draw(modules),
    )
