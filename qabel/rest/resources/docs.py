"""``/openapi.json`` and ``/docs``: the API's contract, for programs and for people.

Both need no token, as a browser sends none when it opens a page, and contain nothing about the
user. The checks of Host and Origin apply.
"""

from importlib.resources import files

from qabel.contract.reply import Headers, Reply
from qabel.contract.routes import OPEN, Routes
from qabel.contract.schemas import ANY_OBJECT, TEXT
from qabel.rest.http.call import Call

routes = Routes("Contract")

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)

_HEADERS: Headers = (
    (b"Content-Security-Policy", _POLICY),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Referrer-Policy", b"no-referrer"),
)


@routes.add(
    "GET",
    "/openapi.json",
    "Get this contract as an OpenAPI 3.1 document",
    operation="getContract",
    scopes=OPEN,
    answers={200: "The document."},
    returns=ANY_OBJECT,
)
def openapi(call: Call) -> Reply:
    """Return the OpenAPI document."""
    return Reply(200, call.services.openapi())


def _declare(path: str, name: str, what: str, content_type: str) -> None:
    """Declare the route of a file of the docs page."""
    content = files("qabel.rest").joinpath("page", name).read_bytes()
    reply = Reply(200, content, content_type.encode(), _HEADERS)

    @routes.add(
        "GET",
        path,
        what,
        scopes=OPEN,
        answers={200: "The file."},
        returns=TEXT,
        headers={200: ("Content-Security-Policy",)},
        produces=(content_type,),
    )
    def page(call: Call) -> Reply:
        return reply


_declare(
    "/docs",
    "index.html",
    "Get a page to read and try this API",
    "text/html; charset=utf-8",
)
_declare("/docs/page.js", "page.js", "Get the script of the page", "text/javascript; charset=utf-8")
_declare("/docs/page.css", "page.css", "Get the style sheet of the page", "text/css; charset=utf-8")
_declare(
    "/docs/colours.css", "colours.css", "Get the colours of all pages", "text/css; charset=utf-8"
)
