"""The contract as an OpenAPI 3.1 document, made from the declarations of the routes."""

import re
from collections.abc import Iterable
from typing import Any

import qabel
from qabel.contract.body import FORM, JSON, MULTIPART
from qabel.contract.query import Parameter
from qabel.contract.reply import PROBLEM
from qabel.contract.routes import Header, Key, Route, Routes
from qabel.contract.schemas import COMPONENTS, ref
from qabel.contract.statuses import PROBLEMS, headers_of, statuses

_PLACEHOLDER = re.compile(r"<(?P<kind>\w+):(?P<name>\w+)>")

_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "id": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "examples": [1]},
    "ref": {
        "type": "string",
        "pattern": "^([0-9A-Fa-f]{64}|0|[1-9][0-9]{0,9})$",
        "examples": ["1"],
    },
}

_BODILESS = (204, 304)

_ABOUT = """\
A local server that does what Qabel's core does, for other programs.

Every answer carries `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. A method that
a resource does not have is answered with 405 and `Allow`, OPTIONS with 204 and `Allow`.

In forms, a value that is valid JSON is taken as JSON, any other as a text."""


def describe(subjects: Iterable[Routes]) -> dict[str, Any]:
    """Make the document."""
    paths: dict[str, dict[str, Any]] = {}
    tags = []
    for subject in subjects:
        tags.append({"name": subject.subject})
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
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Wherever it was fetched from.
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": dict(COMPONENTS),
            "responses": {str(status): _problem(status, what) for status, what in PROBLEMS.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The content of the file api-token, or a token of /tokens. "
                    "The roles are scopes of tokens. On the Unix socket no token is needed.",
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
        "parameters": [
            *_path_parameters(route.path),
            *map(_query_parameter, route.query.values()),
            *map(_header_parameter, route.reads),
        ],
        # Each of these alone is enough.
        "security": [{"token": [scope]} for scope in _scopes(route)],
        "responses": {
            str(status): _response(route, status, what, is_head=is_head)
            for status, what in statuses(route).items()
        },
    }
    if route.scopes:
        operation["description"] = _who(route)
    if route.body or route.raw is not None:
        operation["requestBody"] = _body(route)
    return operation


def _scopes(route: Route) -> list[str]:
    return sorted({*route.scopes, "admin"}) if route.scopes else []


def _who(route: Route) -> str:
    text = f"Scopes: {', '.join(_scopes(route))}."
    if route.for_one_identity:
        text += " A token for one identity only may ask this too, and sees what is that one's."
    return text


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "description": "Its id, or its public key." if match["kind"] == "ref" else "Its id.",
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


def _header_parameter(header: Header) -> dict[str, Any]:
    return {
        "name": header.name,
        "in": "header",
        "description": header.description,
        "schema": dict(header.schema),
    }


def _body(route: Route) -> dict[str, Any]:
    if route.raw is not None:
        content = {kind: {"schema": schema} for kind, schema in route.raw.content.items()}
        return {"description": route.raw.description, "required": True, "content": content}
    schema = object_of(route.body)
    required = any(key.required for key in route.body)
    content = {kind: {"schema": schema} for kind in (JSON, FORM, MULTIPART)}
    return {"required": required, "content": content}


def object_of(keys: Iterable[Key]) -> dict[str, Any]:
    """Describe an object that has these keys, and no others."""
    given = tuple(keys)
    return {
        "type": "object",
        "properties": {key.name: {**key.schema, "description": key.description} for key in given},
        "required": [key.name for key in given if key.required],
        "additionalProperties": False,
    }


def _problem(status: int, what: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": what,
        "content": {PROBLEM.decode(): {"schema": ref("Problem")}},
    }
    headers = headers_of(status)
    return {**response, "headers": headers} if headers else response


def _response(route: Route, status: int, what: str, *, is_head: bool) -> dict[str, Any]:
    if status in PROBLEMS and not is_head:
        return {"$ref": f"#/components/responses/{status}", "description": what}
    response: dict[str, Any] = {"description": what}
    headers = headers_of(status, route.tells)
    if headers:
        response["headers"] = headers
    if not is_head and status not in _BODILESS:
        response["content"] = {route.produces: {"schema": dict(route.gives)}}
    return response
