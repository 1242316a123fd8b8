"""What reading drops shows of their servers, and to whom."""

from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from qabel.core.random_delays import exponential
from qabel.core.receiving.poll_errors import ReadFailed
from qabel.core.receiving.poll_times import HEARSAY
from qabel.core.receiving.server_presence import ServerPresence
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from tests.core.items import drop

ONE, TWO, OTHERS = drop(1), drop(2), drop(3)
SERVER = ONE.server
ME, OTHER, ELSEWHERE = b"me", b"other", b"elsewhere"
PAGE = ReadFailed("It sent a page.", shows_no_drop_server=True)
AWAY = ReadFailed("It is away.")


class Readings:
    """Reads drops with the outcomes that a test sets."""

    def __init__(self) -> None:
        self.error: ReadFailed | None = None
        self.successes: list[tuple[bytes, str, bool]] = []
        self.clock = Clock()
        self.owners: dict[DropURL, bytes] = {ONE: ME, TWO: ME, OTHERS: OTHER}
        self.presence = ServerPresence(
            self._read,
            lambda *seen: self.successes.append(seen),
            clock=self.clock,
            owner_of=self.owners.get,
            draw=lambda: 0.5,
        )
        self.presence.startService()
        self.presence.set_drops(self.owners, [ME, OTHER, ELSEWHERE])

    async def _read(self, url: DropURL, announced: object) -> None:
        if self.error is not None:
            raise self.error

    def read(self, url: DropURL, error: ReadFailed | None = None) -> str | None:
        """Read a drop, and return what its owner knows of its server then."""
        self.error = error
        reading = Deferred.fromCoroutine(self.presence.read(url))
        if error is None:
            result_of(reading)
        else:
            with pytest.raises(ReadFailed, match=str(error)):
                result_of(reading)
        return self.known(self.owners[url])

    def known(self, owner: bytes) -> str | None:
        """Return what an owner knows of the server."""
        return self.presence.no_drop_server(owner, SERVER)


@pytest.fixture
def readings() -> Iterator[Readings]:
    """Return readings of which there were none yet, and stop: no timer is left then."""
    made = Readings()
    yield made
    made.presence.stopService()
    assert made.clock.getDelayedCalls() == []


def test_an_encrypted_server_is_believed(readings: Readings) -> None:
    """What it sends to those who read a drop does not show in what is posted there."""
    encrypted = DropURL.parse(f"https://drop.example/{1:043}")
    readings.owners[encrypted] = ME
    readings.presence.set_drops(readings.owners, [ME, OTHER, ELSEWHERE])
    readings.read(encrypted, PAGE)
    assert readings.presence.no_drop_server(ME, encrypted.server) is None


def test_a_page_shows_it_until_a_drop_can_be_read(readings: Readings) -> None:
    """Once something else responded, only a successful reading shows that the server is back."""
    assert readings.known(ME) is None
    assert readings.read(ONE) is None
    assert readings.read(ONE, AWAY) is None
    assert readings.read(ONE, PAGE) == "It sent a page."
    assert readings.read(ONE, AWAY) == "It sent a page."
    assert readings.presence.no_drop_server(ME, "http://other.example") is None
    assert readings.read(ONE) is None
    assert readings.successes == [(ME, SERVER, False), (ME, SERVER, True)]


def test_one_odd_drop_says_nothing_about_its_server(readings: Readings) -> None:
    """A drop that fails while others can be read is passed over until it can be read again."""
    readings.read(TWO, PAGE)
    assert readings.read(ONE) is None
    assert readings.read(TWO, PAGE) is None
    assert readings.read(ONE) is None
    assert readings.successes == [(ME, SERVER, True), (ME, SERVER, False)]
    readings.read(TWO)
    assert readings.read(TWO, PAGE) == "It sent a page."


def test_who_reads_the_server_goes_by_that(readings: Readings) -> None:
    """What one owner's drops show never counts for another who reads the same server."""
    readings.read(OTHERS)
    readings.read(ONE, PAGE)
    readings.clock.advance(10 * HEARSAY)
    assert readings.known(OTHER) is None
    readings.read(ONE)
    readings.clock.advance(10 * HEARSAY)
    assert [owner for owner, _, had_failed in readings.successes if had_failed] == [ME, ELSEWHERE]


def test_others_hear_of_it_after_a_random_time(readings: Readings) -> None:
    """Who reads no drop there learns later what was shown, and later that the server is back."""
    delay = exponential(HEARSAY, lambda: 0.5)
    readings.read(ONE, PAGE)
    readings.clock.advance(delay - 0.1)
    assert readings.known(ELSEWHERE) is None
    readings.clock.advance(0.2)
    assert readings.known(ELSEWHERE) == "It sent a page."
    readings.read(ONE)
    assert readings.successes == [(ME, SERVER, True)]
    assert readings.known(ELSEWHERE) == "It sent a page."
    readings.clock.advance(delay + 0.1)
    assert readings.known(ELSEWHERE) is None
    assert (ELSEWHERE, SERVER, True) in readings.successes


def test_hearsay_is_what_is_so_by_then(readings: Readings) -> None:
    """However often it changes meanwhile, it is told once; one owner who can read it is enough."""
    for _ in range(5):
        readings.read(ONE, PAGE)
        readings.read(ONE)
    readings.read(ONE, PAGE)
    readings.read(OTHERS)
    readings.clock.advance(HEARSAY)
    assert readings.known(ELSEWHERE) is None
    told = [owner for owner, _, had_failed in readings.successes if had_failed]
    assert told == [*[ME] * 5, ELSEWHERE]


def test_successes_without_failures_are_told_to_nobody(readings: Readings) -> None:
    """The usual polls cost nothing."""
    for _ in range(10):
        readings.read(ONE)
    assert readings.clock.getDelayedCalls() == []


def test_what_is_not_read_any_more_is_forgotten(readings: Readings) -> None:
    """A server is not held to be none for ever when its drop was given up."""
    readings.read(ONE, PAGE)
    readings.presence.set_drops([TWO], [ME, OTHER])
    assert readings.known(ME) is None
    readings.read(TWO, PAGE)
    readings.presence.set_drops([OTHERS], [OTHER])
    assert readings.known(ME) is None
    assert readings.clock.getDelayedCalls() == []


def test_a_drop_that_was_given_up_while_it_was_read(readings: Readings) -> None:
    """Its result is nobody's."""
    del readings.owners[ONE]
    readings.error = PAGE
    with pytest.raises(ReadFailed):
        result_of(Deferred.fromCoroutine(readings.presence.read(ONE)))
    readings.error = None
    result_of(Deferred.fromCoroutine(readings.presence.read(ONE)))
    assert readings.successes == []
