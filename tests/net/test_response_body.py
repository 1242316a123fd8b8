"""Response bodies: limits of time and size, back-pressure, consumers that wait or fail."""

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred

from qabel.net.errors import (
    IncompleteResponse,
    InvalidResponse,
    ResponseTooLarge,
    ServerRefused,
    TimedOut,
)
from qabel.net.exchange_limits import Allowance, ExchangeLimits
from tests.net.servers import (
    BOUNDARY,
    Flood,
    Taken,
    always,
    drop_answer,
    head,
    multipart,
    multipart_head,
    part,
    silent,
    turn,
)


@pytest_twisted.ensureDeferred
async def test_silent_server(client, serve, clock):
    """A silent server is abandoned after the silence limit, and its connection closed."""
    server = serve(silent)
    asked = server.next_request()
    for call in (
        client.fetch(server.url(), None, Taken()),
        client.post(server.url(), b"message"),
    ):
        asked = server.next_request()
        running = Deferred.fromCoroutine(call)
        await asked
        clock.advance(29)
        assert not running.called
        clock.advance(1.1)
        with pytest.raises(TimedOut):
            await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_silence_in_the_body(client, serve, clock):
    """Silence after some parts ends the fetch; the parts are handed over."""
    server = serve(always(multipart_head() + part(b"one") + part(b"two")))
    came = Deferred()
    taken = []

    def take(parts):
        taken.extend(parts)
        if len(taken) == 1 and not came.called:
            came.callback(None)

    running = Deferred.fromCoroutine(client.fetch(server.url(), None, take))
    await came
    clock.advance(30.1)
    with pytest.raises(TimedOut):
        await running
    assert [each.body for each in taken] == [b"one"]
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_dripping_server(client, serve, clock):
    """A server that sends a byte now and then is abandoned at the time limit."""
    for begin in (b"HTTP/1.1 200 OK\r\n", multipart_head() + b"--b0b0-b0b0\r\n\r\n"):
        server = serve(always(begin))
        asked = server.next_request()
        running = Deferred.fromCoroutine(client.fetch(server.url(), None, Taken()))
        await asked
        started = clock.seconds()
        while not running.called and clock.seconds() < started + 200:
            server.connections[0].send(b"x")
            await turn()
            await turn()
            clock.advance(5)
        with pytest.raises(TimedOut):
            await running
        assert clock.seconds() <= started + 125
        await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_large_drop_on_a_slow_line(make_client, serve, clock):
    """A server that keeps the pace may take longer than the time limit."""
    client = make_client(limits=ExchangeLimits(time=60, pace=100))
    server = serve(always(multipart_head()))
    asked = server.next_request()
    taken = Taken()
    running = Deferred.fromCoroutine(client.fetch(server.url(), None, taken))
    await asked
    for _ in range(20):
        server.connections[0].send(part(b"m" * 2000))
        await turn(0.001)
        clock.advance(15)
        assert not running.called
    server.connections[0].send(multipart([]), close=True)
    assert (await running).parts == 20


@pytest.mark.parametrize("first", [b"", part(b"one")])
@pytest_twisted.ensureDeferred
async def test_endless_body(make_client, serve, first):
    """An endless body is cut off at the size limit."""
    client = make_client(limits=ExchangeLimits(size=1 << 20))

    def flood(connection, _):
        connection.send(multipart_head() + first)
        connection.transport.registerProducer(Flood(connection, b"x" * 65536), False)

    server = serve(flood)
    taken = Taken()
    with pytest.raises(ResponseTooLarge):
        await client.fetch(server.url(), None, taken)
    assert len(taken) <= 1
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_announced_too_big(make_client, serve):
    """Of messages that are announced to exceed the limit the first ones are taken."""
    client = make_client(limits=ExchangeLimits(size=1 << 20))
    parts = [b"m" * 2149] * 600
    body = multipart(parts)
    server = serve(always(multipart_head(f"Content-Length: {len(body)}") + body))
    taken = Taken()
    with pytest.raises(ResponseTooLarge):
        await client.fetch(server.url(), None, taken)
    assert len(taken) == (1 << 20) // len(part(parts[0]))
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_an_allowance(make_client, serve):
    """A response is read as far as it is allowed to go, and all bytes that arrive are counted."""
    client = make_client(limits=ExchangeLimits(size=8000))
    server = serve(always(drop_answer(*[b"m" * 2149] * 10), close=True))
    for size, times, whole in ((5000, 1, 2), (50_000, 1, 3), (50_000, 2, 7), (50_000, 4, 10)):
        taken, allowance = Taken(), Allowance(size, times)
        try:
            await client.fetch(server.url(), None, taken, allowance)
        except ResponseTooLarge:
            assert whole < 10
        assert len(taken) == whole
        assert allowance.used >= whole * 2149


