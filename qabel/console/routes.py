"""``/`` and ``/console``: the page for people, and how a browser gets a session."""

from typing import Any, Protocol

from qabel.console.pages import PageFile, load_pages
from qabel.contract.reply import Reply, created, json_reply
from qabel.contract.routes import OPEN, Routes
from qabel.contract.schemas import TEXT
from qabel.core.console_sessions import CodeView, ProofView, SessionView
from qabel.core.service import CoreService
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Text

MAX_NAME = 100

MAX_NONCE = 256

MAX_BODY = 4096
"""Bytes of the body of a request that needs no token."""

routes = Routes("Console")

_PLACES = {"docs": "/docs", "contract": "/openapi.json"}
"""What a program gets that asks for the page."""


class ConsoleCall(Protocol):
    """A request."""

    @property
    def core(self) -> CoreService:
        """The core."""

    def body(self) -> dict[str, Any]:
        """Return the values in the body."""

    def wants_html(self) -> bool:
        """Return whether the client prefers a page to JSON."""


@routes.add(
    "POST",
    "/console/codes",
    "Get a code with which a browser can begin one session",
    operation="createConsoleCode",
    scopes={"admin"},
    for_owner_only=True,
    answers={
        200: "The code, which can be used for a minute.",
        409: "The page is not served.",
    },
    returns=CodeView,
)
def new_code(call: ConsoleCall) -> Reply:
    """Return a code."""
    return json_reply(call.core.console.new_code())


@routes.add(
    "POST",
    "/console/sessions",
    "Begin a session of the page, which is a token, with a code",
    operation="createConsoleSession",
    scopes=OPEN,
    body=Object(
        {
            "code": Key(Text(MAX_NONCE), description="A code that was not used yet."),
            "name": Key(
                Text(MAX_NAME, shortest=1, printable=True),
                "Console",
                description="How the session is listed.",
                examples=["Firefox on Linux"],
            ),
        }
    ),
    answers={201: "The session; only this response contains its values.", 400: "Invalid code."},
    returns=SessionView,
    body_limit=MAX_BODY,
    headers={201: ("Location",)},
)
async def begin(call: ConsoleCall) -> Reply:
    """Begin a session."""
    session = await call.core.console.begin(**call.body())
    return created(session, f"/tokens/{session.id}")


@routes.add(
    "POST",
    "/console/proof",
    "Have the daemon prove that it is the one that began a session",
    operation="proveConsole",
    scopes=OPEN,
    body=Object(
        {"nonce": Key(Text(MAX_NONCE, shortest=1), description="Something random, in any form.")}
    ),
    answers={200: "The proof."},
    returns=ProofView,
    body_limit=MAX_BODY,
)
def prove(call: ConsoleCall) -> Reply:
    """Return the proof."""
    return json_reply(call.core.console.proof(call.body()["nonce"]))


def _declare(page: PageFile) -> None:
    @routes.add(
        "GET",
        page.path,
        "Get a file of the page for people",
        scopes=OPEN,
        answers={200: "The file."},
        returns=TEXT,
        headers={200: ("Content-Security-Policy",)},
        produces=(page.content_type,),
    )
    def static(call: ConsoleCall) -> Reply:
        if page.path == "/" and not call.wants_html():
            return json_reply(_PLACES, headers=((b"Vary", b"Accept"),))
        return page.reply


for _page in load_pages():
    _declare(_page)

PAGES = frozenset(route.path.encode() for route in routes.all if route.operation is None)
"""The paths that a browser may open from anywhere: they answer everybody the same."""
