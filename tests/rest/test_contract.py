"""The contract document: valid, whole, and true of what is served."""

import json
import re
from typing import Any

import pytest
import pytest_twisted
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from qabel.console.routes import PAGES
from qabel.contract.access import ANY_MODULE, SCOPES
from qabel.contract.openapi import describe
from qabel.contract.rejection import problem, rejected
from qabel.contract.routes import Route
from qabel.contract.schema_tree import changed
from qabel.contract.statuses import PROBLEMS
from qabel.jsontext import encode
from qabel.modules.chat.module import module as chat
from qabel.rest.app import SUBJECTS, Api

DOCUMENT = describe(SUBJECTS)
EVERY = [route for subject in SUBJECTS for route in subject.all]
ROUTES = [route for route in EVERY if route.operation is not None]


def operation(route: Route) -> dict[str, Any]:
    """Find what the document says of a route."""
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", route.path)
    found: dict[str, Any] = DOCUMENT["paths"][path][route.method.lower()]
    return found


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference."""
    if "$ref" not in value:
        return value
    found: Any = DOCUMENT
    for name in value["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return {**found, **{key: each for key, each in value.items() if key != "$ref"}}


def schemas(value: object) -> list[dict[str, Any]]:
    """Return all that stands under the name schema, and the named ones."""
    found: list[dict[str, Any]] = []
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "schema":
                found.append(each)
            found += schemas(each)
    elif isinstance(value, list):
        for each in value:
            found += schemas(each)
    return found


def test_document_is_valid() -> None:
    """It is an OpenAPI 3.1 document, and each schema in it is one."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    every = [*DOCUMENT["components"]["schemas"].values(), *schemas(DOCUMENT)]
    for schema in every:
        Draft202012Validator.check_schema(schema)
    assert encode(DOCUMENT) == Api.openapi()


def test_every_route_is_there() -> None:
    """Each route stands in it, with its scopes, its answers and its parameters; nothing else."""
    told = {(path, method) for path, each in DOCUMENT["paths"].items() for method in each}
    assert len(told) == len(ROUTES)
    for route in ROUTES:
        what = operation(route)
        assert {int(status) for status in what["responses"]} >= set(route.answers)
        scopes = [alternative["token"] for alternative in what["security"]]
        wanted = sorted({*route.scopes, "admin"}) if route.scopes else []
        assert scopes == [[each] for each in wanted]
        assert set(wanted) <= {*SCOPES, ANY_MODULE}
        names = {each["name"] for each in what["parameters"]}
        assert names == {
            *route.query.keys,
            *route.reads,
            *re.findall(r"<\w+:(\w+)>", route.path),
        }


def test_only_files_of_the_page_are_left_out() -> None:
    """Programs have no use for them."""
    left_out = {route.path for route in EVERY} - {route.path for route in ROUTES}
    pages = {each.decode() for each in PAGES}
    assert left_out == {"/docs", "/docs/page.js", "/docs/page.css", "/docs/colours.css", *pages}


def test_operations_have_names() -> None:
    """Generated clients make functions of them: each has a name of its own, in camel case."""
    names = [operation(route)["operationId"] for route in ROUTES]
    assert len(set(names)) == len(names)
    assert [each for each in names if not re.fullmatch("[a-z]+([A-Z][a-z]+)+", each)] == []


def test_no_type_has_a_property_of_its_own_name() -> None:
    """A generator of Python clients uses one variable for both."""
    whole = describe((*SUBJECTS, *([] if chat.routes is None else [chat.routes])))
    for name, part in whole["components"]["schemas"].items():
        own = re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
        kinds = [each for key, each in part.get("properties", {}).items() if key == own]
        lists = [each for each in kinds if each.get("type") == "array"]
        assert [each for each in kinds if "const" in each or "enum" in each] + lists == [], name


def test_each_body_is_described_once() -> None:
    """Bodies are JSON in the document, so that generators make one function for each operation."""
    for route in ROUTES:
        if "requestBody" in operation(route):
            assert list(operation(route)["requestBody"]["content"]) == ["application/json"]


def test_schemas_say_what_generators_take_for_granted() -> None:
    """No property has a default, and an object that does not know its members is open."""
    for part in DOCUMENT["components"]["schemas"].values():
        changed({"items": part}, check_explicit)


def check_explicit(schema: dict[str, Any]) -> dict[str, Any]:
    """Check one schema."""
    assert "default" not in schema
    assert "title" not in schema
    if schema.get("type") == "object":
        assert "additionalProperties" in schema
    return schema


def test_every_answer_is_described() -> None:
    """No answer with a body goes without content type and schema; all problems are of one kind."""
    for route in ROUTES:
        for status, given in operation(route)["responses"].items():
            response = resolved(given)
            assert response["description"].endswith((".", "it", "object"))
            if status in ("204", "304"):
                assert "content" not in response
                continue
            kinds = list(response["content"])
            content = response["content"][kinds[0]]
            if int(status) >= 400:
                assert kinds == ["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            else:
                assert kinds == list(route.produces)
                assert content["schema"]


def test_headers_of_answers() -> None:
    """The headers by which clients go on are promised where they always come."""
    for route in ROUTES:
        responses = operation(route)["responses"]
        for status, name in (
            ("401", "WWW-Authenticate"),
            ("405", "Allow"),
            ("410", "X-Qabel-Oldest"),
        ):
            if status in responses:
                assert resolved(responses[status])["headers"][name]["required"]
        assert "Retry-After" in resolved(responses["503"])["headers"]
        if "201" in responses and route.path != "/backup":
            assert "Location" in responses["201"]["headers"]


def check(schema: dict[str, Any], value: object) -> None:
    """See that a value is what a schema of the document says."""
    whole = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(whole).validate(value)


@pytest.mark.parametrize("status", sorted(PROBLEMS))
def test_problems_are_as_described(status: int) -> None:
    """A problem is what its schema says, whatever it carries."""
    reply = problem(status, "It is so.", limit=1, size=2, oldest="0", reasons=["a"])
    assert rejected(status, "It is so.").reply.status == status
    check({"$ref": "#/components/schemas/Problem"}, json.loads(reply.body))


@pytest_twisted.ensureDeferred
async def test_answers_are_as_described(server: Any) -> None:
    """What a daemon with people and messages answers is what the schemas say, and no more."""
    alice, _ = await server.friends()
    await server.receive("one", sender="Alice")
    await server.ask_json("POST", "/tokens", {"name": "a", "scopes": ["read"]})
    await server.ask_json("POST", "/webhooks", {"url": "http://127.0.0.1:9/"})
    seen = set()
    for route in ROUTES:
        if route.method != "GET" or route.path == "/events":
            continue
        path = re.sub(r"<\w+:\w+>", "1", route.path.replace("<name:module>", "notes"))
        if path == "/drop/1":
            path = f"/drop/{(await server.ask('GET', '/drop?since=0')).json()[0]['id']}"
        got = await server.ask("GET", path)
        assert got.status == 200, path
        assert got.headers["content-type"] == route.produces[0]
        response = operation(route)["responses"]["200"]
        for name, header in response.get("headers", {}).items():
            assert name.lower() in got.headers or not header.get("required")
        if route.produces[0] == "application/json":
            check(response["content"]["application/json"]["schema"], got.json())
            seen.add(path)
    assert len(seen) > 15
    assert alice["id"] == 1
