"""The HTTP interface of a drop server (Qabel-Protocol-Drop)."""

import re
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from qabel.drop.group_token import authorization
from qabel.drop.multipart import content_type, new_boundary
from qabel.drop.url import is_drop_id
from qabel.dropserver.admission import Full
from qabel.dropserver.barred_sources import BarredSources
from qabel.dropserver.closed_group import CHALLENGE, ClosedGroup
from qabel.dropserver.drop_answer import CHUNK, DropAnswer, WideAnswers, content_length
from qabel.dropserver.feed import Feed
from qabel.dropserver.front_page import HTML, POLICY, front_page
from qabel.dropserver.message_values import MESSAGE_LIMIT, Opened, Post, Retention, Since
from qabel.dropserver.pushed_message import SUBPROTOCOL
from qabel.dropserver.request import DropRequest
from qabel.dropserver.request_counts import Got, Posted, RequestCounts
from qabel.dropserver.stamps import format_http_date, format_latest
from qabel.dropserver.storage import NoRoom, Storage, StoreUnavailable
from qabel.dropserver.visitors import Visitors
from qabel.host.push.push_handshake import BadHandshake, accept_handshake
from qabel.host.push.push_hub import PushHub, PushSubscriber

_NAME = re.compile(rb"[A-Za-z0-9_-]+")

_METHODS = (b"GET", b"HEAD", b"POST")

_UNAVAILABLE = (503, "Unavailable")

_ROOM_INTERVAL = 900
"""Seconds after which there may be room again: as messages expire, and as others leave some."""

_FULL = {Full.DROP: Posted.DROP_FULL, Full.SERVER: Posted.SERVER_FULL}


