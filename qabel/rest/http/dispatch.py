"""Between Klein and the handlers: install routes, check scopes and queries, send responses."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from klein import Klein
from twisted.internet.defer import Deferred
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from qabel.contract.access import MODULE_NAME, NOBODY
from qabel.contract.query import read_query
from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply
from qabel.contract.routes import Answer, Route
from qabel.modules.host import ModuleHost
from qabel.rest.http.call import Call
from qabel.rest.http.large_answers import LARGE, send_large
from qabel.rest.http.replies import begin
from qabel.rest.http.request import ApiRequest
from qabel.rest.http.services import Services
from qabel.rest.http.site import FindRoute


class IdConverter(BaseConverter):
    """An id in a path: an integer of at most 18 digits, more than any id has."""

    # If a converter rejected a value, Werkzeug would respond 405 to some methods.
    regex = "0|[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Parse the id."""
        return int(value)


class RefConverter(BaseConverter):
    """An identity in a path: its id, or its public key."""

    regex = "[0-9A-Fa-f]{64}|0|[1-9][0-9]{0,9}"


class HexConverter(BaseConverter):
    """An id in a path that is a digest: 32 hexadecimal digits."""

    regex = "[0-9a-f]{32}"


class NameConverter(BaseConverter):
    """The name of a module in a path."""

    regex = MODULE_NAME


CONVERTERS = {
    "hex": HexConverter,
    "id": IdConverter,
    "name": NameConverter,
    "ref": RefConverter,
}
"""The kinds of placeholders in the paths of routes."""


def install(app: Klein, route: Route, *, is_of_module: bool = False) -> None:
    """Make Klein serve a route. The application is bound to an object with ``services``.

    A request for a route of a module that only reads finds what is in the inbox and the outbox when
    it comes. How long a handler of a module holds up the reactor is measured.
    """
    no_query = route.query.read_texts({}) if route.query.is_optional else None
    module = route.path.split("/")[1]

    def endpoint(bound: Any, request: ApiRequest, **path: Any) -> Any:
        services: Services = bound.services
        access = request.decision.access or NOBODY
        given = request.parameters if route.instead else ()
        if route.scopes and not route.admits(access, given):
            raise rejected(403, route.forbidden(given))
        query = (
            no_query
            if not request.args and no_query is not None
            else read_query(route.query, request.args)
        )
        request.may_end_token = route.may_end_token
        call = Call(services, request, route, access, query)
        handle = partial(route.handler, call, **path)
        answer = _of_module(services.modules, module, route, handle) if is_of_module else handle()
        if isinstance(answer, Reply) and len(answer.body) < LARGE:
            return begin(request, answer)
        request.work = Deferred.fromCoroutine(_finish(request, answer))
        return request.work

    app.route(route.path, methods=[route.method], endpoint=route.name)(endpoint)


def route_finder(app: Klein, routes: Iterable[Route]) -> FindRoute:
    """Return the function that finds one of the routes, which are installed in an application."""
    by_name = {route.name: route for route in routes}

    def find(method: bytes, path: bytes) -> Route | None:
        mapper = app.url_map.bind("localhost")
        try:
            name, _ = mapper.match(unquote_to_bytes(path).decode(), method.decode())
        except (HTTPException, UnicodeDecodeError):
            return None
        return by_name.get(name)

    return find


async def _of_module(
    modules: ModuleHost, name: str, route: Route, handle: Callable[[], Answer]
) -> Reply | None:
    if route.method == "GET":
        await modules.catch_up(name)
    answer = modules.times[name].call(handle)
    return answer if answer is None or isinstance(answer, Reply) else await answer


async def _finish(request: ApiRequest, answer: Answer) -> bytes | None:
    reply = answer if answer is None or isinstance(answer, Reply) else await answer
    if reply is None:
        return None
    if len(reply.body) < LARGE:
        return begin(request, reply)
    await send_large(request, reply)
    return None
