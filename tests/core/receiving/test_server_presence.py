"""What reading drops shows of their servers."""

import pytest
from twisted.internet.defer import Deferred

from qabel.core.receiving.poller import ReadFailed
from qabel.core.receiving.server_presence import ServerPresence
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from tests.core.items import drop

ONE, TWO = drop(1), drop(2)
SERVER = ONE.server
PAGE = ReadFailed("It sent a page.", shows_no_drop_server=True)
AWAY = ReadFailed("It is away.")


class Readings:
    """Reads drops with the outcomes that a test sets."""

    def __init__(self) -> None:
        self.error: ReadFailed | None = None
        self.successes: list[tuple[str, bool]] = []
        self.presence = ServerPresence(self._read, lambda *seen: self.successes.append(seen))

    async def _read(self, url: DropURL, announced: object) -> None:
        if self.error is not None:
            raise self.error

    def read(self, url: DropURL, error: ReadFailed | None = None) -> str | None:
        """Read a drop, and return what is known of its server then."""
        self.error = error
        reading = Deferred.fromCoroutine(self.presence.read(url))
        if error is None:
            result_of(reading)
        else:
            with pytest.raises(ReadFailed, match=str(error)):
                result_of(reading)
        return self.presence.no_drop_server(url.server)


@pytest.fixture
def readings() -> Readings:
    """Return readings of which there were none yet."""
    return Readings()


def test_a_page_shows_it_until_a_drop_can_be_read(readings: Readings) -> None:
    """Once something else responded, only a successful reading shows that the server is back."""
    assert readings.presence.no_drop_server(SERVER) is None
    assert readings.read(ONE) is None
    assert readings.read(ONE, AWAY) is None
    assert readings.read(ONE, PAGE) == "It sent a page."
    assert readings.read(ONE, AWAY) == "It sent a page."
    assert readings.presence.no_drop_server("http://other.example") is None
    assert readings.read(ONE) is None
    assert readings.successes == [(SERVER, False), (SERVER, True)]


def test_one_odd_drop_says_nothing_about_its_server(readings: Readings) -> None:
    """A drop that fails while others can be read is passed over until it can be read again."""
    readings.read(TWO, PAGE)
    assert readings.read(ONE) is None
    assert readings.read(TWO, PAGE) is None
    assert readings.read(ONE) is None
    assert readings.successes == [(SERVER, True), (SERVER, False)]
    readings.read(TWO)
    assert readings.read(TWO, PAGE) == "It sent a page."


def test_what_is_not_read_any_more_is_forgotten(readings: Readings) -> None:
    """A server is not held to be none for ever when its drop was given up."""
    readings.read(ONE, PAGE)
    readings.presence.set_drops([TWO])
    assert readings.presence.no_drop_server(SERVER) is None
