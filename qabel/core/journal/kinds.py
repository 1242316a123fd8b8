"""The kinds of entries in the journal, and which of them each scope permits to read."""

from functools import cache
from typing import Annotated, Literal, get_args

from msgspec import Meta

KindName = Literal["drop", "outbox", "settings", "synced"]

Kind = Annotated[KindName, Meta(title="EventKind")]
"""A kind as clients see it."""

KINDS: tuple[str, ...] = get_args(KindName)

_OF_SCOPE = {
    "read": frozenset({"drop", "outbox"}),
    "send": frozenset({"outbox"}),
    "preferences": frozenset({"settings"}),
    "settings": frozenset({"settings", "synced"}),
    "admin": frozenset(KINDS),
}


@cache
def kinds_for(scopes: frozenset[str]) -> frozenset[str]:
    """Return the kinds of entries that these scopes permit to read."""
    return frozenset().union(*(_OF_SCOPE.get(scope, frozenset()) for scope in scopes))
