"""Tokens as clients see them, and as they ask for them."""

from typing import Annotated, Any

from msgspec import Meta

from qabel.contract.access import FOR_ONE_IDENTITY, MODULE_SCOPE, SCOPE_TEXTS, SCOPES
from qabel.contract.types import Id, Milliseconds, View
from qabel.core.people.references import ReferenceForm
from qabel.forms.compound import Key, ListOf, Object, OrNull
from qabel.forms.plain import OpenChoice, Text
from qabel.store.tokens import Token

MAX_NAME = 100

MOST_SCOPES = 100
"""Scopes of a token, those of modules included."""


_SCOPE = OpenChoice(SCOPES, MODULE_SCOPE, title="Scope")

ScopeText = Annotated[str, Meta(extra_json_schema=_SCOPE.schema())]
"""A scope as clients see it: also one of a module."""


class TokenView(View):
    """A token without its value."""

    id: Id
    name: str
    scopes: list[ScopeText]
    identity_id: Id | None
    created: Milliseconds
    last_used: Milliseconds | None
    ends: Milliseconds | None
    """When it ends unless it is used before: sessions of the page for people do."""


class NewTokenView(TokenView):
    """A new token, with its value."""

    token: str


POSSIBLE = f"{', '.join(FOR_ONE_IDENTITY[:-1])} and {FOR_ONE_IDENTITY[-1]}"
"""The scopes of which a token for one identity can have some, for users."""

TOKEN_INPUT = Object(
    {
        "name": Key(
            Text(MAX_NAME, shortest=1, printable=True),
            description="What the token is for.",
            examples=["a script"],
        ),
        "scopes": Key(
            ListOf(_SCOPE, MOST_SCOPES, shortest=1),
            description="What the token permits. "
            + " ".join(f"`{scope}`: {text}" for scope, text in SCOPE_TEXTS.items())
            + " `MODULE:read`, `MODULE:write`: Use what a module offers.",
            examples=[["read"]],
        ),
        "identity": Key(
            OrNull(ReferenceForm()),
            None,
            description="Limit the token to this identity, by id or public key (scopes "
            f"{POSSIBLE} only). The token ends with the identity, and when its key is replaced.",
        ),
    }
)
"""The body of a request to create a token."""


def token_members(record: Token) -> dict[str, Any]:
    """Return what a view of a token has, by name."""
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "identity_id": None if record.identity is None else record.identity.id,
        "created": record.created,
        "last_used": record.last_used,
        "ends": record.ends,
    }
