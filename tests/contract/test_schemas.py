"""Schemas of bodies, and the named parts to which they refer."""

import msgspec
import pytest
from jsonschema import Draft202012Validator

from qabel.contract.components import reference
from qabel.contract.schemas import ANY_OBJECT, BYTES, TEXT, Document, schemas_of
from qabel.contract.types import Id, View


class PageView(View):
    """A page."""

    number: Id


class BookView(View):
    """A book."""

    title: str
    pages: list[PageView]


def test_named_parts_occur_once_without_suffix() -> None:
    """What clients see is a Book, and not a BookView."""
    schemas = schemas_of([BookView, list[BookView], PageView])
    assert set(schemas.parts) == {"Book", "Page"}
    assert schemas.of(BookView) == {"$ref": "#/components/schemas/Book"}
    assert schemas.parts["Book"]["properties"]["pages"]["items"] == reference("Page")


def test_schema_of_a_view_is_valid_and_closed() -> None:
    """A view has the declared members only, all of them required, and a property named title."""
    schemas = schemas_of([BookView])
    book = schemas.parts["Book"]
    for part in schemas.parts.values():
        Draft202012Validator.check_schema(part)
        assert "title" not in part
        assert part["additionalProperties"] is False
    assert book["description"] == "A book."
    assert book["required"] == ["title", "pages"]
    assert book["properties"]["title"] == {"type": "string"}
    assert schemas.parts["Page"]["properties"]["number"] == {"type": "integer", "minimum": 0}


def test_encoded_view_matches_its_schema() -> None:
    """Schema and encoder agree."""
    parts = dict(schemas_of([BookView]).parts)
    whole = {**reference("Book"), "components": {"schemas": parts}}
    body = msgspec.to_builtins(BookView("x", [PageView(1)]))
    Draft202012Validator(whole).validate(body)
    assert not Draft202012Validator(whole).is_valid({**body, "more": 1})


def test_document_is_a_part_with_its_own_schema() -> None:
    """Forms make its schema, and the body refers to it."""
    document = Document("Settings", {"type": "object", "additionalProperties": False})
    schemas = schemas_of([document, None])
    assert schemas.of(document) == {"$ref": "#/components/schemas/Settings"}
    assert schemas.parts == {"Settings": {"type": "object", "additionalProperties": False}}


def test_media_is_described_in_place() -> None:
    """Text and bytes have no named parts; any object has the name of all such objects."""
    schemas = schemas_of([TEXT, BYTES, ANY_OBJECT])
    assert schemas.parts == {"JSONObject": {"type": "object", "additionalProperties": True}}
    assert [schemas.of(each) for each in (TEXT, BYTES, ANY_OBJECT)] == [
        {"type": "string"},
        {"type": "string", "format": "binary"},
        reference("JSONObject"),
    ]


class LeafView(View, tag_field="kind", tag="leaf"):
    """A leaf."""


class TwigView(View, tag_field="kind", tag="twig"):
    """A twig."""


def test_kinds_of_a_union_are_named_without_suffix() -> None:
    """The key that tells which one it is leads to the parts that are there."""
    either = LeafView | TwigView
    schemas = schemas_of([either])
    assert schemas.of(either)["discriminator"]["mapping"] == {
        "leaf": "#/components/schemas/Leaf",
        "twig": "#/components/schemas/Twig",
    }
    assert set(schemas.parts) == {"Leaf", "Twig"}


def test_two_parts_of_one_name_are_refused() -> None:
    """A generated client would have only one of them."""
    with pytest.raises(ValueError, match="two schemas are named Book"):
        schemas_of([BookView, Document("Book", {"type": "string"})])


def test_missing_body_has_an_empty_schema() -> None:
    """Responses without a body need no schema."""
    assert schemas_of([None]).of(None) == {}
