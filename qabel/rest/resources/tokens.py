"""``/tokens``: who else may ask, and for what."""

from qabel.contract.access import SCOPES as ALL_SCOPES
from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Key, Routes
from qabel.contract.schemas import OPTIONAL_REFERENCE, listing, ref
from qabel.core.access import MAX_NAME
from qabel.rest.http.call import Call

routes = Routes("Tokens")

SCOPES = {"admin"}

_BODY = (
    Key(
        "name",
        "What it is for.",
        {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "examples": ["a script"]},
        True,
    ),
    Key(
        "scopes",
        "What it allows.",
        {
            "type": "array",
            "items": {"enum": list(ALL_SCOPES)},
            "minItems": 1,
            "examples": [["read"]],
        },
        True,
    ),
    Key(
        "identity",
        "The one identity that it is for, by id or public key; read and send only.",
        OPTIONAL_REFERENCE,
    ),
)


@routes.add(
    "GET",
    "/tokens",
    "List the tokens, without their values",
    scopes=SCOPES,
    answers={200: "A list of tokens."},
    gives=listing(ref("Token")),
)
def listed(call: Call) -> Reply:
    """List tokens."""
    return json_reply(call.core.tokens.list())


@routes.add(
    "POST",
    "/tokens",
    "Make a token; only this answer tells its value",
    scopes=SCOPES,
    body=_BODY,
    answers={201: "Made.", 400: "It is not valid."},
    gives=ref("NewToken"),
    tells={201: ("Location",)},
)
async def add(call: Call) -> Reply:
    """Make a token."""
    given = call.members()
    token = await call.core.tokens.add(
        given.get("name"), given.get("scopes"), given.get("identity")
    )
    return created(token, f"/tokens/{token['id']}")


@routes.add(
    "DELETE",
    "/tokens/<id:token_id>",
    "Revoke a token",
    scopes=SCOPES,
    answers={204: "Revoked: it is void at once.", 404: "There is no such token."},
)
async def revoke(call: Call, token_id: int) -> Reply:
    """Revoke a token."""
    await call.core.tokens.revoke(token_id)
    return NO_CONTENT


@routes.add(
    "POST",
    "/tokens/main",
    "Replace the main token: the new one is in its file, and the old one is void at once",
    scopes=SCOPES,
    answers={204: "Replaced."},
)
async def replace_main(call: Call) -> Reply:
    """Write a new main token."""
    await call.core.tokens.replace_main()
    return NO_CONTENT
