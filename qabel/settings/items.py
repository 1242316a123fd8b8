"""The items of the synced settings (Qabel-Client-Configuration, "Synced settings")."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import attrs

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.group_token import is_group_token
from qabel.drop.url import DropURL, parse_server_url
from qabel.forms.compound import Key, ListOf
from qabel.forms.plain import MAX_INT, MAX_LONG, MIN_LONG, Flag, Integer, Text
from qabel.jsontext import encode as encode_json
from qabel.settings.extra import Extra, ExtraForm
from qabel.settings.group_token_form import GroupTokenForm
from qabel.settings.module_data import ModuleData, ModuleDataForm
from qabel.settings.qabel_forms import (
    PUBLIC_KEY,
    ContactKeysForm,
    DropServerURLForm,
    DropURLForm,
    KeyPairForm,
    URLForm,
)

MAX_DROPS = 64
"""Drop URLs of one identity or contact."""

MAX_PREFIXES = 1000
"""Storage prefixes of one identity."""

ID = Integer(0, MAX_INT)
TIME = Integer(MIN_LONG, MAX_LONG)
TIMES = ("created", "updated", "deleted")
_TEXT = Text()
DROP_URLS = ListOf(DropURLForm(), MAX_DROPS)

# Clients that are older than these keys omit them, and change nothing by that.
_REACHED_BY = {"email": Key(_TEXT, "", keeps=True), "phone": Key(_TEXT, "", keeps=True)}
_EXTRA = {"extra": Key(ExtraForm(), Extra(), keeps=True)}
_NO = Key(Flag(), default=False, keeps=True)


@attrs.frozen(kw_only=True)
class Item:
    """What all items have in common: an id and times in seconds since the epoch.

    ``deleted`` is 0 unless the item is deleted; then it stays in its list, but is not used anymore.
    ``keys`` are the further keys of each class of items in JSON.
    """

    keys: ClassVar[Mapping[str, Key]] = {}

    id: int
    created: int
    updated: int
    deleted: int = 0

    @property
    def living(self) -> bool:
        """Whether the item is not deleted."""
        return self.deleted == 0

    def to_builtins(self) -> dict[str, Any]:
        """Return the item as builtins that JSON can represent."""
        own = {
            name: key.form.write(getattr(self, key.attribute or name))
            for name, key in self.keys.items()
        }
        return {"id": self.id, **own, **{name: getattr(self, name) for name in TIMES}}

    def in_place_of(self, old: Self) -> Self:
        """Return what this item is as the successor of an old one with the same id."""
        return self

    @cached_property
    def encoded(self) -> bytes:
        """The item as JSON text."""
        return encode_json(self.to_builtins())


@attrs.frozen(kw_only=True)
class Account(Item):
    """An account at a provider."""

    keys: ClassVar = {
        "provider": Key(_TEXT),
        "user": Key(_TEXT),
        "auth": Key(_TEXT, ""),
    }

    provider: str
    user: str = attrs.field(repr=False)
    auth: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class DropServer(Item):
    """A drop server; new drops are created on it only while it is active.

    ``auth`` is the token of the closed group that it is for; "" if it is for everybody.
    """

    keys: ClassVar = {
        "url": Key(DropServerURLForm()),
        "auth": Key(GroupTokenForm(), ""),
        "active": Key(Flag(), default=True),
    }

    url: str
    auth: str = attrs.field(repr=False)
    active: bool

    @property
    def server(self) -> str:
        """The URL in normal form, as in drop URLs."""
        return parse_server_url(self.url)

    @property
    def group_token(self) -> str:
        """The token that goes with every request to its drops; "" if there is none."""
        return self.auth if is_group_token(self.auth) else ""


@attrs.frozen(kw_only=True)
class StorageServer(Item):
    """A server that stores files."""

    keys: ClassVar = {"url": Key(URLForm()), "auth": Key(_TEXT, "")}

    url: str
    auth: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class StorageVolume(Item):
    """A volume on a storage server, and the tokens to write to it and to revoke it."""

    keys: ClassVar = {
        "storage_server_id": Key(ID),
        "public_identifier": Key(_TEXT),
        "token": Key(_TEXT, ""),
        "revoke_token": Key(_TEXT, ""),
    }

    storage_server_id: int
    public_identifier: str = attrs.field(repr=False)
    token: str = attrs.field(repr=False)
    revoke_token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Identity(Item):
    """One of the user's own identities, with the drops where it receives messages.

    ``prefixes`` are those of its files on storage servers: whoever knows one can write there.
    ``extra`` is what else its ``.qid`` file had.
    """

    keys: ClassVar = {
        "alias": Key(_TEXT),
        "keys": Key(KeyPairForm(), attribute="private_key"),
        "drops": Key(DROP_URLS),
        **_REACHED_BY,
        "prefixes": Key(ListOf(_TEXT, MAX_PREFIXES), (), keeps=True),
        **_EXTRA,
    }

    alias: str = attrs.field(repr=False)
    private_key: PrivateKey
    drops: tuple[DropURL, ...]
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    prefixes: tuple[str, ...] = attrs.field(default=(), repr=False)
    extra: Extra = attrs.field(default=Extra(), repr=False)

    @property
    def public_key(self) -> PublicKey:
        """The key by which others know the identity."""
        return self.private_key.public_key


@attrs.frozen(kw_only=True)
class Contact(Item):
    """A contact of one of the user's identities; ``my_identity`` is the public key of that one.

    ``verified`` is when the user compared the verification text with the contact, in seconds since
    the epoch, or 0. ``alias_checked`` says that the user knows that another contact has this alias.
    ``blocked`` says that its messages are passed over, and ``introduced`` that it was added from a
    message of its own. ``extra`` is what else its ``.qco`` file had.
    """

    keys: ClassVar = {
        "alias": Key(_TEXT),
        "keys": Key(ContactKeysForm(), attribute="public_key"),
        "my_identity": Key(PUBLIC_KEY),
        "drop_urls": Key(DROP_URLS),
        **_REACHED_BY,
        "verified": Key(Integer(0, MAX_LONG), 0, keeps=True),
        "alias_checked": _NO,
        "blocked": _NO,
        "introduced": _NO,
        "module_data": Key(ModuleDataForm(), ModuleData(), attribute="modules"),
        **_EXTRA,
    }

    alias: str = attrs.field(repr=False)
    public_key: PublicKey
    my_identity: PublicKey
    drop_urls: tuple[DropURL, ...]
    email: str = attrs.field(default="", repr=False)
    phone: str = attrs.field(default="", repr=False)
    verified: int = 0
    alias_checked: bool = False
    blocked: bool = False
    introduced: bool = False
    modules: ModuleData = attrs.field(factory=ModuleData)
    extra: Extra = attrs.field(default=Extra(), repr=False)

    def in_place_of(self, old: Self) -> Self:
        """Return the contact without marks of the old one that say nothing about it.

        The verification text is made of both keys, and what was said about an alias goes for that
        alias and key. A mark that differs from the old one is new.
        """
        keys = (self.public_key, self.my_identity)
        is_same = keys == (old.public_key, old.my_identity)
        lost: dict[str, Any] = {}
        if not is_same and self.verified == old.verified:
            lost["verified"] = 0
        if not (is_same and self.alias == old.alias) and self.alias_checked == old.alias_checked:
            lost["alias_checked"] = False
        return attrs.evolve(self, **lost) if lost else self

    @property
    def module_data(self) -> dict[str, Any]:
        """A copy of the objects of all modules, by name."""
        return self.modules.value
