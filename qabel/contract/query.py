"""Query parameters, all checked before a handler gets them."""

from collections.abc import Mapping, Sequence
from typing import Any

from qabel.contract.rejection import rejected_input
from qabel.forms.compound import Key, Object
from qabel.forms.errors import FieldError, InvalidInput, shorten_name
from qabel.forms.plain import Integer, Text

MAX_ID = 2**63 - 1

CURSOR = Text(200, shortest=1, printable=True)
"""A cursor in the event log, as clients send it."""


def identifier(description: str) -> Key:
    """Return an optional parameter that is an id."""
    return Key(Integer(0, MAX_ID), None, description=description)


def read_query(query: Object, args: Mapping[bytes, Sequence[bytes]]) -> dict[str, Any]:
    """Return the value of each parameter of a query.

    Unknown parameters are errors, since they may be misspelled.

    Args:
        query: the form of the parameters.
        args: the query, with all values of each parameter, as Twisted parses it.

    Raises:
        Rejected: the query is not valid.

    """
    texts: dict[str, str] = {}
    errors: list[FieldError] = []
    for raw, values in args.items():
        name = raw.decode("utf-8", "replace")
        try:
            texts[name] = values[0].decode()
        except UnicodeDecodeError:
            errors.append(FieldError(shorten_name(name), "is not UTF-8"))
        if len(values) > 1:
            errors.append(FieldError(shorten_name(name), "must be given only once"))
    if errors:
        raise rejected_input("query", errors)
    try:
        return query.read_texts(texts)
    except InvalidInput as error:
        raise rejected_input("query", error.errors) from None