class DropResource(Resource):
    """The drops of a server: ``/DROPID``, and ``/DROPID/ws`` for push; and what it is, at ``/``.

    Args:
        hub: has the push subscribers.
        visitors: says who may post now.
        counts: counts the requests.
        reactor: measures times.
        retention: returns how long messages are kept, which the page at ``/`` says.
        group: the closed group that the server is for; None if it is for everybody.

    """

    isLeaf = True
    _log = Logger()

    def __init__(
        self,
        hub: PushHub,
        visitors: Visitors,
        counts: RequestCounts,
        reactor: IReactorTime,
        retention: Callable[[], Retention],
        group: ClosedGroup | None = None,
    ) -> None:
        super().__init__()
        self._store: Storage | None = None
        """The messages, while the server runs; without it all requests get 503."""
        self._feed: Feed | None = None
        self._hub = hub
        self._visitors = visitors
        self._counts = counts
        self._reactor = reactor
        self._wide = WideAnswers()
        self._barred = BarredSources(reactor)
        self._retention = retention
        self._group = group
        if group is not None:
            # Who still has a token connects again, and others cannot.
            group.on_excluded = hub.close

    def begin(self, store: Storage, feed: Feed) -> None:
        """Serve from now on, from a store, and pass messages on by a feed."""
        self._store, self._feed = store, feed

    def end(self) -> None:
        """Serve nothing any more: all requests get 503."""
        self._store = self._feed = None

    def render(self, request: DropRequest) -> int:
        """Respond to a request."""
        request.responseHeaders.removeHeader(b"Server")
        match request.postpath:
            case [b""] if request.method in (b"GET", b"HEAD"):
                self._render_front_page(request)
            case [name] if _NAME.fullmatch(name):
                self._render_drop(request, name.decode("ascii"))
            case [name, b"ws"] if _NAME.fullmatch(name):
                self._render_push(request, name.decode("ascii"))
            case _:
                request.reject(404, "Not found")
        return NOT_DONE_YET

    def _render_front_page(self, request: DropRequest) -> None:
        accept = request.requestHeaders.getRawHeaders("Accept", [""])
        is_closed = self._group is not None
        page, kind = front_page(self._retention(), ",".join(accept), is_closed=is_closed)
        request.responseHeaders.setRawHeaders(b"Content-Type", [kind])
        request.responseHeaders.setRawHeaders(b"Vary", [b"Accept"])
        if kind == HTML:
            request.responseHeaders.setRawHeaders(b"Content-Security-Policy", [POLICY])
        request.respond(200, page)

    def _render_drop(self, request: DropRequest, drop_id: str) -> None:
        if request.method not in _METHODS:
            request.reject_method(b"GET, HEAD, POST")
        elif not self._is_authorized(request):
            self._refuse(request)
        elif not is_drop_id(drop_id):
            request.reject(400, "Invalid drop id")
        elif request.method == b"POST":
            self._post(request, drop_id)
        elif self._store is None:
            self._unavailable(request)
        else:
            self._get(request, self._store, drop_id)

    def _post(self, request: DropRequest, drop_id: str) -> None:
        if self._store is None:
            self._unavailable(request)
            return
        source = self._visitors.source(request)
        if (wait := self._visitors.wait(source)) > 0:
            self._counts.posted[Posted.TOO_OFTEN] += 1
            request.put_off(429, "Too many messages", wait)
            return
        body = request.content.read()
        wrong = self._what_is_wrong(request, body)
        if wrong is not None:
            self._counts.posted[Posted.INVALID] += 1
            request.reject(*wrong)
            return
        post = Post(drop_id, body, source)
        # As callbacks: a coroutine would take a twentieth of the time of a post.
        stored = self._store.append(post)
        stored.addCallbacks(
            self._stored, self._no_room, callbackArgs=(request, post), errbackArgs=(request,)
        )
        stored.addErrback(self._failed, request)

    def _stored(self, stamp: int, request: DropRequest, post: Post) -> None:
        self._counts.posted[Posted.STORED] += 1
        if self._feed is not None:
            self._feed.stored(post, stamp)
        request.respond(200)

    def _no_room(self, failure: Failure, request: DropRequest) -> Failure | None:
        error = failure.value
        if not isinstance(error, NoRoom):
            return failure
        self._counts.posted[_FULL[error.full]] += 1
        request.put_off(507, error.full.value, _ROOM_INTERVAL)
        return None

    def _get(self, request: DropRequest, store: Storage, drop_id: str) -> None:
        since = request.since
        opened = store.open(drop_id, since, 0 if request.method == b"HEAD" else CHUNK)
        # As callbacks: a coroutine would take a seventh of the time of a poll.
        opened.addCallback(self._opened, request, store, drop_id, since)
        opened.addErrback(self._failed, request)

    def _opened(
        self,
        found: Opened | None,
        request: DropRequest,
        store: Storage,
        drop_id: str,
        since: Since | None,
    ) -> "Deferred[None] | None":
        if not request.is_connected:
            return None
        if found is None:
            self._counts.got[Got.NOTHING_NEW] += 1
            request.respond(204 if since is None else 304)
            return None
        self._counts.got[Got.MESSAGES] += 1
        return Deferred.fromCoroutine(self._send(request, store, drop_id, found))

    async def _send(
        self, request: DropRequest, store: Storage, drop_id: str, found: Opened
    ) -> None:
        selection, rows = found
        boundary = new_boundary()
        headers = request.responseHeaders
        headers.setRawHeaders(b"Content-Type", [content_type(boundary)])
        length = content_length(boundary, selection)
        if length is not None:
            headers.setRawHeaders(b"Content-Length", [b"%d" % length])
        headers.setRawHeaders(b"Last-Modified", [format_http_date(selection.newest)])
        headers.setRawHeaders(b"X-Qabel-Latest", [format_latest(selection.newest)])
        if request.method == b"HEAD":
            request.finish()
        else:
            answer = DropAnswer(
                request, store, drop_id, selection, boundary, self._reactor, self._wide
            )
            await answer.send(rows)

    def _render_push(self, request: DropRequest, drop_id: str) -> None:
        if request.method != b"GET":
            request.reject_method(b"GET")
            return
        if not self._is_authorized(request):
            self._refuse(request)
            return
        if not is_drop_id(drop_id):
            request.reject(400, "Invalid drop id")
            return
        source = self._visitors.source(request)
        if (wait := self._barred.wait(source)) > 0:
            request.put_off(429, "Too many frames", wait)
            return
        try:
            response = accept_handshake(request.requestHeaders, SUBPROTOCOL)
        except BadHandshake as error:
            request.reject_handshake(error.status, error.text)
            return
        if self._feed is None or self._store is None or not self._hub.has_capacity(drop_id):
            request.put_off(*_UNAVAILABLE, StoreUnavailable.wait)
            return
        # Whether this works is of no interest to the client; the store has logged it.
        self._store.note_asked([drop_id]).addErrback(lambda _: None)
        subscriber = PushSubscriber(self._hub, drop_id, partial(self._barred.bar, source))
        self._run(request, self._subscribe(request, self._feed, subscriber, response))

    async def _subscribe(
        self, request: DropRequest, feed: Feed, subscriber: PushSubscriber, response: bytes
    ) -> None:
        await feed.follow(subscriber.topic)
        if not request.is_connected:
            return
        if not self._hub.has_capacity(subscriber.topic):
            request.put_off(*_UNAVAILABLE, StoreUnavailable.wait)
            return
        request.channel.registerProducer(subscriber, True)
        request.channel.write(response)
        request.channel.upgrade(subscriber)

    def _is_authorized(self, request: DropRequest) -> bool:
        """Return whether a request may reach a drop; nothing is read for one that may not."""
        return self._group is None or self._group.admits(request.requestHeaders)

    def _refuse(self, request: DropRequest) -> None:
        if request.method == b"POST":
            self._counts.posted[Posted.UNAUTHORIZED] += 1
        else:
            self._counts.got[Got.UNAUTHORIZED] += 1
        request.responseHeaders.setRawHeaders(b"WWW-Authenticate", [CHALLENGE])
        request.reject(401, "Wrong or missing group token")

    def _what_is_wrong(self, request: DropRequest, body: bytes) -> tuple[int, str] | None:
        """Return the status and the reason with which a message is rejected; None if it is not."""
        given = request.requestHeaders.getRawHeaders(b"Authorization")
        if self._group is None and given != [authorization()]:
            return 400, "Bad authorization"
        if not body:
            return 400, "No message provided"
        if len(body) > MESSAGE_LIMIT:
            return 413, "Message too large"
        return None

    def _run(self, request: DropRequest, work: Coroutine[Any, Any, None]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed, request)

    def _failed(self, failure: Failure, request: DropRequest) -> None:
        if isinstance(failure.value, StoreUnavailable):
            wait = failure.value.wait
        else:
            wait = StoreUnavailable.wait
            self._log.failure("a request failed", failure)
        if not request.is_connected:
            return
        if request.startedWriting:
            request.abort()
        else:
            self._unavailable(request, wait)

    def _unavailable(self, request: DropRequest, wait: float = StoreUnavailable.wait) -> None:
        if request.method == b"POST":
            self._counts.posted[Posted.UNAVAILABLE] += 1
        else:
            self._counts.got[Got.UNAVAILABLE] += 1
        request.put_off(*_UNAVAILABLE, wait)
