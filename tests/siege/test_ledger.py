"""The ledger finds each broken promise, and nothing else."""

from tests.siege.ledger import Ledger

DROP = "d"


def noted(*names: bytes, seen: tuple[bytes, ...] | None = None) -> Ledger:
    """Return a ledger with messages that were posted once and stored, and what a reader saw."""
    ledger = Ledger()
    for name in names:
        ledger.attempts[DROP, name] += 1
        ledger.stored[DROP, name] = None
    ledger.seen["reader", DROP] = list(names if seen is None else seen)
    return ledger


def test_nothing_is_broken() -> None:
    """What is there once and was seen in order breaks nothing, whatever strangers left."""
    ledger = noted(b"1", b"2", seen=(b"1", b"x", b"2"))
    assert list(ledger.broken({DROP: [b"1", b"x", b"2"]})) == []


def test_what_was_posted_twice_may_be_there_twice() -> None:
    """An answer that was lost is no fault of the server: the message was posted again."""
    ledger = noted(b"1")
    ledger.attempts[DROP, b"1"] += 1
    assert list(ledger.broken({DROP: [b"1", b"1"]})) == []


def test_each_fault_is_found() -> None:
    """A message that is lost, doubled, skipped, or out of order is named."""
    assert list(noted(b"1").broken({DROP: []})) == ["lost: b'1'"]
    assert list(noted(b"1").broken({DROP: [b"1", b"1"]})) == ["doubled: b'1' is there 2 times"]
    [skipped] = noted(b"1", b"2", seen=(b"2",)).broken({DROP: [b"1", b"2"]})
    assert skipped == "skipped: reader missed 1, such as b'1'"
    [disordered] = noted(b"1", b"2", seen=(b"2", b"1")).broken({DROP: [b"1", b"2"]})
    assert disordered.startswith("disordered: reader")
