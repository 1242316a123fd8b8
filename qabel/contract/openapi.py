"""The OpenAPI 3.1 document of the API, made from the declarations of the routes."""

import re
from collections.abc import Iterable
from typing import Any

from attrs import frozen

import qabel
from qabel.contract.access import MODULE_NAME
from qabel.contract.body import JSON
from qabel.contract.rejection import Problem
from qabel.contract.reply import PROBLEM
from qabel.contract.routes import Route, Routes
from qabel.contract.schemas import Schemas, schemas_of
from qabel.contract.statuses import PROBLEMS, headers_of, statuses
from qabel.forms.compound import Key
from qabel.forms.form import Schema

_PLACEHOLDER = re.compile(r"<(?P<kind>\w+):(?P<name>\w+)>")

_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "id": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "examples": [1]},
    "name": {"type": "string", "pattern": f"^{MODULE_NAME}$", "examples": ["chat"]},
    "hex": {"type": "string", "pattern": "^[0-9a-f]{32}$", "examples": ["0a" * 16]},
    "ref": {
        "type": "string",
        "pattern": "^([0-9A-Fa-f]{64}|0|[1-9][0-9]{0,9})$",
        "examples": ["1"],
    },
}

_BODILESS = (204, 304)

_ABOUT = """\
The local API of the Qabel daemon: end-to-end encrypted messages, identities, contacts and settings,
for other programs on the same machine.

Every response has the headers `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. The
response to a method that a resource does not have is 405, and to OPTIONS 204, both with `Allow`.

Bodies of requests are JSON. They may also be forms (`application/x-www-form-urlencoded`,
`multipart/form-data`), in which a value that is valid JSON is read as JSON, and any other value as
a string."""


def describe(subjects: Iterable[Routes]) -> dict[str, Any]:
    """Return the OpenAPI document, as JSON, of the routes of all subjects."""
    every = [each for each in subjects if any(route.operation for route in each.all)]
    routes = [route for subject in every for route in subject.all if route.operation]
    parts = [each for route in routes for each in (*route.parts, route.returns)]
    schemas = schemas_of([Problem, *parts])
    paths = _paths(every, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Qabel REST server",
            "version": qabel.__version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # The server from which the document was fetched.
        "servers": [{"url": "/"}],
        "tags": [{"name": subject.subject} for subject in every],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.parts.items())),
            "responses": {
                str(status): _problem(status, what, schemas) for status, what in PROBLEMS.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The content of the file api-token, or a token from "
                    "POST /tokens. Operations list the scopes that a token may have; one is "
                    "enough. No token is needed on the Unix socket.",
                }
            },
        },
    }


def _paths(subjects: Iterable[Routes], schemas: Schemas) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        for route in subject.all:
            if route.operation is None:
                continue
            operations = paths.setdefault(_PLACEHOLDER.sub(r"{\g<name>}", route.path), {})
            operation = _Operation(route, route.operation, subject.subject, schemas)
            operations[route.method.lower()] = operation.describe()
    return paths


@frozen
class _Operation:
    """Describes one route in the document."""

    route: Route
    name: str
    subject: str
    schemas: Schemas

    def describe(self) -> dict[str, Any]:
        """Return the operation."""
        route = self.route
        operation: dict[str, Any] = {
            "operationId": self.name,
            "summary": route.summary,
            "tags": [self.subject],
            "parameters": [
                *_path_parameters(route.path),
                *(self._parameter(name, key, "query") for name, key in route.query.keys.items()),
                *(self._parameter(name, key, "header") for name, key in route.reads.items()),
            ],
            # One of these is enough.
            "security": [{"token": [scope]} for scope in _scopes(route)],
            "responses": {
                str(status): self._response(status, what)
                for status, what in statuses(route).items()
            },
        }
        if route.scopes:
            operation["description"] = _who(route)
        if route.raw is not None:
            content = self._json(route.raw.schema)
            operation["requestBody"] = {
                "description": route.raw.description,
                "required": True,
                "content": content,
            }
        elif route.body is not None:
            content = self._json(route.body.schema())
            operation["requestBody"] = {"required": not route.body.is_optional, "content": content}
        return operation

    def _json(self, body: Schema) -> dict[str, Any]:
        """Return the content that is a JSON body; one without a name is named for the operation."""
        if body.get("type") == "object":
            body = {"title": f"{self.name[0].upper()}{self.name[1:]}Body", **body}
        return {JSON: {"schema": self.schemas.components.lift(body)}}

    def _parameter(self, name: str, key: Key, location: str) -> dict[str, Any]:
        schema = key.schema()
        described: dict[str, Any] = {
            "name": name,
            "in": location,
            "description": schema.pop("description", ""),
        }
        # Clients need not send what is false.
        default = {"default": schema.pop("default", False)}
        schema = self.schemas.components.lift(schema)
        described["schema"] = schema | (default if default["default"] is not False else {})
        if schema.get("type") == "array":
            # The values are separated by commas.
            described |= {"style": "form", "explode": False}
        return {**described, "required": True} if key.required else described

    def _response(self, status: int, what: str) -> dict[str, Any]:
        if status in PROBLEMS:
            return {"$ref": f"#/components/responses/{status}", "description": what}
        response: dict[str, Any] = {"description": what}
        headers = headers_of(status, self.route.headers)
        if headers:
            response["headers"] = headers
        if status not in _BODILESS:
            schema = self.schemas.of(self.route.returns)
            response["content"] = {kind: {"schema": schema} for kind in self.route.produces}
        return response


def _scopes(route: Route) -> list[str]:
    return sorted({*route.scopes, "admin"}) if route.scopes else []


def _who(route: Route) -> str:
    text = f"Scopes: {', '.join(_scopes(route))}."
    for name, scopes in route.instead.items():
        text += f" With `{name}`: {', '.join(sorted({*scopes, 'admin'}))}."
    if route.for_one_identity:
        text += " Tokens limited to a single identity are admitted, and see only what concerns it."
    return text


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "description": "The id or public key." if match["kind"] == "ref" else "The id.",
            "schema": _PATH_SCHEMAS[match["kind"]],
        }
        for match in _PLACEHOLDER.finditer(path)
    ]


def _problem(status: int, what: str, schemas: Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": what,
        "content": {PROBLEM.decode(): {"schema": schemas.of(Problem)}},
    }
    headers = headers_of(status)
    return {**response, "headers": headers} if headers else response
