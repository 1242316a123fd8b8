"""Introductions: who is told what of the sender, and in how many bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from qabel.core.errors import Invalid, TooLarge
from qabel.core.sending.introductions import ALWAYS, AUTO, NEVER, Introducing, Introductions
from qabel.drop.message import DropMessage, decode, encode
from qabel.drop.transport import TEXT_SIZE
from qabel.drop.url import DropURL
from tests.core.items import contact, drop, identity, key

ME = identity(1, alias="Älice", drops=(drop(1), drop(2)), email="a@example.org", phone="+49 1")
FRIEND, STRANGER = contact(5, 1), contact(6, 1, introduced=True)
MESSAGE = DropMessage(1, key(1).public_key, "chat", b'{"msg":"Hello"}')
SHORT = {
    "alias": "Älice",
    "drop_url": str(drop(1)),
    "public_key": {"public_key": key(1).public_key.hex},
    "phone": "",
    "email": "",
}


def of_size(size: int) -> DropMessage:
    """Return a message whose text has so many bytes."""
    rest = len(encode(evolve(MESSAGE, data=b'{"msg":""}')))
    return evolve(MESSAGE, data=b'{"msg":"%s"}' % (b"x" * (size - rest)))


def meta(introductions: Introductions, to: Any) -> dict[str, Any]:
    """Return what a recipient is told."""
    introduction = introductions.to(to)
    assert introduction is not None
    told: dict[str, Any] = json.loads(introduction.text)["meta_data"]
    return told


def test_what_is_told() -> None:
    """Contacts are told all; those who became contacts by a message not how to call or mail."""
    introductions = Introductions(ME, MESSAGE)
    assert meta(introductions, STRANGER) == SHORT
    assert meta(introductions, FRIEND) == {**SHORT, "email": "a@example.org", "phone": "+49 1"}


def test_nothing_more_to_tell() -> None:
    """Of an identity without e-mail and phone all are told the same."""
    introductions = Introductions(evolve(ME, email="", phone=""), MESSAGE)
    assert introductions.to(FRIEND) is introductions.to(STRANGER)
    assert meta(introductions, FRIEND) == SHORT


def test_the_rest_of_the_message_is_the_same() -> None:
    """An introduction adds a member, and changes none."""
    introduction = Introductions(ME, MESSAGE).to(FRIEND)
    assert introduction is not None
    told = json.loads(introduction.text)
    del told["meta_data"]
    assert told == json.loads(encode(MESSAGE))


def test_an_identity_without_a_drop_cannot_introduce_itself() -> None:
    """Nobody could answer it; required, it is an error."""
    introductions = Introductions(evolve(ME, drops=()), MESSAGE)
    assert introductions.to(FRIEND) is None
    with pytest.raises(Invalid) as raised:
        introductions.require([FRIEND])
    assert [error.key for error in raised.value.errors] == ["introduce"]


def test_what_fits() -> None:
    """The size that counts is that with the introduction of the recipient who is told most."""
    introduction = Introductions(ME, MESSAGE).to(FRIEND)
    assert introduction is not None
    cost = len(introduction.text) - len(encode(MESSAGE))
    fitting = Introductions(ME, of_size(TEXT_SIZE - cost))
    fitting.require([FRIEND, STRANGER])
    larger = Introductions(ME, of_size(TEXT_SIZE - cost + 1))
    larger.require([STRANGER])
    with pytest.raises(TooLarge) as raised:
        larger.require([STRANGER, FRIEND])
    assert (raised.value.size, raised.value.limit) == (TEXT_SIZE + 1, TEXT_SIZE)
    assert str(TEXT_SIZE + 1) in raised.value.detail
    too_large = larger.to(FRIEND)
    assert too_large is not None
    assert not too_large.fits


def test_the_wish_of_a_request() -> None:
    """A wish stands above the setting, and only then is an introduction required."""
    assert Introducing.of(None, AUTO) == Introducing(AUTO)
    assert Introducing.of(True, NEVER) == Introducing(ALWAYS, is_required=True)
    assert Introducing.of(False, ALWAYS) == Introducing(NEVER)


def test_the_java_core_writes_the_same() -> None:
    """Members, their order and their form are those that Qabel's own core writes and reads."""
    vectors = json.loads((Path(__file__).parents[2] / "vectors/qabel-core.json").read_text())
    name = "meta data without email and phone"
    [text] = [x["expected"]["json"] for x in vectors["drop_messages"] if x["name"] == name]
    message = decode(text.encode())
    card = json.loads(text)["meta_data"]
    sender = identity(1, alias=card["alias"], drops=(DropURL.parse(card["drop_url"]),))
    introduction = Introductions(sender, evolve(message, sender=sender.public_key)).to(FRIEND)
    assert introduction is not None
    written = introduction.text.decode().replace(sender.public_key.hex, message.sender.hex)
    assert written.partition(',"meta_data":')[2] == text.partition(',"meta_data":')[2]
