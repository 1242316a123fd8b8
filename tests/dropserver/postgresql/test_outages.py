"""Logging that the database cannot be used: once for each outage, with the reason."""

from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from qabel.dropserver.postgresql.link import DatabaseAway
from qabel.dropserver.postgresql.outages import Outages
from tests.conftest import LoggedFailures

AWAY = DatabaseAway("OperationalError: it sleeps")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Return what is logged."""
    texts: list[str] = []

    def observe(event: LogEvent) -> None:
        texts.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield texts
    globalLogPublisher.removeObserver(observe)


def test_each_outage_is_logged_once(logged: list[str], logged_failures: LoggedFailures) -> None:
    """The first failure is, and the first success after it."""
    outages = Outages("It does not work")
    outages.succeeded("reading")
    for _ in range(2):
        for _ in range(3):
            outages.failed("reading", AWAY)
        for _ in range(3):
            outages.succeeded("reading")
    once = ["It does not work: OperationalError: it sleeps", "The database can be used again."]
    assert logged == once * 2
    logged_failures.flush()


def test_what_works_says_nothing_of_what_does_not(
    logged: list[str], logged_failures: LoggedFailures
) -> None:
    """While nothing can be stored, reading ends no outage; and what fails later begins none."""
    outages = Outages("It does not work")
    outages.failed("storing", AWAY)
    for _ in range(3):
        outages.succeeded("reading")
        outages.failed("storing", AWAY)
        outages.failed("reading", AWAY)
    assert len(logged) == 1
    outages.succeeded("storing")
    outages.failed("reading", AWAY)
    assert len(logged) == 3
    logged_failures.flush()


def test_a_defect_comes_with_its_lines(logged_failures: LoggedFailures) -> None:
    """An error that is none of the database is logged with where it comes from."""
    try:
        raise KeyError("place")
    except KeyError as error:
        Outages("It does not work").failed("reading", error)
    [event] = logged_failures.flush()
    assert "test_a_defect_comes_with_its_lines" in event["log_failure"].getTraceback()
