"""The kinds of entries in the journal, and which of them each scope permits to read."""

from functools import cache
from typing import Annotated, Literal, get_args

from msgspec import Meta

from qabel.contract.access import MODULE_NAME
from qabel.forms.plain import OpenChoice

KindName = Literal["drop", "outbox", "settings", "synced"]

Kind = Annotated[KindName, Meta(title="EventKind")]
"""A kind as clients see it."""

KINDS: tuple[str, ...] = get_args(KindName)

_OF_SCOPE = {
    "read": frozenset({"drop", "outbox"}),
    "send": frozenset({"outbox"}),
    # That something has changed, and not what: who shows people or servers reads them again.
    "contacts": frozenset({"synced"}),
    "servers": frozenset({"synced"}),
    "preferences": frozenset({"settings"}),
    "settings": frozenset({"settings", "synced"}),
    "admin": frozenset(KINDS),
}


MOST_KINDS = 100
"""Kinds of which a list may consist."""

EVENT_KIND = OpenChoice(KINDS, rf"{MODULE_NAME}\.[a-z_]{{1,32}}", title="EventKind")
"""A kind: also one of a module, which is its name, a dot, and what happened."""


def permits(scopes: frozenset[str], kind: str) -> bool:
    """Return whether these scopes permit to read entries of a kind.

    Events of a module need its scope ``read``; those about modules need ``status``.
    """
    module, dot, _ = kind.partition(".")
    if not dot:
        return kind in kinds_for(scopes)
    needed = "status" if module == "module" else f"{module}:read"
    return "admin" in scopes or needed in scopes


@cache
def kinds_for(scopes: frozenset[str]) -> frozenset[str]:
    """Return the kinds of entries, without those of modules, that these scopes permit to read."""
    return frozenset().union(*(_OF_SCOPE.get(scope, frozenset()) for scope in scopes))
