"""All classifiers on runs that are made up: with nothing hidden, and with everything."""

import random

from tests.anonymity.chances import seeded
from tests.anonymity.judge import Judge
from tests.anonymity.made_up import DAEMONS, DROPS, material, reads
from tests.anonymity.recording import Exchange, Material, Posted
from tests.anonymity.rows import Row


def messages(rng: random.Random, count: int, start: float, end: float) -> list[Posted]:
    """Return messages at random times, each over a connection of its own."""
    found = []
    for number in range(count):
        sender, began = rng.choice(list(DROPS)), rng.uniform(start, end)
        recipient = rng.choice([each for each in DROPS if DROPS[each] != DROPS[sender]])
        exchange = Exchange(10_000 + number, "POST", recipient, began, began + 0.01, 200)
        found.append(Posted(exchange, sender, False, f"{start} {number}"))
    return found


def judged(made: Material) -> dict[tuple[str, str], Row]:
    """Return the rows by their question and classifier."""
    return {(each.question, each.by): each for each in Judge("run", made, seeded(1)).rows()}


def test_a_daemon_that_hides_everything() -> None:
    """No classifier is above chance where all clocks and connections are independent."""
    rng = seeded(1)
    posted = messages(rng, 300, 0, 100) + messages(rng, 40, 120, 150)
    rows = judged(material(reads(rng, 150), posted, outages=((120.0, 150.0),)))
    assert [each for each in rows.values() if each.breaks] == []
    shared = rows["whose message?", "shared connection"]
    assert (shared.asked, shared.silent) == (0, 300)
    assert not shared.names


def test_a_daemon_that_hides_nothing() -> None:
    """Each classifier names all where a daemon has one connection, one tick and one queue."""
    rng = seeded(2)
    exchanges, posted = [], []
    for daemon in range(DAEMONS):
        for tick in range(75):
            time = 2.0 * tick + daemon / 10
            for letter, later in (("a", 0.0), ("b", 0.0006)):
                began = time + later
                exchanges.append(Exchange(daemon, "GET", f"{daemon}{letter}", began, began + 0.001))
    for each in messages(rng, 200, 0, 100):
        each.exchange.connection = DROPS[each.sender]
        each.exchange.began = 2.0 * rng.randrange(50) + DROPS[each.sender] / 10 + 0.01
        each.exchange.ended = each.exchange.began + 0.001
        posted.append(each)
    for daemon in range(DAEMONS):
        for letter in "ab":
            began = 120.0 + daemon / 10 + (0.01 if letter == "a" else 0.02)
            recipient = f"{(daemon + 5) % DAEMONS}a"
            exchange = Exchange(daemon, "POST", recipient, began, began + 0.001, 200)
            posted.append(Posted(exchange, f"{daemon}{letter}", False, f"{daemon}{letter}"))
    rows = judged(material(exchanges, posted, outages=((119.9, 150.0),)))
    for question, by in (
        ("whose message?", "shared connection"),
        ("whose message?", "read before"),
        ("which drops belong together?", "shared connection"),
        ("which drops belong together?", "nearest reads"),
        ("which drops belong together?", "first reads after outages"),
        ("whose message, after an outage?", "read before"),
        ("which postings belong together?", "retries after outages"),
    ):
        assert rows[question, by].breaks, (question, by)
        assert rows[question, by].names, (question, by)


def test_who_writes_often_is_not_named_for_that() -> None:
    """What is right only because some are named, and write, more often is chance."""
    rng = seeded(3)
    posted = messages(rng, 300, 0, 100)
    often = [Posted(each.exchange, "0a", False, each.mark) for each in posted]
    exchanges = [
        Exchange(1, "GET", "0b", number / 10, number / 10 + 0.01, 304) for number in range(1000)
    ]
    row = judged(material(exchanges, often))["whose message?", "read before"]
    assert row.right > 0.9 * row.asked
    assert not row.breaks
