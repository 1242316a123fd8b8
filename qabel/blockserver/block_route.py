"""What is requested, by the path."""

import re
from enum import Enum

from attrs import field, frozen

from qabel.blockserver.block_values import ObjectPath, is_name, is_prefix

API = "/api/v0"

_FILE = re.compile(rf"{API}/files/([^/]+)/(.*)", re.ASCII)
_SOCKET = re.compile(rf"{API}/websocket/([^/]+)(?:/(.+))?", re.ASCII)


class BlockPlace(Enum):
    """What a path leads to."""

    FILE = "file"
    LISTING = "listing"
    PREFIXES = "prefixes"
    QUOTA = "quota"
    SOCKET = "socket"
    FRONT = "front"
    NOTHING = "nothing"


_FIXED = {
    f"{API}/prefix/": BlockPlace.PREFIXES,
    f"{API}/quota/": BlockPlace.QUOTA,
    "/": BlockPlace.FRONT,
}


@frozen
class BlockRoute:
    """Where a request leads."""

    place: BlockPlace
    path: ObjectPath = field(factory=lambda: ObjectPath("", ""))
    """In a prefix; without a name for all of it."""
    query: str = ""


def parse_target(target: bytes) -> BlockRoute:
    """Return where a request leads.

    Names are taken as they are: none needs percent signs, and what has some is not found, so that
    every object has one path.

    Args:
        target: of the request line.

    """
    text, _, query = target.decode("latin-1").partition("?")
    if (place := _FIXED.get(text)) is not None:
        return BlockRoute(place, query=query)
    if (found := _FILE.fullmatch(text)) is not None and is_prefix(found[1]):
        path = ObjectPath(found[1], found[2])
        if not path.name:
            return BlockRoute(BlockPlace.LISTING, path, query)
        if is_name(path.name):
            return BlockRoute(BlockPlace.FILE, path, query)
    if (found := _SOCKET.fullmatch(text)) is not None and is_prefix(found[1]):
        path = ObjectPath(found[1], found[2] or "")
        if not path.name or is_name(path.name):
            return BlockRoute(BlockPlace.SOCKET, path, query)
    return BlockRoute(BlockPlace.NOTHING)
