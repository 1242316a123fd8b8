"""The OpenAPI document of routes."""

import json
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

import qabel
from qabel.contract.openapi import describe
from qabel.contract.query import identifier
from qabel.contract.routes import OPEN, Raw, Routes
from qabel.contract.schemas import TEXT, Document
from qabel.contract.statuses import PROBLEMS
from qabel.contract.types import Id, View
from qabel.forms.compound import Key, ListOf, Object
from qabel.forms.plain import Integer, Text


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
        scopes={"send", "read"},
        for_one_identity=True,
        answers={200: "A thing.", 404: "There is no such thing."},
        query={"names": names, "since": Key(Text(), description="A cursor.")},
        reads={"If-None-Match": identifier("The version.")},
        returns=ThingView,
        headers={200: ("ETag",)},
    )
    add(lambda: None)
    whole = Object({"size": Key(Integer(0, 9), description="Its size.", examples=[5])})
    add = things.add("PUT", "/things/<id:number>/x", "Set", scopes={"admin"}, body=whole,
                     answers={204: "Set."})  # fmt: skip
    add(lambda: None)
    raw = Raw("A file.", {"text/csv": {"$ref": "#/components/schemas/File"}})
    document = Document("File", {"type": "string"})
    add = other.add("POST", "/other", "Upload", scopes=OPEN, answers={201: "Text."}, raw=raw,
                    returns=TEXT, produces="text/plain", parts=[document])  # fmt: skip
    add(lambda: None)
    optional = Object({"size": Key(Integer(0, 9), 1)})
    add = other.add("DELETE", "/other", "Delete", scopes={"read"}, answers={204: "Deleted."},
                    body=optional)  # fmt: skip
    add(lambda: None)
    return [things, other]


DOCUMENT = describe(subjects())
PATHS: dict[str, Any] = DOCUMENT["paths"]


def test_document_is_valid() -> None:
    """The document is OpenAPI 3.1, and JSON."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == qabel.__version__


def test_each_route_is_an_operation() -> None:
    """What can be read with GET has HEAD, too, and placeholders lose their type."""
    assert {path: set(operations) for path, operations in PATHS.items()} == {
        "/things/{name}": {"get", "head"},
        "/things/{number}/x": {"put"},
        "/other": {"post", "delete"},
    }
    assert [tag["name"] for tag in DOCUMENT["tags"]] == ["Things", "Other"]
    operation = PATHS["/other"]["post"]
    assert (operation["summary"], operation["tags"]) == ("Upload", ["Other"])
    names = [each["operationId"] for operations in PATHS.values() for each in operations.values()]
    assert len(set(names)) == len(names)


def test_parameters_are_of_path_query_and_headers() -> None:
    """Lists are separated by commas, and the description is not repeated in the schema."""
    found = {each["name"]: each for each in PATHS["/things/{name}"]["get"]["parameters"]}
    assert {name: each["in"] for name, each in found.items()} == {
        "name": "path",
        "names": "query",
        "since": "query",
        "If-None-Match": "header",
    }
    assert found["name"]["description"] == "The id or public key."
    assert found["name"]["required"]
    assert found["since"]["required"]
    assert "required" not in found["names"]
    assert (found["names"]["style"], found["names"]["explode"]) == ("form", False)
    assert found["names"]["description"] == "Only these."
    assert "description" not in found["names"]["schema"]
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


def test_body_may_be_json_or_a_form() -> None:
    """A body whose keys are all optional may be omitted."""
    put = PATHS["/things/{number}/x"]["put"]["requestBody"]
    delete = PATHS["/other"]["delete"]["requestBody"]
    assert (put["required"], delete["required"]) == (True, False)
    schemas = [content["schema"] for content in put["content"].values()]
    assert len(schemas) == 3
    assert schemas[0] == schemas[1] == schemas[2]
    assert schemas[0]["properties"]["size"]["examples"] == [5]


def test_raw_body_has_its_own_content_types() -> None:
    """The documents to which it refers are among the components."""
    body = PATHS["/other"]["post"]["requestBody"]
    assert (body["description"], list(body["content"])) == ("A file.", ["text/csv"])
    assert DOCUMENT["components"]["schemas"]["File"] == {"type": "string"}


def test_success_has_schema_content_type_and_headers() -> None:
    """Responses to HEAD, and those with 204, have no content."""
    get, head = PATHS["/things/{name}"]["get"], PATHS["/things/{name}"]["head"]
    schema = {"$ref": "#/components/schemas/Thing"}
    assert get["responses"]["200"]["content"] == {"application/json": {"schema": schema}}
    assert get["responses"]["200"]["headers"]["ETag"]["required"]
    assert head["responses"]["200"]["headers"] == get["responses"]["200"]["headers"]
    assert all("content" not in each for each in head["responses"].values())
    post = PATHS["/other"]["post"]["responses"]["201"]
    assert post["content"] == {"text/plain": {"schema": {"type": "string"}}}
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
