"""What contacts learn from acknowledgements about whether a daemon is up. Pure."""

import math
from collections.abc import Iterator

from tests.anonymity.recording import Material
from tests.anonymity.rows import Row

DELAY = 20.0
"""Mean seconds until an acknowledgement, as the daemon has it by default."""

SOON = 1.0
"""Seconds in which an acknowledgement tells that its sender is up."""

AT_ONCE, EACH = 60, 5.0
"""Acknowledgements to one contact at once, and the seconds for each one more."""

QUESTION = "is the daemon up?"


def rows(run: str, material: Material) -> Iterator[Row]:
    """Yield the rows of a run."""
    delays = sorted(_delays(material))
    middle = delays[len(delays) // 2] if delays else math.nan
    yield Row(
        run,
        QUESTION,
        f"acknowledged in {SOON:g} s",
        sum(each <= SOON for each in delays),
        len(delays),
        chance=1 - math.exp(-SOON / DELAY),
        detail=f"median {middle:.2f} s, shortest {min(delays, default=math.nan):.2f} s",
    )
    if material.flood is not None:
        yield _flood(run, material, *material.flood)


def _delays(material: Material) -> Iterator[float]:
    """Yield the seconds from each message that was sent at random to its acknowledgement."""
    start, end = material.traffic
    sent = {each.mark: each.exchange for each in material.posted if not each.is_acknowledgement}
    for each in material.posted:
        if each.is_acknowledgement and each.mark in sent:
            message = sent[each.mark]
            if start <= message.began < end:
                yield each.exchange.began - message.over


def _flood(
    run: str, material: Material, sender: str, recipient: str, start: float, end: float
) -> Row:
    """Count the acknowledgements to many messages at once, and those beyond what is allowed."""
    count = sum(
        each.is_acknowledgement
        and each.sender == recipient
        and each.exchange.drop == sender
        and start <= each.exchange.began < end
        for each in material.posted
    )
    most = AT_ONCE + int((end - start) / EACH) + 1
    return Row(
        run,
        QUESTION,
        "acknowledgements beyond the rate",
        max(0, count - most),
        count,
        detail=f"{count} in {end - start:.0f} s",
    )
