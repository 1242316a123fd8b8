"""The whole application: what it routes, and who gets in."""

import re
from typing import Any

import pytest_twisted

from qabel.console import routes as console
from qabel.contract.openapi import describe
from qabel.rest.app import SUBJECTS, Api

PAGES = {each.decode() for each in console.PAGES}

OPEN = {
    *("/health", "/openapi.json", "/docs", "/docs/page.js", "/docs/page.css", "/docs/colours.css"),
    *("/console/sessions", "/console/proof", *PAGES),
}
"""Resources that reveal nothing about the user."""

ROUTES = [route for subject in SUBJECTS for route in subject.all]


def asked(rule: str) -> str:
    """Return a path that a rule matches."""
    return re.sub(r"<\w+:\w+>", "1", rule.replace("<name:module>", "notes"))


def routed() -> list[tuple[str, str]]:
    """Return the methods and paths that Klein really routes."""
    return [
        (method, asked(rule.rule))
        for rule in Api.app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def test_every_route_is_declared() -> None:
    """Klein routes only what is declared, with its scopes, and described in the contract."""
    rules = {
        (rule.rule, method) for rule in Api.app.url_map.iter_rules() for method in rule.methods
    }
    declared = {(route.path, route.method) for route in ROUTES}
    assert rules == declared | {(path, "HEAD") for path, method in declared if method == "GET"}
    assert {route.path for route in ROUTES if not route.scopes} == OPEN
    paths = describe(SUBJECTS)["paths"]
    named = [route for route in ROUTES if route.operation is not None]
    assert sum(len(each) for each in paths.values()) == len(named)


@pytest_twisted.ensureDeferred
async def test_every_route_is_protected(server: Any) -> None:
    """No route admits a missing token, a wrong Host or a foreign Origin; all list their methods."""
    wire = await server.wire()
    for method, path in routed():
        is_head = method == "HEAD"

        async def ask(**how: Any) -> Any:
            wire.send(server.request(method, path, **how))  # noqa: B023
            return await wire.answer(head=is_head)  # noqa: B023

        for token in (None, "wrong", "x" * 43):
            got = await ask(token=token)
            if path not in OPEN or path == "/":
                assert got.status == 401
                assert got.headers["www-authenticate"] == "Bearer"
                assert is_head or str(server.core.tokens.path) in got.json()["detail"]
        assert (await ask(host="evil.example")).status == 403
        assert (await ask(host=None)).status == 403
        assert (await ask(origin="http://evil.example")).status == 403
        assert (await ask(origin="null")).status == 403
        assert (await ask(sec_fetch_site="cross-site")).status == 403
    for path in {path for _, path in routed()}:
        wire.send(server.request("OPTIONS", path) + server.request("BREW", path))
        options, brew = await wire.answer(), await wire.answer()
        assert (options.status, brew.status) == (204, 405)
        wanted = {method for method, other in routed() if other == path} | {"OPTIONS"}
        assert set(options.headers["allow"].split(", ")) == wanted
        assert options.headers["allow"] == brew.headers["allow"]
