"""``/tokens``: further tokens for the API, with limited scopes."""

from qabel.contract.reply import NO_CONTENT, Reply, created, json_reply
from qabel.contract.routes import Routes
from qabel.core.token_views import TOKEN_INPUT, NewTokenView, TokenView
from qabel.rest.http.call import Call

routes = Routes("Tokens")

SCOPES = {"admin"}
SESSIONS = {"sessions"}

_TOKENS = list[TokenView]


@routes.add(
    "GET",
    "/tokens",
    "List the tokens, without their values",
    operation="listTokens",
    scopes=SESSIONS,
    answers={200: "The tokens."},
    returns=_TOKENS,
)
def listed(call: Call) -> Reply:
    """List tokens."""
    return json_reply(call.core.tokens.all())


@routes.add(
    "POST",
    "/tokens",
    "Create a token; only this response contains its value",
    operation="createToken",
    scopes=SCOPES,
    body=TOKEN_INPUT,
    answers={201: "Created.", 400: "Invalid token."},
    returns=NewTokenView,
    headers={201: ("Location",)},
)
async def add(call: Call) -> Reply:
    """Create a token."""
    token = await call.core.tokens.add(**call.body())
    return created(token, f"/tokens/{token.id}")


@routes.add(
    "DELETE",
    "/tokens/<id:token_id>",
    "Revoke a token",
    operation="revokeToken",
    scopes=SESSIONS,
    may_end_token=True,
    answers={204: "Revoked, with immediate effect.", 404: "No such token."},
)
async def revoke(call: Call, token_id: int) -> Reply:
    """Revoke a token."""
    await call.core.tokens.revoke(token_id)
    return NO_CONTENT


@routes.add(
    "POST",
    "/tokens/main",
    "Replace the main token in its file, and revoke the old one",
    operation="replaceMainToken",
    scopes=SCOPES,
    may_end_token=True,
    answers={204: "Replaced."},
)
async def replace_main(call: Call) -> Reply:
    """Replace the main token."""
    await call.core.tokens.replace_main()
    return NO_CONTENT