@pytest_twisted.ensureDeferred
async def test_endless_rest_after_the_end(client, serve):
    """What follows the closing boundary is ignored and not waited for."""

    def flood(connection, _):
        connection.send(drop_answer(b"one"))
        connection.transport.registerProducer(Flood(connection, b"x" * 65536), False)

    server = serve(flood)
    assert (await client.fetch(server.url(), None, Taken())).parts == 1
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_answer_that_is_whole_but_not_ended(client, serve, clock):
    """A complete response that never ends costs only its connection."""
    server = serve(always(drop_answer(b"one")))
    asked = server.next_request()
    running = Deferred.fromCoroutine(client.fetch(server.url(), None, Taken()))
    await asked
    await turn(0.01)
    clock.advance(2.1)
    await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_a_rejection_that_never_ends(client, serve, clock):
    """Of a rejection the status is enough, however long the page is that comes with it."""
    server = serve(always(head("Content-Length: 100", status="403 Forbidden")))
    asked = server.next_request()
    running = Deferred.fromCoroutine(client.post(server.url(), b"message"))
    await asked
    await turn(0.01)
    clock.advance(2.1)
    with pytest.raises(ServerRefused):
        await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_back_pressure(client, serve, clock):
    """While the consumer is busy, the server is paused and no time limit runs."""
    message = part(b"m" * 2000)
    flood = []

    def send(connection, _):
        connection.send(multipart_head())
        flood.append(Flood(connection, message * 50, limit=100_000_000))
        connection.transport.registerProducer(flood[0], False)

    server = serve(send)
    busy: list[Deferred[None]] = []
    most = 0
    count = 0

    def take(parts):
        nonlocal most, count
        most = max(most, sum(len(each.body) for each in parts))
        count += len(parts)
        busy.append(Deferred())
        return busy[-1]

    running = Deferred.fromCoroutine(client.fetch(server.url(), None, take))
    while not busy:
        await turn()
    written = -1
    while written != flood[0].written:
        written = flood[0].written
        await turn(0.02)
    assert written < 20_000_000
    clock.advance(10_000)
    assert not running.called
    for _ in range(20):
        busy.pop().callback(None)
        while not busy:
            await turn()
    assert most < 500_000
    running.cancel()
    with pytest.raises(CancelledError):
        await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_large_drop_with_a_reader_that_waits(client, serve):
    """20 MB arrive complete and in order with a consumer that waits for each batch."""
    count = 10_000

    def send(connection, _):
        connection.send(multipart_head())
        body = multipart(b"%010d" % number + b"m" * 1990 for number in range(count))
        connection.send(body, close=True)

    seen = 0
    largest = 0

    async def take(parts):
        nonlocal seen, largest
        for each in parts:
            assert each.body.startswith(b"%010d" % seen)
            seen += 1
        largest = max(largest, len(parts))
        await turn()

    fetched = await client.fetch(serve(send).url(), None, take)
    assert fetched.parts == seen == count
    assert largest < 300


@pytest_twisted.ensureDeferred
async def test_reader_that_fails(client, serve):
    """What the consumer raises ends the fetch at once and is raised."""

    async def fail_later(parts):
        await turn()
        raise ZeroDivisionError

    def fail(parts):
        raise ZeroDivisionError

    for take in (fail, fail_later):
        server = serve(always(multipart_head() + part(b"one") + part(b"two") + b"--b0b0-b0b0\r\n"))
        with pytest.raises(ZeroDivisionError):
            await client.fetch(server.url(), None, take)
        await server.all_closed()
    with pytest.raises(ZeroDivisionError):
        await client.fetch(serve(always(drop_answer(b"1"), close=True)).url(), None, fail_later)


