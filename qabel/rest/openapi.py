"""The contract as an OpenAPI 3.1 document, made from the declarations of the routes."""

import re
from collections.abc import Iterable
from typing import Any

import qabel
from qabel.rest.body import FORM, JSON, MULTIPART
from qabel.rest.query import Parameter
from qabel.rest.routes import Route, Routes

_PLACEHOLDER = re.compile(r"<(?P<kind>\w+):(?P<name>\w+)>")

_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "id": {"type": "integer", "minimum": 0},
    "ref": {"type": "string", "pattern": "^([0-9A-Fa-f]{64}|0|[1-9][0-9]{0,9})$"},
}

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["key", "detail"],
                "properties": {"key": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def describe(subjects: Iterable[Routes]) -> dict[str, Any]:
    """Make the document."""
    paths: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        for route in subject.all:
            operations = paths.setdefault(_PLACEHOLDER.sub(r"{\g<name>}", route.path), {})
            operations[route.method.lower()] = _operation(route, subject.subject)
            if route.method == "GET":
                operations["head"] = _operation(route, subject.subject, is_head=True)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Qabel REST server",
            "version": qabel.__version__,
            "description": "A local server that does what Qabel's core does, for other programs.",
        },
        "paths": paths,
        "security": [{"token": []}],
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The content of the file api-token, or a token of /tokens.",
                }
            },
        },
    }


def _operation(route: Route, subject: str, *, is_head: bool = False) -> dict[str, Any]:
    method = "HEAD" if is_head else route.method
    operation: dict[str, Any] = {
        "operationId": f"{method} {route.path}",
        "summary": route.summary,
        "tags": [subject],
        "parameters": [*_path_parameters(route.path), *map(_query_parameter, route.query.values())],
        "responses": _responses(route, is_head=is_head),
    }
    if route.scopes:
        operation["description"] = f"Scopes: {', '.join(sorted({*route.scopes, 'admin'}))}."
    else:
        operation["security"] = []
    if route.body or route.raw_body:
        operation["requestBody"] = _body(route)
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "schema": _PATH_SCHEMAS[match["kind"]],
        }
        for match in _PLACEHOLDER.finditer(path)
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    if parameter.default is not None and not isinstance(parameter.default, bool):
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": schema,
    }


def _body(route: Route) -> dict[str, Any]:
    if route.raw_body:
        return {
            "description": route.raw_body,
            "required": True,
            "content": {JSON: {"schema": {}}, MULTIPART: {"schema": {"type": "object"}}},
        }
    schema = {
        "type": "object",
        "properties": {
            key.name: {**key.schema, "description": key.description} for key in route.body
        },
        "required": [key.name for key in route.body if key.required],
        "additionalProperties": False,
    }
    required = any(key.required for key in route.body)
    content = {kind: {"schema": schema} for kind in (JSON, FORM, MULTIPART)}
    return {"required": required, "content": content}


def _responses(route: Route, *, is_head: bool) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, description in sorted(route.answers.items()):
        response: dict[str, Any] = {"description": description}
        if status < 300 and status != 204 and not is_head:
            response["content"] = {route.produces: {}}
        elif status >= 400 and not is_head:
            response["content"] = _problem_content()
        responses[str(status)] = response
    responses["default"] = {"description": "What is wrong."}
    if not is_head:
        responses["default"]["content"] = _problem_content()
    return responses


def _problem_content() -> dict[str, Any]:
    return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
