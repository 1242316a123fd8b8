"""The judge of the torture finds what is lost, doubled, or out of order."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.torture.judge import (
    Verdict,
    judge_default,
    judge_hold,
    judge_sender,
    judge_strict,
    judge_webhook,
)


def got(*numbers: int, **more: Any) -> dict[str, Any]:
    """Return a line about messages; their ids are larger by 100."""
    return {"ids": [number + 100 for number in numbers], "numbers": list(numbers), **more}


def texts(verdict: Verdict) -> list[str]:
    """Return the violations of a verdict."""
    return [str(each) for each in verdict.violations]


@pytest.mark.parametrize("judge", [judge_strict, judge_hold, judge_webhook, judge_default])
def test_all_once_and_in_order_is_good(judge: Callable[..., Verdict]) -> None:
    """A reader that has each message once and in order has no violation, and no doubles."""
    verdict = judge("x", [got(0, 1), got(2)], 3)
    assert (texts(verdict), verdict.doubles, verdict.losses) == ([], 0, 0)


@pytest.mark.parametrize("judge", [judge_strict, judge_hold, judge_webhook, judge_default])
def test_what_is_missing_is_found(judge: Callable[..., Verdict]) -> None:
    """A message that no line has is lost, for every kind of reader."""
    assert texts(judge("x", [got(0), got(2)], 3)) == ["x: lost [1]"]
    assert texts(judge("x", [], 2)) == ["x: lost [0, 1]"]


@pytest.mark.parametrize("judge", [judge_strict, judge_hold, judge_webhook])
def test_disorder_is_found(judge: Callable[..., Verdict]) -> None:
    """Messages have the order of their sender."""
    assert texts(judge("x", [got(1), got(0)], 2)) == ["x: out of order after [1]"]


def test_doubles_of_strict_readers_are_found() -> None:
    """A message that came twice, or was never sent, is a violation for who keeps a cursor."""
    assert texts(judge_strict("x", [got(0), got(0, 1)], 2)) == ["x: doubled [0]"]
    assert texts(judge_strict("x", [got(0, 7)], 1)) == ["x: never sent, but here [7]"]


def test_two_messages_with_one_number_are_doubled() -> None:
    """A message that was sent twice has two ids, which no reader can tell apart as copies."""
    notes = [got(0), {"ids": [555], "numbers": [0]}]
    assert texts(judge_hold("x", notes, 1)) == ["x: doubled [0]"]
    assert texts(judge_webhook("x", notes, 1)) == ["x: doubled [0]"]


def test_only_what_was_acknowledged_must_not_come_again() -> None:
    """What was not acknowledged may come again, and is counted; the rest is a violation."""
    verdict = judge_hold("x", [got(0), got(0), {"acknowledged": "a"}, got(1)], 2)
    assert (texts(verdict), verdict.doubles) == ([], 1)
    verdict = judge_hold("x", [got(0), {"acknowledged": "a"}, got(0, 1)], 2)
    assert texts(verdict) == ["x: acknowledged messages came again: [0]"]


def test_webhooks_may_repeat() -> None:
    """Repetitions of a call are told by the message's id, and counted."""
    verdict = judge_webhook("x", [got(0), got(0), got(1), got(0)], 2)
    assert (texts(verdict), verdict.doubles) == ([], 2)


ASKED, ANSWERED = {"asked": True}, {"answered": True}


def test_a_default_consumer_may_lose_what_was_under_way() -> None:
    """Where a request had no answer, the messages between are lost, and told; no others."""
    cut = [ASKED, got(0, answered=True), ASKED, ASKED, got(3, answered=True)]
    verdict = judge_default("x", cut, 4)
    assert (texts(verdict), verdict.losses) == ([], 2)
    verdict = judge_default("x", [*cut, ASKED, got(5, answered=True)], 6)
    assert texts(verdict) == ["x: lost [4]"]
    verdict = judge_default("x", [ASKED, got(0, answered=True), ASKED], 2)
    assert (texts(verdict), verdict.losses) == ([], 1)
    verdict = judge_default("x", [ASKED, ANSWERED, ASKED, got(1, answered=True)], 2)
    assert texts(verdict) == ["x: lost [0]"]


def test_each_key_leads_to_one_message() -> None:
    """A message without an answer, and two keys with the same send, are violations."""
    journal = [{"wanted": 0}, {"answered": 0, "id": 5}, {"wanted": 1}]
    assert texts(judge_sender("x", journal)) == ["x: message 1 was never answered"]
    journal.append({"answered": 1, "id": 5})
    assert texts(judge_sender("x", journal)) == ["x: 2 keys led to send 5"]
    journal[-1] = {"answered": 1, "id": 6}
    assert texts(judge_sender("x", journal)) == []


def test_problems_are_violations() -> None:
    """An answer that should not have been is a violation of who got it."""
    notes = [{"problem": "410 gone"}, got(0)]
    assert texts(judge_strict("x", notes, 1)) == ["x: 410 gone"]