@pytest_twisted.ensureDeferred
async def test_torn_waits_for_the_reader(client, serve):
    """An incomplete response is reported after all its complete parts were dealt with."""
    done = []

    async def take(parts):
        await turn(0.01)
        done.extend(parts)

    with pytest.raises(IncompleteResponse):
        await client.fetch(
            serve(always(drop_answer(b"1", b"2")[:-5], close=True)).url(), None, take
        )
    assert len(done) == 1


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200", multipart_head() + part(b"one") * 2])
@pytest_twisted.ensureDeferred
async def test_cancel_closes_the_connection(client, serve, answer):
    """A fetch cancelled at any stage leaves no connection and no timer."""
    server = serve(silent if answer is None else always(answer))
    asked = server.next_request()
    taken = Taken()
    running = Deferred.fromCoroutine(client.fetch(server.url(), None, taken))
    await asked
    await turn(0.01)
    running.cancel()
    with pytest.raises(CancelledError):
        await running
    await server.all_closed()


@pytest_twisted.ensureDeferred
async def test_cancel_reaches_the_reader(client, serve):
    """Cancelling a fetch cancels what its consumer is waiting for."""
    for answer in (multipart_head() + part(b"1") * 2, drop_answer(b"1", b"2")):
        started = Deferred()
        cancelled = []

        def take(parts, started=started, cancelled=cancelled):
            started.callback(None)
            return Deferred(cancelled.append)

        server = serve(always(answer, close=answer.endswith(b"--\r\n")))
        running = Deferred.fromCoroutine(client.fetch(server.url(), None, take))
        await started
        await turn(0.01)
        running.cancel()
        with pytest.raises(CancelledError):
            await running
        assert len(cancelled) == 1
        await server.all_closed()


FLOODS = {
    "chunks": (
        multipart_head("Transfer-Encoding: chunked") + b"7\r\nignored\r\n",
        b"1\r\nx\r\n" * 5000,
    ),
    "parts": (multipart_head(), f"--{BOUNDARY}\r\n\r\n\r\n".encode() * 3000),
    "parts of one byte": (multipart_head(), f"--{BOUNDARY}\r\n\r\nx\r\n".encode() * 3000),
}


@pytest.mark.parametrize(("first", "rest"), FLOODS.values(), ids=FLOODS)
@pytest_twisted.ensureDeferred
async def test_floods_of_small_pieces(client, serve, first, rest):
    """A response of very many tiny chunks or parts is cut off, whatever its size may be."""
    flood = []

    def send(connection, _):
        connection.send(first)
        flood.append(Flood(connection, rest))
        connection.transport.registerProducer(flood[0], False)

    server = serve(send)
    taken = Taken()
    with pytest.raises(InvalidResponse, match=r"very (many )?small"):
        await client.fetch(server.url(), None, taken)
    await server.all_closed()
    assert len(taken) < 20_000
    assert flood[0].written < 20_000_000


PIECES = 30_000

WHOLE = {
    "chunks": multipart_head("Transfer-Encoding: chunked")
    + b"1\r\nx\r\n" * PIECES
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(multipart([])) + 2, b"\r\n" + multipart([])),
    "parts": multipart_head() + f"--{BOUNDARY}\r\n\r\n\r\n".encode() * PIECES + multipart([]),
    "parts of one byte": multipart_head()
    + f"--{BOUNDARY}\r\n\r\nx\r\n".encode() * PIECES
    + multipart([]),
}


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
@pytest_twisted.ensureDeferred
async def test_small_pieces_of_a_whole_response(client, serve, answer):
    """Very many tiny chunks or parts are refused in the middle, though they would have an end."""
    server, taken = serve(always(answer, close=True)), Taken()
    with pytest.raises(InvalidResponse):
        await client.fetch(server.url(), None, taken)
    assert len(taken) < 20_000
