"""Identities, contacts and postings that go by numbers, for tests that need no database."""

from random import Random
from typing import Any

from qabel.core.random_delays import Draw
from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from qabel.settings.items import Contact, Identity
from qabel.store.outbox.sends import Posting


def draws(seed: int = 1) -> Draw:
    """Return a function that draws numbers in [0, 1), the same ones each time."""
    return Random(seed).random  # noqa: S311


def key(number: int) -> PrivateKey:
    """Return one of several private keys."""
    return PrivateKey(bytes([number]) * 32)


def drop(number: int, server: str = "http://drop.example") -> DropURL:
    """Return one of a server's drops."""
    return DropURL.parse(f"{server}/{number:043}")


def identity(number: int, **given: Any) -> Identity:
    """Return an identity whose id, key and drop go by a number."""
    values: dict[str, Any] = {
        "id": number,
        "created": 0,
        "updated": 0,
        "alias": f"identity {number}",
        "private_key": key(number),
        "drops": (drop(number),),
    }
    return Identity(**{**values, **given})


def contact(number: int, owner: int, **given: Any) -> Contact:
    """Return a contact of an identity, whose id, key and drop go by a number."""
    values: dict[str, Any] = {
        "id": number,
        "created": 0,
        "updated": 0,
        "alias": f"contact {number}",
        "public_key": key(number).public_key,
        "my_identity": key(owner).public_key,
        "drop_urls": (drop(number),),
    }
    return Contact(**{**values, **given})


def posting(number: int, server: str = "http://one.example", sender: bytes = b"\1" * 32) -> Posting:
    """Return the posting of one of several messages, to a recipient and a drop of its own."""
    return Posting(
        id=number,
        delivery_id=number,
        send_id=number,
        sender=sender,
        recipient=number.to_bytes(32, "big"),
        url=str(drop(number, server)),
        sealed=b"sealed %d" % number,
        attempts=0,
    )
