"""``/openapi.json`` and ``/docs``: this contract, for programs and for people."""

from html import escape

from qabel.rest.answers import Reply
from qabel.rest.routes import Call, Route, Routes

routes = Routes("Contract")

SCOPES = {"status", "read", "send", "settings"}

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "code{background:#eee;padding:0 .2em}"
    "td,th{text-align:left;vertical-align:top;padding:0 1em 0 0}"
)
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@routes.add(
    "GET",
    "/openapi.json",
    "Give this contract as an OpenAPI 3.1 document",
    scopes=SCOPES,
    for_one_identity=True,
    answers={200: "The document."},
)
def openapi(call: Call) -> Reply:
    """Give the contract for programs."""
    return Reply(200, call.api.openapi)


@routes.add(
    "GET",
    "/docs",
    "Give this contract as a page to read",
    scopes=SCOPES,
    for_one_identity=True,
    answers={200: "The page."},
    produces="text/html; charset=utf-8",
)
def docs(call: Call) -> Reply:
    """Give the contract for people."""
    page = write_page(call.api.subjects).encode()
    headers = ((b"Content-Security-Policy", _POLICY),)
    return Reply(200, page, b"text/html; charset=utf-8", headers)


def write_page(subjects: tuple[Routes, ...]) -> str:
    """Write the contract as a page of HTML."""
    parts = [
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Qabel REST server</title>",
        f"<style>{_STYLE}</style><h1>Qabel REST server</h1>",
        "<p>The same as a document for programs: <code>GET /openapi.json</code>.</p>",
    ]
    for subject in subjects:
        parts.append(f"<h2>{escape(subject.subject)}</h2>")
        parts.extend(_write_route(route) for route in subject.all)
    return "\n".join(parts)


def _write_route(route: Route) -> str:
    scopes = ", ".join(sorted({*route.scopes, "admin"})) if route.scopes else "no token needed"
    rows = [
        *((f"?{each.name}", each.description) for each in route.query.values()),
        *((each.name, each.description) for each in route.body),
        *((str(status), what) for status, what in sorted(route.answers.items())),
    ]
    if route.raw_body:
        rows.insert(0, ("body", route.raw_body))
    table = "".join(
        f"<tr><th><code>{escape(name)}</code></th><td>{escape(what)}</td></tr>"
        for name, what in rows
    )
    return (
        f"<h3><code>{escape(route.name)}</code></h3>"
        f"<p>{escape(route.summary)} <small>({escape(scopes)})</small></p><table>{table}</table>"
    )
