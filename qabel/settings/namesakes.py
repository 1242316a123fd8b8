"""Contacts that a reader may take for each other, as they have the same alias but other keys. Pure.

Anybody can call themselves Bob. Of the contacts of one identity with one alias, one is known by it:
the one that was verified first, or else the one that was there first. The others are pointed out
until the user has looked at them.
"""

import unicodedata
from collections.abc import Iterable

from qabel.settings.items import Contact


def known_by_name(named: Iterable[Contact]) -> Contact | None:
    """Return who of some contacts with the same alias is known by it; None if there are none."""

    def order(each: Contact) -> tuple[bool, int, int, int]:
        return not each.verified, each.verified, each.created, each.id

    return min(named, key=order, default=None)


def namesake(contact: Contact, named: Iterable[Contact]) -> Contact | None:
    """Return the contact that the user knows by the alias of another one, to point that out.

    Args:
        contact: the other one.
        named: the contacts of the same identity that have its alias, among them it itself.

    Returns:
        None if there is nothing to point out: it is the one that is known by this alias, or the
        user has compared keys with it, or has said that it is somebody else.

    """
    if contact.verified or contact.alias_checked:
        return None
    known = known_by_name(named)
    return None if known is None or known.id == contact.id else known


def comparable_alias(alias: str) -> str:
    """Return what aliases that a reader takes for the same have in common.

    Letter case, widths of letters, blanks and what is not visible do not matter, and neither do
    Cyrillic and Greek letters that look like Latin ones, as capital or as small letters.
    """
    folded = alias.casefold()
    if not alias.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", alias).casefold())
        folded = "".join(each for each in folded if unicodedata.category(each) != "Cf")
        folded = folded.translate(_LOOKALIKES)
    return " ".join(folded.split())


_CYRILLIC = (
    "\u0430\u0432\u0435\u0455\u0456\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445"
)
_GREEK = "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
_LOOKALIKES = str.maketrans(_CYRILLIC + _GREEK, "abesijkmhopctyx" + "abezhikmnoptyx")
