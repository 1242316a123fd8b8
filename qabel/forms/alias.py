"""Names of identities and contacts that people choose, as opposed to those in files and documents.

Documents and files of other clients may hold any text as a name, and are taken as they are; only
where a file has a name that nobody could see, there is another one instead.
"""

import unicodedata
from collections.abc import Mapping

import attrs

from qabel.forms.errors import FieldError, InvalidInput, invalid
from qabel.forms.plain import Text

KEY_DIGITS = 8
"""Digits of a public key that are the name of somebody who has none."""

_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing."""

_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reverse the text after them, so that a name looks like another one."""


@attrs.frozen
class Alias(Text):
    """A name that shows something, in one line, without control characters."""

    shortest: int = attrs.field(default=1, kw_only=True)

    def read(self, value: object) -> str:
        """Check a name."""
        if isinstance(value, str) and not any(map(_is_seen, value)):
            raise invalid("must not be blank")
        name = super().read(value)
        if any(map(_is_control, name)):
            raise invalid("must not contain control characters or line breaks")
        return name


def check_alias(value: object) -> None:
    """Check a name that somebody chose. Raises InvalidInput, for the key ``alias``."""
    try:
        Alias().read(value)
    except InvalidInput as error:
        errors = [FieldError("alias", each.detail) for each in error.errors]
        raise InvalidInput(errors) from None


def visible_alias(alias: str, public_key: str) -> str:
    """Return a name out of a file; if it shows nothing, the start of the key instead.

    Args:
        alias: the name.
        public_key: whose name it is, in hexadecimal digits.

    """
    return alias if any(map(_is_seen, alias)) else public_key[:KEY_DIGITS]


def check_alias_in(item: Mapping[str, object]) -> None:
    """Check the name of an item, or of changes to it, if it is text. Raises InvalidInput."""
    if isinstance(item.get("alias"), str):
        check_alias(item["alias"])


def _is_seen(character: str) -> bool:
    # Neither control characters, spaces nor marks, which need a letter before them.
    return unicodedata.category(character)[0] not in "CZM" and character not in _INVISIBLE


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _OVERRIDES
