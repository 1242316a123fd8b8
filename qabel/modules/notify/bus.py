"""A connection to a message bus (D-Bus), for what notify needs of it."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from jeepney import (
    DBusAddress,
    DBusErrorResponse,
    HeaderFields,
    MatchRule,
    Message,
    MessageType,
    Parser,
    message_bus,
    new_method_call,
)
from jeepney.auth import AuthenticationError, Authenticator
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

SERVER = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)

CLOSED = MatchRule(
    type="signal",
    interface="org.freedesktop.Notifications",
    member="NotificationClosed",
    path="/org/freedesktop/Notifications",
)

PATIENCE = 5.0
"""Seconds in which the bus must answer."""

MOST = 1024 * 1024
"""Bytes that may wait to be a whole message: what notify gets is much smaller."""


class BusLost(Exception):
    """The bus has closed the connection, or does not answer."""


@define(eq=False)
class BusConnection(Protocol):
    """Calls methods, and hears when a notice is closed.

    Args:
        clock: measures how long the bus takes.
        on_closed: called with the id of a notice that was closed.
        on_lost: called when the connection has ended.

    """

    _clock: Any
    _on_closed: Callable[[int], None]
    _on_lost: Callable[[], None]
    ready: "Deferred[None]" = field(factory=Deferred, init=False)
    """Fires once methods can be called, or fails with BusLost."""
    _auth: Authenticator = field(factory=Authenticator, init=False)
    _parser: Parser = field(factory=Parser, init=False)
    _serial: int = field(default=0, init=False)
    _calls: "dict[int, Deferred[Any]]" = field(factory=dict, init=False)

    def connectionMade(self) -> None:
        """Say who we are: the user that runs this process."""
        self._say_more()

    def dataReceived(self, data: bytes) -> None:
        """Take what the bus says."""
        try:
            if not self._auth.authenticated:
                self._auth.feed(data)
                self._say_more()
                if self._auth.authenticated:
                    self._begin()
                return
            for message in self._parser.feed(data):
                self._take(message)
            if self._parser.buf.bytes_buffered > MOST:
                self.transport.abortConnection()  # type: ignore[union-attr]
        except (AuthenticationError, ValueError, IndexError, KeyError):
            self.transport.abortConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Fail what is waited for."""
        waiting = [*self._calls.values(), self.ready]
        self._calls.clear()
        for each in waiting:
            if not each.called:
                each.errback(BusLost("the bus has closed the connection"))
        self._on_lost()

    def call(self, method: str, signature: str = "", *values: object) -> "Deferred[Any]":
        """Call a method of the server of notices; fires with what it returns, or with BusLost."""
        if signature:
            return self._send(new_method_call(SERVER, method, signature, values))
        return self._send(new_method_call(SERVER, method))

    def _say_more(self) -> None:
        data = self._auth.data_to_send()
        if data:
            self.transport.write(data)  # type: ignore[union-attr]

    def _begin(self) -> None:
        # The line that ends the introduction is still to be sent.
        self.transport.write(b"BEGIN\r\n")  # type: ignore[union-attr]
        hello = self._send(message_bus.Hello())
        hello.addCallback(lambda _: self._send(message_bus.AddMatch(CLOSED)))
        hello.addCallbacks(lambda _: self.ready.callback(None), self._not_ready)

    def _not_ready(self, failure: Failure) -> None:
        if not self.ready.called:
            self.ready.errback(failure)

    def _send(self, message: Message) -> "Deferred[Any]":
        self._serial += 1
        serial = self._serial
        answer: Deferred[Any] = Deferred()
        self._calls[serial] = answer
        self.transport.write(message.serialise(serial))  # type: ignore[union-attr]

        def late(*_: object) -> Any:
            raise BusLost("the bus does not answer")

        def forget(result: Any) -> Any:
            self._calls.pop(serial, None)
            return result

        return answer.addTimeout(PATIENCE, self._clock, late).addBoth(forget)

    def _take(self, message: Message) -> None:
        kind, fields = message.header.message_type, message.header.fields
        answer = self._calls.get(fields.get(HeaderFields.reply_serial, 0))
        if answer is not None and not answer.called:
            if kind is MessageType.method_return:
                answer.callback(message.body)
            elif kind is MessageType.error:
                answer.errback(BusLost(DBusErrorResponse(message).name))
        if (
            kind is MessageType.signal
            and fields.get(HeaderFields.member) == "NotificationClosed"
            and message.body
        ):
            self._on_closed(message.body[0])
