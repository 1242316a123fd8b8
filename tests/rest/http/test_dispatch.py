"""From the path of a request to its handler, and from what that returns to the answer."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from qabel.contract.access import Access
from qabel.contract.reply import NO_CONTENT, Reply, json_reply
from qabel.contract.routes import Routes
from qabel.core.errors import NotFound
from qabel.forms.compound import Key
from qabel.forms.plain import Integer
from tests.rest.http.memory_api import MemoryApi, request
from tests.rest.wire import parse_answer

KEY = "aB" * 32


def paths_api() -> MemoryApi:
    """Return an API that answers with what it found in the path."""
    routes = Routes("Paths")
    for path in ("/thing/<id:thing_id>", "/person/<ref:ref>", "/person/<ref:ref>/<id:thing_id>"):
        routes.add("GET", path, "Show it", scopes={"read"}, answers={200: "It."})(
            lambda _, **path: json_reply(path)
        )
    return MemoryApi(routes.all)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/thing/0", {"thing_id": 0}),
        ("/thing/17", {"thing_id": 17}),
        (f"/thing/{10**18 - 1}", {"thing_id": 10**18 - 1}),
        ("/person/5", {"ref": "5"}),
        (f"/person/{KEY}", {"ref": KEY}),
        (f"/person/{KEY}/3", {"ref": KEY, "thing_id": 3}),
    ],
)
def test_ids_in_paths(path: str, found: dict[str, Any]) -> None:
    """Handlers get ids as integers, and references to people as they are."""
    got = paths_api().ask("GET", path)
    assert (got.status, got.json()) == (200, found)


@pytest.mark.parametrize(
    "path",
    ["/thing/01", "/thing/-1", "/thing/+1", f"/thing/{10**18}", "/thing/1.0", "/thing/%D9%A1",
     "/thing/", f"/person/{KEY}0", f"/person/{KEY[:-1]}", "/person/01"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_no_id(method: str, path: str) -> None:
    """A path with something else in the place of an id does not exist, whatever the method."""
    assert paths_api().ask(method, path).status == 404


def token_api(scopes: set[str], *, for_one_identity: bool = False) -> MemoryApi:
    """Return an API with one route, and tokens named after what they allow."""
    routes = Routes("Scopes")
    routes.add(
        "GET",
        "/it",
        "Show it",
        scopes=scopes,
        for_one_identity=for_one_identity,
        answers={204: "It."},
    )(lambda _: NO_CONTENT)
    names = ("read", "send", "admin")
    tokens = {name: Access(frozenset({name})) for name in names}
    return MemoryApi(routes.all, tokens={**tokens, "one": Access(frozenset({"read"}), 5)})


@pytest.mark.parametrize(
    ("api", "statuses"),
    [
        (token_api({"read"}), [401, 401, 204, 403, 204, 403]),
        (token_api({"read"}, for_one_identity=True), [401, 401, 204, 403, 204, 204]),
        (token_api({"admin"}), [401, 401, 403, 403, 204, 403]),
        (token_api(set()), [204] * 6),
    ],
)
def test_scopes(api: MemoryApi, statuses: list[int]) -> None:
    """A token needs one of the route's scopes, or admin; without scopes no token is needed."""
    tokens = ("", "wrong", "read", "send", "admin", "one")
    assert [api.ask("GET", "/it", token=token).status for token in tokens] == statuses


def query_api() -> MemoryApi:
    """Return an API that answers with its parameters."""
    routes = Routes("Query")
    for path, default in (("/some", 7), ("/all", ...)):
        key = Key(Integer(1, 10)) if default is ... else Key(Integer(1, 10), default)
        routes.add(
            "GET", path, "Show it", scopes={"read"}, answers={200: "It."}, query={"limit": key}
        )(lambda call: json_reply(dict(call.query)))
    return MemoryApi(routes.all)


@pytest.mark.parametrize(
    ("target", "query"),
    [("/some", {"limit": 7}), ("/some?limit=3", {"limit": 3}), ("/all?limit=10", {"limit": 10})],
)
def test_query(target: str, query: dict[str, int]) -> None:
    """A handler gets all parameters, with their defaults."""
    assert query_api().ask("GET", target).json() == query


@pytest.mark.parametrize(
    ("target", "key"),
    [("/some?limit=0", "limit"), ("/some?limt=1", "limt"), ("/some?limt", "limt"),
     ("/some?limit=1&limit=1", "limit"), ("/some?limit=%ff", "limit"), ("/all", "limit")],
)  # fmt: skip
def test_invalid_query(target: str, key: str) -> None:
    """A parameter that is misspelt, missing, given twice or out of range is named."""
    got = query_api().ask("GET", target)
    assert got.status == 400
    assert [each["key"] for each in got.json()["errors"]] == [key]


def handler_api(handler: Any) -> MemoryApi:
    """Return an API with one handler."""
    routes = Routes("Handler")
    routes.add("GET", "/it", "Show it", scopes={"read"}, answers={200: "It."})(handler)
    return MemoryApi(routes.all)


async def raising(_: object) -> Reply:
    """Find nothing, after some time."""
    raise NotFound("There is no such thing.")


def raising_at_once(_: object) -> Reply:
    """Find nothing, at once."""
    raise NotFound("There is no such thing.")


def test_later_answers() -> None:
    """A handler may answer later; until then, nothing is sent."""
    waiting: Deferred[None] = Deferred()

    async def handler(_: object) -> Reply:
        await waiting
        return json_reply("late")

    channel, line = handler_api(handler).connect()
    channel.dataReceived(request("GET", "/it"))
    assert line.value() == b""
    waiting.callback(None)
    assert parse_answer(line.value()).json() == "late"


@pytest.mark.parametrize("handler", [raising, raising_at_once])
def test_handlers_that_raise(handler: Any) -> None:
    """What a handler raises, at once or later, becomes the answer."""
    got = handler_api(handler).ask("GET", "/it")
    assert (got.status, got.json()["detail"]) == (404, "There is no such thing.")


def test_a_handler_that_has_answered() -> None:
    """A handler that wrote its answer itself returns None, and nothing is added to it."""

    async def handler(call: Any) -> None:
        call.request.setHeader(b"Content-Length", b"2")
        call.request.write(b"ok")

    assert handler_api(handler).ask("GET", "/it").body == b"ok"


def test_head() -> None:
    """HEAD is answered as GET is, without the body."""
    api = handler_api(lambda call: json_reply({"is_head": call.is_head}))
    got, head = api.ask("GET", "/it"), api.ask("HEAD", "/it")
    assert got.json() == {"is_head": False}
    assert (head.status, head.headers["content-type"]) == (200, got.headers["content-type"])


@pytest_twisted.ensureDeferred
async def test_parameters_of_messages(server: Any) -> None:
    """Each parameter of the list of messages has its own limits."""
    table = [
        ("limt=1", "limt"),
        ("limt", "limt"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=%C2%B2", "limit"),
        ("limit=", "limit"),
        ("wait=61", "wait"),
        ("wait=nan", "wait"),
        ("wait=-1", "wait"),
        ("identity=x", "identity"),
        ("contact=99999999999999999999", "contact"),
        ("consumer=", "consumer"),
        ("consumer=a%0Ab", "consumer"),
        ("model_object=%ff", "model_object"),
    ]
    for query, name in table:
        got = await server.ask("GET", f"/drop?{query}")
        assert got.status == 400, query
        assert [each["key"] for each in got.json()["errors"]] == [name]
    assert (await server.ask("GET", "/settings?x=1")).status == 400
