"""``GET /drop?hold=1`` and ``POST /drop/ack``: what is read is new until it is acknowledged."""

from typing import Any

import pytest
import pytest_twisted


class Reader:
    """A client that holds and acknowledges."""

    def __init__(self, server: Any) -> None:
        self.server = server

    async def read(self, query: str = "") -> tuple[list[str], str]:
        """Return the texts of a page that is held, and its cursor."""
        got = await self.server.ask("GET", f"/drop?hold=1{query}")
        messages = got.json() if got.status == 200 else []
        return [each["data"]["msg"] for each in messages], got.headers["x-qabel-latest"]

    async def ack(self, upto: str, query: str = "", **more: object) -> int:
        """Acknowledge, and return the status."""
        given = {"upto": upto, **more}
        status: int = (await self.server.ask_json("POST", f"/drop/ack{query}", given)).status
        return status


@pytest_twisted.async_yield_fixture
async def reader(server: Any) -> Any:
    """Return a reader of three messages."""
    await server.friends()
    await server.receive("one", "two", "three")
    yield Reader(server)


@pytest_twisted.ensureDeferred
async def test_messages_are_new_until_acknowledged(reader: Reader) -> None:
    """Reading again gives the same; after the acknowledgement comes what follows."""
    first, upto = await reader.read("&limit=2")
    assert first == ["one", "two"]
    assert await reader.read("&limit=2") == (first, upto)
    assert [await reader.ack(upto) for _ in range(2)] == [204, 204]
    rest, last = await reader.read()
    assert rest == ["three"]
    assert await reader.ack(last) == 204
    assert (await reader.read())[0] == []
    # It never moves back, also not by acknowledging the beginning.
    assert [await reader.ack(each) for each in (upto, "0")] == [204, 204]
    assert (await reader.read())[0] == []


@pytest.mark.parametrize("narrowing", ["consumer=b", "identity=2", "model_object=chat"])
@pytest_twisted.ensureDeferred
async def test_each_way_of_reading_is_acknowledged_for_itself(
    reader: Reader, narrowing: str
) -> None:
    """Consumer and conditions are those of the read, in the query or in the body."""
    name, value = narrowing.split("=")
    texts, last = await reader.read(f"&{narrowing}")
    assert texts == ["one", "two", "three"]
    assert await reader.ack(last, f"?{narrowing}") == 204
    assert (await reader.read(f"&{narrowing}"))[0] == []
    assert (await reader.read())[0] == texts
    in_body: Any = int(value) if name == "identity" else value
    assert await reader.ack(last, **{name: in_body}) == 204
    assert await reader.ack(last, f"?{narrowing}", **{name: in_body}) == 204
    other: Any = 1 if name == "identity" else "other"
    assert await reader.ack(last, f"?{narrowing}", **{name: other}) == 400
    assert (await reader.read())[0] == texts


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_acknowledged(reader: Reader) -> None:
    """A cursor of another database, or past the newest, moves nothing."""
    _, last = await reader.read()
    database_id, _, number = last.partition(".")
    for strange in ("0123456789abcdef.1", f"{database_id}.{int(number) + 100}", "nonsense"):
        assert await reader.ack(strange) == 410
    assert (await reader.server.ask_json("POST", "/drop/ack", {})).status == 400
    assert (await reader.server.ask_json("POST", "/drop/ack?since=0", {"upto": "0"})).status == 400
    assert (await reader.read())[0] == ["one", "two", "three"]


@pytest_twisted.ensureDeferred
async def test_holding_is_for_consumers(reader: Reader) -> None:
    """A read with a cursor of its own moves nothing anyway: both together are refused."""
    got = await reader.server.ask("GET", "/drop?hold=1&since=0")
    assert got.status == 400
    assert "hold" in got.json()["detail"]


@pytest_twisted.ensureDeferred
async def test_what_is_acknowledged_stays_so(reader: Reader) -> None:
    """It is on disk when the acknowledgement is answered, and counts for the automatic way."""
    _, upto = await reader.read("&limit=2")
    await reader.ack(upto)
    stored = await reader.server.core._base.cursors.load()
    assert stored.consumers == {(0, "default"): int(upto.partition(".")[2])}
    got = await reader.server.ask("GET", "/drop")
    assert [each["data"]["msg"] for each in got.json()] == ["three"]
