"""Cards of people, for tests of the page."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.browser.conftest import Someone


def settle(one: Someone, name: str, server: str) -> None:
    """Give somebody an identity on a server, and have all go fast."""
    one.command("server", "add", server)
    one.command("identity", "new", name)
    hurry(one)


def hurry(one: Someone) -> None:
    """Have messages be fetched and acknowledged soon."""
    one.command("settings", "set", "poll_interval", "0.5")
    one.command("settings", "set", "privacy.acknowledge_delay", "0")


def card_of(one: Someone, name: str) -> Path:
    """Return the contact file of an identity."""
    path = one.folder / f"{name}.qco"
    one.command("identity", "card", name, str(path), "--force")
    return path


def made_up(number: int, alias: str) -> dict[str, Any]:
    """Return the card of somebody who does not exist."""
    key = bytearray(hashlib.sha256(b"%d" % number).digest())
    key[31] &= 0x3F
    drop = f"https://drop.example/{'a' * 38}{number:05}"
    return {"alias": alias, "public_key": key.hex(), "drop_urls": [drop]}


def write_cards(path: Path, *cards: dict[str, Any]) -> Path:
    """Write a contact file."""
    path.write_text(json.dumps({"contacts": cards}))
    return path


def go(page: Any, place: str) -> None:
    """Go to a place of the page, as by a link."""
    page.evaluate("place => { location.hash = place }", place)


def is_too_wide(page: Any) -> bool:
    """Return whether one has to scroll sideways."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide
