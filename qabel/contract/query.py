"""Parameters in the query of a request, each checked before a handler sees it."""

from collections.abc import Mapping, Sequence
from typing import Any

from qabel.contract.rejection import rejected_input
from qabel.forms.compound import Key, Object
from qabel.forms.errors import FieldError, InvalidInput
from qabel.forms.plain import Integer, Text

MAX_ID = 2**63 - 1

CURSOR = Text(200, shortest=1, printable=True)
"""A cursor in the journal, as clients give it."""


def identifier(description: str) -> Key:
    """Return a parameter that is the id of something."""
    return Key(Integer(0, MAX_ID), None, description=description)


def read_query(query: Object, args: Mapping[bytes, Sequence[bytes]]) -> dict[str, Any]:
    """Read the query of a request. An unknown parameter is rejected: it may be misspelt."""
    texts, errors = {}, []
    for raw, given in args.items():
        name = raw.decode("utf-8", "replace")
        try:
            texts[name] = given[0].decode()
        except UnicodeDecodeError:
            errors.append(FieldError(name, "must be UTF-8"))
        if len(given) > 1:
            errors.append(FieldError(name, "may be given only once"))
    if errors:
        raise rejected_input("query", errors)
    try:
        return query.read_texts(texts)
    except InvalidInput as error:
        raise rejected_input("query", error.errors) from None
