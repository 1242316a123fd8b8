"""The HTTP interface of a block server."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.blockserver.block_request import BlockRequest
from qabel.blockserver.block_route import BlockPlace, BlockRoute, parse_target
from qabel.blockserver.block_values import (
    MAX_NAME,
    BlockRefused,
    Conditions,
    ObjectPath,
    parse_tags,
)
from qabel.blockserver.change_notices import SUBPROTOCOL, ChangeNotices
from qabel.blockserver.index_thread import IndexThread, IndexUnavailable
from qabel.blockserver.object_answer import ObjectAnswer
from qabel.blockserver.object_store import ObjectStore
from qabel.blockserver.refusals import refusal_of
from qabel.blockserver.sweeping import discard
from qabel.blockserver.upload import Upload
from qabel.host.push.push_handshake import BadHandshake, accept_handshake
from qabel.host.push.push_hub import PushSubscriber

LISTED = 10_000
"""How many objects of a prefix one answer lists."""


@frozen(eq=False)
class OpenStorage:
    """What a running block server works with."""

    index: IndexThread
    store: ObjectStore


class BlockResource(Resource):
    """The API of a block server, under ``/api/v0``.

    Args:
        notices: tells listeners of changes.
        max_body: bytes that an object may have.
        reactor: measures times.

    """

    isLeaf = True
    storage: OpenStorage | None = None
    """While the server runs; without it all requests get 503."""

    def __init__(self, notices: ChangeNotices, max_body: int, reactor: IReactorTime) -> None:
        super().__init__()
        self.max_body = max_body
        self._notices = notices
        self._reactor = reactor

    def begin_upload(self, request: BlockRequest, target: bytes, size: int) -> Upload | None:
        """Return the upload that a POST is, before any of it has arrived; None if it is none.

        Raises BlockRefused, IndexUnavailable.
        """
        route = parse_target(target)
        if route.place is not BlockPlace.FILE:
            return None
        token, storage = _token(request), self._open
        _check_length(route.path)
        return Upload(
            storage.index,
            storage.store,
            token,
            route.path,
            _conditions(request),
            size,
            request,
        )

    def render(self, request: BlockRequest) -> int:
        """Respond to a request."""
        request.responseHeaders.removeHeader(b"Server")
        route = parse_target(request.uri)
        handlers = _HANDLERS.get(route.place)
        if handlers is None:
            request.reject(404, "Not found")
            return NOT_DONE_YET
        handler = handlers.get(request.method)
        if handler is None:
            request.reject_method(b", ".join(handlers))
            return NOT_DONE_YET
        work = self._respond(request, handler(self, request, route))
        Deferred.fromCoroutine(work)
        return NOT_DONE_YET

    async def _respond(self, request: BlockRequest, handling: "Coroutine[Any, Any, None]") -> None:
        try:
            await handling
        except Exception as error:  # noqa: BLE001 - each request gets a response
            if request.startedWriting:
                refusal_of(error)
                request.abort()
            else:
                _refuse(request, error)

    @property
    def _open(self) -> OpenStorage:
        if self.storage is None:
            raise IndexUnavailable
        return self.storage

    async def front_page(self, request: BlockRequest, route: BlockRoute) -> None:
        """Say what this is."""
        request.respond_json(200, {"server": "qabel-block", "max_size": self.max_body})

    async def get(self, request: BlockRequest, route: BlockRoute) -> None:
        """Send an object."""
        storage = self._open
        answer = ObjectAnswer(request, storage.index, storage.store, self._reactor)
        await answer.send(route.path)

    async def post(self, request: BlockRequest, route: BlockRoute) -> None:
        """Store an object: its body was passed on as it arrived."""
        # It waits no more: what follows on the connection is for later.
        request.channel.transport.resumeProducing()
        if request.refusal is not None:
            raise request.refusal
        upload, request.upload = request.upload, None
        if upload is None:
            raise IndexUnavailable  # it was given up
        new = await upload.complete()
        self._notices.stored(route.path, new)
        request.responseHeaders.setRawHeaders("ETag", [new.etag])
        request.respond(204)

    async def delete(self, request: BlockRequest, route: BlockRoute) -> None:
        """Remove an object."""
        token, conditions, storage = _token(request), _conditions(request), self._open
        removed = await storage.index.run(lambda index: index.remove(token, route.path, conditions))
        self._notices.removed(route.path)
        request.respond(204)
        if removed:
            await discard(storage.store, removed)

    async def list_objects(self, request: BlockRequest, route: BlockRoute) -> None:
        """List what is in a prefix, to its owner, some at a time."""
        words = parse_qs(route.query, keep_blank_values=True)
        if "list" not in words:
            request.reject(404, "Not found")
            return
        token, after = _token(request), words.get("after", [""])[-1]
        found = await self._open.index.run(
            lambda index: index.names(token, route.path.prefix, after, LISTED + 1)
        )
        listed = [
            {"name": name, "size": there.size, "etag": there.etag} for name, there in found[:LISTED]
        ]
        is_more = len(found) > LISTED
        request.respond_json(
            200, {"objects": listed, "next": found[LISTED - 1][0] if is_more else None}
        )

    async def make_prefix(self, request: BlockRequest, route: BlockRoute) -> None:
        """Make a prefix."""
        token = _token(request)
        prefix = await self._open.index.run(lambda index: index.make_prefix(token))
        request.respond_json(201, {"prefix": prefix})

    async def prefixes(self, request: BlockRequest, route: BlockRoute) -> None:
        """List prefixes."""
        token = _token(request)
        prefixes = await self._open.index.run(lambda index: index.prefixes(token))
        request.respond_json(200, {"prefixes": prefixes})

    async def quota(self, request: BlockRequest, route: BlockRoute) -> None:
        """Say how much may be stored, and how much is."""
        token = _token(request)
        account = await self._open.index.run(lambda index: index.account(token))
        request.respond_json(200, {"quota": account.quota, "size": account.used})

    async def listen(self, request: BlockRequest, route: BlockRoute) -> None:
        """Tell of changes from now on, by WebSocket."""
        path, hub = route.path, self._notices.hub
        if "blocks" in path.name.split("/"):
            request.reject_method(b"")
            return
        if not path.name:
            token = _token(request)
            await self._open.index.run(lambda index: index.owner(token, path.prefix))
        try:
            response = accept_handshake(request.requestHeaders, SUBPROTOCOL)
        except BadHandshake as error:
            request.reject_handshake(error.status, error.text)
            return
        topic = path.text if path.name else path.prefix
        if self.storage is None or not hub.has_capacity(topic):
            raise IndexUnavailable
        if not request.is_connected:
            return
        subscriber = PushSubscriber(hub, topic)
        request.channel.registerProducer(subscriber, True)
        request.channel.write(response)
        request.channel.upgrade(subscriber)


Handler = Callable[[BlockResource, BlockRequest, BlockRoute], Coroutine[Any, Any, None]]

_HANDLERS: dict[BlockPlace, dict[bytes, Handler]] = {
    BlockPlace.FRONT: {b"GET": BlockResource.front_page, b"HEAD": BlockResource.front_page},
    BlockPlace.FILE: {
        b"GET": BlockResource.get,
        b"HEAD": BlockResource.get,
        b"POST": BlockResource.post,
        b"DELETE": BlockResource.delete,
    },
    BlockPlace.LISTING: {b"GET": BlockResource.list_objects},
    BlockPlace.PREFIXES: {b"GET": BlockResource.prefixes, b"POST": BlockResource.make_prefix},
    BlockPlace.QUOTA: {b"GET": BlockResource.quota},
    BlockPlace.SOCKET: {b"GET": BlockResource.listen},
}


def _token(request: BlockRequest) -> str:
    """Return the token that a client shows. Raises BlockRefused."""
    given = request.requestHeaders.getRawHeaders("Authorization", [])
    if not given:
        raise BlockRefused(403, "No authorization given")
    kind, _, token = given[-1].strip().partition(" ")
    if kind.lower() != "token" or not token:
        raise BlockRefused(403, "Authorization must be: Token KEY")
    return token.strip()


def _conditions(request: BlockRequest) -> Conditions:
    headers = request.requestHeaders
    return Conditions(
        parse_tags(headers.getRawHeaders("If-Match")),
        parse_tags(headers.getRawHeaders("If-None-Match")),
    )


def _check_length(path: ObjectPath) -> None:
    if len(path.name) > MAX_NAME:
        raise BlockRefused(400, f"Name longer than {MAX_NAME} characters")


def _refuse(request: BlockRequest, error: Exception) -> None:
    found = refusal_of(error)
    for name, value in found.headers:
        request.responseHeaders.setRawHeaders(name, [value])
    request.respond_json(found.status, {"error": found.text}, found.text.encode("ascii"))
