"""The statuses and headers of the responses of a route."""

from typing import Any

import pytest

from qabel.contract.routes import OPEN, Raw, Route, Routes
from qabel.contract.statuses import HEADERS, PROBLEMS, headers_of, statuses
from qabel.forms.compound import Object

ANYWHERE = {400, 403, 408, 413, 500, 503}


def route(method: str = "GET", path: str = "/things", **more: Any) -> Route:
    """Return a route."""
    routes = Routes("Things")
    options = {"scopes": OPEN, "answers": {200: "Things."}, **more}
    routes.add(method, path, "List things", **options)(lambda: None)
    return routes.all[0]


@pytest.mark.parametrize(
    ("declared", "further"),
    [
        (route(), set()),
        (route(scopes={"read"}), {401}),
        (route(path="/things/<id:number>"), {404}),
        (route("POST", body=Object({})), {415, 507}),
        (route("POST", raw=Raw("A file.", {})), {415, 507}),
        (route("DELETE", "/things/<id:number>", scopes={"admin"}), {401, 404, 507}),
    ],
)
def test_route_has_the_problems_that_it_can_lead_to(declared: Route, further: set[int]) -> None:
    """A token, an id in the path, a body, and writing each have problems of their own."""
    found = statuses(declared)
    assert set(found) == ANYWHERE | further | {200}
    assert list(found) == sorted(found)
    for status in ANYWHERE | further:
        assert found[status] == PROBLEMS[status]


def test_route_may_describe_a_status_itself() -> None:
    """What a route declares replaces the common description."""
    found = statuses(route(answers={200: "Things.", 400: "It is odd.", 409: "It exists."}))
    assert (found[200], found[400], found[409]) == ("Things.", "It is odd.", "It exists.")


@pytest.mark.parametrize(
    ("status", "name", "required"),
    [
        (401, "WWW-Authenticate", True),
        (405, "Allow", True),
        (410, "X-Qabel-Oldest", True),
        (503, "Retry-After", False),
    ],
)
def test_problems_have_the_headers_with_which_clients_continue(
    status: int, name: str, required: bool
) -> None:
    """Only Retry-After may be absent."""
    header = headers_of(status)[name]
    assert header["description"] == HEADERS[name]["description"]
    assert header.get("required", False) is required


def test_declared_headers_are_of_their_status_only() -> None:
    """A header that a route declares is in every response with that status."""
    declared = {201: ("Location",), 401: ("ETag",)}
    assert headers_of(200, declared) == {}
    assert headers_of(201, declared) == {"Location": {**HEADERS["Location"], "required": True}}
    assert set(headers_of(401, declared)) == {"WWW-Authenticate", "ETag"}
