"""Compares what was sent with what every reader noted."""

from collections import Counter
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen

Notes = list[dict[str, Any]]


@frozen
class Violation:
    """A promise that was broken."""

    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.who}: {self.what}"


@define
class Verdict:
    """What one reader is found to have."""

    doubles: int = 0
    losses: int = 0
    """Of the default consumer, and no violation."""
    violations: list[Violation] = field(factory=list)


def numbers_of(notes: Notes) -> list[int]:
    """Return the numbers of all messages that were noted, in order."""
    return [number for line in notes for number in line.get("numbers", ())]


def judge_sender(who: str, notes: Notes) -> Verdict:
    """Check that each key led to one message of the outbox, and that all is answered."""
    verdict = Verdict()
    verdict.violations += _problems(who, notes)
    wanted = {line["wanted"] for line in notes if "wanted" in line}
    ids = {line["answered"]: line["id"] for line in notes if "answered" in line}
    for number in sorted(wanted - set(ids)):
        verdict.violations.append(Violation(who, f"message {number} was never answered"))
    for send_id, count in Counter(ids.values()).items():
        if count > 1:
            verdict.violations.append(Violation(who, f"{count} keys led to send {send_id}"))
    return verdict


def judge_strict(who: str, notes: Notes, sent: int) -> Verdict:
    """Check that each message was noted exactly once, in order."""
    verdict = Verdict(violations=_problems(who, notes))
    verdict.violations += _differences(who, numbers_of(notes), sent)
    return verdict


def judge_hold(who: str, notes: Notes, sent: int) -> Verdict:
    """Check that no acknowledged message came again; one that was not, may, and is told apart."""
    acknowledged: set[int] = set()
    pending: set[int] = set()
    seen: set[int] = set()
    numbers, again, verdict = [], set(), Verdict(violations=_problems(who, notes))
    for line in notes:
        if "acknowledged" in line:
            acknowledged |= pending
            pending = set()
        for message_id, number in zip(line.get("ids", ()), line.get("numbers", ()), strict=True):
            if message_id in acknowledged:
                again.add(number)
            elif message_id not in seen:
                numbers.append(number)
            else:
                verdict.doubles += 1
            seen.add(message_id)
            pending.add(message_id)
    if again:
        what = f"acknowledged messages came again: {sorted(again)[:10]}"
        verdict.violations.append(Violation(who, what))
    verdict.violations += _differences(who, numbers, sent)
    return verdict


def judge_webhook(who: str, notes: Notes, sent: int) -> Verdict:
    """Check that each message came, in order but for repetitions, which are told by their id."""
    verdict = Verdict(violations=_problems(who, notes))
    numbers: dict[int, int] = {}
    for line in notes:
        for message_id, number in zip(line.get("ids", ()), line.get("numbers", ()), strict=True):
            verdict.doubles += message_id in numbers
            numbers.setdefault(message_id, number)
    verdict.violations += _differences(who, list(numbers.values()), sent)
    return verdict


def judge_default(who: str, notes: Notes, sent: int) -> Verdict:
    """Check that nothing is missing but what was under way when the reader was killed."""
    verdict = Verdict(violations=_problems(who, notes))
    numbers = numbers_of(notes)
    verdict.doubles = len(numbers) - len(set(numbers))
    # Where a request had no answer, what follows may begin later than what was before has ended.
    allowed: set[int] = set()
    newest, is_asking, was_cut = -1, False, False
    for line in notes:
        if line.get("asked"):
            was_cut = was_cut or is_asking
            is_asking = True
        if here := line.get("numbers"):
            if was_cut:
                allowed |= set(range(newest + 1, min(here)))
            newest, was_cut = max(newest, *here), False
        if line.get("answered"):
            is_asking = False
    if was_cut or is_asking:
        allowed |= set(range(newest + 1, sent))
    missing = set(range(sent)) - set(numbers)
    verdict.losses = len(missing & allowed)
    if unexplained := sorted(missing - allowed):
        verdict.violations.append(Violation(who, f"lost {unexplained[:10]}"))
    return verdict


JUDGES = {
    "cursor": judge_strict,
    "stream": judge_strict,
    "hold": judge_hold,
    "default": judge_default,
    "receiver": judge_webhook,
}
"""By what reads."""


def _problems(who: str, notes: Notes) -> list[Violation]:
    return [Violation(who, line["problem"]) for line in notes if "problem" in line]


def _differences(who: str, numbers: list[int], sent: int) -> list[Violation]:
    counts = Counter(numbers)
    missing = sorted(set(range(sent)) - set(counts))
    doubled = sorted(number for number, count in counts.items() if count > 1)
    unknown = sorted(set(counts) - set(range(sent)))
    disorder = [number for number, after in pairwise(dict.fromkeys(numbers)) if after < number]
    found = (
        ("lost", missing),
        ("doubled", doubled),
        ("never sent, but here", unknown),
        ("out of order after", disorder),
    )
    return [Violation(who, f"{what} {which[:10]}") for what, which in found if which]
