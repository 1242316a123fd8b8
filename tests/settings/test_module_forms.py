"""The forms of what modules store: checked on every way in, where it has changed."""

from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Choice, Flag, Integer
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.module_forms import ModuleForms, checking_modules, module_forms
from qabel.settings.stored import reading_stored
from qabel.settings.synced import SYNCED, SyncedSettings
from tests.settings.checks import keys_of

SOUND = Object({"sound": Key(Choice(("bell", "none")), "bell"), "loud": Key(Integer(0, 9), 5)})
PIN = Object({"pinned": Key(Flag(), default=False)})
FORMS = ModuleForms(local={"chat": SOUND}, synced={"chat": PIN}, contacts={"chat": PIN})

WRONG = {"chat": {"sound": "drum", "loud": 10, "more": 1}, "other": {"any": "thing"}}
KEYS = ["module_data.chat.sound", "module_data.chat.loud", "module_data.chat.more"]

WAYS: dict[str, Any] = {
    "whole": lambda old, data: LOCAL.parse({"module_data": data}, now=1, previous=old),
    "key": lambda old, data: LOCAL.set(old, "module_data", data, now=1),
    "path": lambda old, data: LOCAL.set(old, "module_data.chat", data["chat"], now=1),
    "patch": lambda old, data: LOCAL.merge(old, {"module_data": data}, now=1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_in(way: Any) -> None:
    """Whoever changes the data of a module is told all that is wrong with it, with whole keys."""
    with checking_modules(FORMS):
        assert keys_of(lambda: way(LOCAL.default(), WRONG)) == KEYS
        new: LocalSettings = way(LOCAL.default(), {"chat": {"loud": 9}})
    assert new.module_data == {"chat": {"loud": 9}}


def test_with_other_errors() -> None:
    """All errors of a document are told at once."""
    document = {"poll_interval": -1, "module_data": WRONG}
    with checking_modules(FORMS):
        assert keys_of(lambda: LOCAL.parse(document, now=1)) == ["poll_interval", *KEYS]


def test_what_no_module_checks() -> None:
    """Data of modules that do not run are taken as they are."""
    assert module_forms() == ModuleForms()
    assert LOCAL.parse({"module_data": WRONG}, now=1).module_data == WRONG
    with checking_modules(ModuleForms(local={"third": SOUND})):
        assert LOCAL.parse({"module_data": WRONG}, now=1).module_data == WRONG


def test_what_stands_there_already() -> None:
    """What an earlier version stored is read and kept, and does not hold up other changes."""
    with checking_modules(FORMS):
        with reading_stored():
            old = LOCAL.parse({"module_data": WRONG}, now=1)
        assert old.module_data == WRONG
        new = LOCAL.set(old, "module_data.other.any", 5, now=2)
        new = LOCAL.merge(new, {"poll_interval": 7}, now=2)
        new = LOCAL.parse(LOCAL.to_builtins(new), now=2, previous=new)
        assert new.module_data == {**WRONG, "other": {"any": 5}}
        assert keys_of(lambda: LOCAL.set(new, "module_data.chat.loud", 3, now=3)) == [
            KEYS[0],
            KEYS[2],
        ]
        assert LOCAL.merge(new, {"module_data": {"chat": None}}, now=3).module_data == {
            "other": {"any": 5}
        }


def contact(**more: object) -> dict[str, object]:
    """Return a contact as clients send it."""
    key = PrivateKey.generate().public_key.hex
    return {
        "alias": "Bob",
        "keys": {"public_key": key},
        "my_identity": ME.public_key.hex,
        "drop_urls": [],
        "module_data": {},
        **more,
    }


ME = PrivateKey.generate()
IDENTITY = {"alias": "Me", "keys": {"private_key": ME.hex}, "drops": []}


def synced() -> SyncedSettings:
    """Return settings with two contacts."""
    contacts = [contact(id=3, module_data={"chat": {"pinned": 5}}), contact(id=4)]
    with reading_stored():
        return SYNCED.parse({"identities": [IDENTITY], "contacts": contacts}, now=1)


def test_contacts_and_synced_settings() -> None:
    """They are checked like the local settings; an item's own errors are relative to it."""
    old, bad = synced(), {"chat": {"pinned": "yes"}}
    with checking_modules(FORMS):
        assert keys_of(lambda: SYNCED.set(old, "module_data", bad, now=2)) == [
            "module_data.chat.pinned"
        ]
        assert keys_of(lambda: SYNCED.set(old, "contacts.4.module_data", bad, now=2)) == [
            "contacts.4.module_data.chat.pinned"
        ]
        changes = {"module_data": bad}
        assert keys_of(lambda: SYNCED.with_changed_item(old, "contacts", 4, changes, now=2)) == [
            "module_data.chat.pinned"
        ]
        assert keys_of(
            lambda: SYNCED.with_item(old, "contacts", contact(module_data=bad), now=2)
        ) == ["module_data.chat.pinned"]
        new = SYNCED.with_changed_item(old, "contacts", 3, {"alias": "Bobby"}, now=2)
        assert new.contacts[0].module_data == {"chat": {"pinned": 5}}
        fine = {"module_data": {"chat": {"pinned": True}}}
        new = SYNCED.with_changed_item(new, "contacts", 3, fine, now=2)
        assert new.contacts[0].module_data == fine["module_data"]
