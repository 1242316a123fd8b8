"""The OpenAPI document of routes."""

import json
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

import qabel
from qabel.contract.components import reference
from qabel.contract.openapi import describe
from qabel.contract.query import identifier
from qabel.contract.routes import OPEN, Raw, Routes
from qabel.contract.schemas import TEXT, Document
from qabel.contract.statuses import PROBLEMS
from qabel.contract.types import Id, View
from qabel.forms.compound import Key, ListOf, Object
from qabel.forms.plain import Integer, Present, Text


class ThingView(View):
    """A thing."""

    id: Id


def subjects() -> list[Routes]:
    """Return routes that have something of everything."""
    things, other = Routes("Things"), Routes("Other")
    names = Key(ListOf(Text(9), 3), (), description="Only these.")
    add = things.add(
        "GET",
        "/things/<ref:name>",
        "Read a thing",
        operation="getThing",
        scopes={"send", "read"},
        for_one_identity=True,
        answers={200: "A thing.", 404: "There is no such thing."},
        query={
            "names": names,
            "since": Key(Text(), description="A cursor."),
            "limit": Key(Integer(1, 9), 5),
            "quick": Key(Present(), default=False),
        },
        reads={"If-None-Match": identifier("The version.")},
        returns=ThingView,
        headers={200: ("ETag",)},
    )
    add(lambda: None)
    whole = Object({"size": Key(Integer(0, 9), description="Its size.", examples=[5])})
    add = things.add("PUT", "/things/<id:number>/x", "Set", scopes={"admin"}, body=whole,
                     operation="setSize", answers={204: "Set."})  # fmt: skip
    add(lambda: None)
    raw = Raw("A file.", {"$ref": "#/components/schemas/File"})
    document = Document("File", {"type": "string"})
    add = other.add(
        "POST",
        "/other",
        "Upload",
        operation="upload",
        scopes=OPEN,
        answers={201: "Text."},
        raw=raw,
        returns=TEXT,
        produces=["text/plain", "text/x"],
        parts=[document],
    )
    add(lambda: None)
    optional = Object({"size": Key(Integer(0, 9), 1)}, title="Options")
    add = other.add(
        "DELETE",
        "/other",
        "Delete",
        operation="deleteOther",
        scopes={"read"},
        answers={204: "Deleted."},
        body=optional,
    )
    add(lambda: None)
    page = Routes("Pages")
    page.add("GET", "/page", "A page", scopes=OPEN, answers={200: "A page."})(lambda: None)
    return [things, other, page]


DOCUMENT = describe(subjects())
PATHS: dict[str, Any] = DOCUMENT["paths"]


def test_document_is_valid() -> None:
    """The document is OpenAPI 3.1, and JSON."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == qabel.__version__


def test_each_route_is_an_operation() -> None:
    """Those without an operation are left out, and placeholders lose their type."""
    assert {path: set(operations) for path, operations in PATHS.items()} == {
        "/things/{name}": {"get"},
        "/things/{number}/x": {"put"},
        "/other": {"post", "delete"},
    }
    assert [tag["name"] for tag in DOCUMENT["tags"]] == ["Things", "Other"]
    operation = PATHS["/other"]["post"]
    assert (operation["summary"], operation["tags"]) == ("Upload", ["Other"])
    names = [each["operationId"] for operations in PATHS.values() for each in operations.values()]
    assert names == ["getThing", "setSize", "upload", "deleteOther"]


def test_parameters_are_of_path_query_and_headers() -> None:
    """Lists are separated by commas, and the description is not repeated in the schema."""
    found = {each["name"]: each for each in PATHS["/things/{name}"]["get"]["parameters"]}
    assert {name: each["in"] for name, each in found.items()} == {
        "name": "path",
        "names": "query",
        "since": "query",
        "limit": "query",
        "quick": "query",
        "If-None-Match": "header",
    }
    assert found["name"]["description"] == "The id or public key."
    assert found["name"]["required"]
    assert found["since"]["required"]
    assert "required" not in found["names"]
    assert (found["names"]["style"], found["names"]["explode"]) == ("form", False)
    assert found["names"]["description"] == "Only these."
    assert "description" not in found["names"]["schema"]
    assert found["limit"]["schema"]["default"] == 5
    assert found["quick"]["schema"] == {"type": "boolean"}
    [number] = PATHS["/things/{number}/x"]["put"]["parameters"]
    assert (number["description"], number["schema"]["type"]) == ("The id.", "integer")


def test_one_scope_of_a_token_is_enough() -> None:
    """Each scope is an alternative; a route without scopes needs no token."""
    get, put, post = (
        PATHS["/things/{name}"]["get"],
        PATHS["/things/{number}/x"]["put"],
        PATHS["/other"]["post"],
    )
    assert get["security"] == [{"token": ["admin"]}, {"token": ["read"]}, {"token": ["send"]}]
    assert get["description"] == (
        "Scopes: admin, read, send. "
        "Tokens limited to a single identity are admitted, and see only what concerns it."
    )
    assert put["security"] == [{"token": ["admin"]}]
    assert put["description"] == "Scopes: admin."
    assert post["security"] == []
    assert "description" not in post


def test_body_is_named_for_its_operation_or_by_itself() -> None:
    """It is described as JSON only; if its keys are all optional, it may be omitted."""
    put = PATHS["/things/{number}/x"]["put"]["requestBody"]
    delete = PATHS["/other"]["delete"]["requestBody"]
    assert (put["required"], delete["required"]) == (True, False)
    assert put["content"] == {"application/json": {"schema": reference("SetSizeBody")}}
    assert delete["content"] == {"application/json": {"schema": reference("Options")}}
    parts = DOCUMENT["components"]["schemas"]
    assert parts["SetSizeBody"]["properties"]["size"]["examples"] == [5]
    assert "default" not in parts["Options"]["properties"]["size"]


def test_raw_body_has_its_own_schema() -> None:
    """The documents to which it refers are among the components."""
    body = PATHS["/other"]["post"]["requestBody"]
    assert (body["description"], list(body["content"])) == ("A file.", ["application/json"])
    assert DOCUMENT["components"]["schemas"]["File"] == {"type": "string"}


def test_success_has_schema_content_type_and_headers() -> None:
    """Responses with 204 have no content."""
    get = PATHS["/things/{name}"]["get"]
    schema = {"$ref": "#/components/schemas/Thing"}
    assert get["responses"]["200"]["content"] == {"application/json": {"schema": schema}}
    assert get["responses"]["200"]["headers"]["ETag"]["required"]
    post = PATHS["/other"]["post"]["responses"]["201"]
    text = {"schema": {"type": "string"}}
    assert post["content"] == {"text/plain": text, "text/x": text}
    assert "content" not in PATHS["/other"]["delete"]["responses"]["204"]


def test_problems_refer_to_common_responses() -> None:
    """A route may describe a problem itself, but all problems have the same schema."""
    responses = PATHS["/things/{name}"]["get"]["responses"]
    assert responses["404"] == {
        "$ref": "#/components/responses/404",
        "description": "There is no such thing.",
    }
    common = DOCUMENT["components"]["responses"]
    assert {int(status) for status in common} == set(PROBLEMS)
    for response in common.values():
        assert response["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    assert common["405"]["headers"]["Allow"]["required"]
    assert "headers" not in common["404"]
