"""A timeline has each message once, in order, with the latest state that is known."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.chat.timeline import NOTHING, PendingText, Timeline, not_there_yet, place


def message(number: int, direction: str = "out", **more: Any) -> dict[str, Any]:
    """Return a message, the number of which is also its place."""
    state = "sent" if direction == "out" else None
    return {
        "id": number,
        "cursor": f"{number}-0",
        "direction": direction,
        "state": state,
        "text": f"text {number}",
        **more,
    }


def entered(text: str, after: str = NOTHING) -> PendingText:
    """Return a text that was entered."""
    return PendingText(text, f"key of {text}", after)


@given(st.lists(st.integers(1, 30)))
def test_order(numbers: list[int]) -> None:
    """However messages come, and come again, they are in order, each once."""
    timeline = Timeline()
    for each in numbers:
        timeline.add([message(each)])
    assert [each["id"] for each in timeline.messages] == sorted(set(numbers))


def test_cursors() -> None:
    """The newest and the oldest are known, as numbers and not as texts."""
    timeline = Timeline()
    assert (timeline.newest, timeline.oldest) == (NOTHING, None)
    assert timeline.newest_received == NOTHING
    timeline.add([message(10), message(9, "in")])
    assert (timeline.newest, timeline.oldest) == ("10-0", "9-0")
    assert timeline.newest_received == "9-0"
    assert timeline.has(9)
    assert not timeline.has(8)
    assert place("10-2") > place("9-7")


def test_states_do_not_go_back() -> None:
    """What is told and what is asked for may overtake each other."""
    timeline = Timeline()
    timeline.add([message(1, state="queued")])
    assert timeline.is_unsettled
    timeline.change_state(1, "acknowledged")
    timeline.add([message(1, state="sent")])
    assert [each["state"] for each in timeline.messages] == ["acknowledged"]
    assert not timeline.is_unsettled
    timeline.change_state(2, "sent")
    assert not timeline.has(2)


def test_why_a_message_failed() -> None:
    """The reason stays when the message is loaded again, without one."""
    timeline = Timeline()
    timeline.add([message(1, state="queued")])
    timeline.change_state(1, "failed", "Too old.")
    timeline.add([message(1, state="failed")])
    assert timeline.messages[0]["reason"] == "Too old."


def test_a_message_that_is_told_of_before_its_request_is_answered() -> None:
    """It is shown once: as the message."""
    pending = [entered("a", "4-0"), entered("a", "4-0"), entered("b", "4-0")]
    assert not_there_yet([message(4, text="a")], pending) == pending
    assert not_there_yet([message(5, text="a")], pending) == pending[1:]
    assert not_there_yet([message(5, "in", text="a")], pending) == pending
    assert not_there_yet([message(5, text="a")], [pending[0].behind("5-0")]) != []
    assert not_there_yet([message(5, text="b")], [pending[2].rejected("No")]) != []


def test_a_place_does_not_move_back() -> None:
    """A text is behind the latest of the messages that it was put behind."""
    assert entered("a", "10-0").behind("9-0").after == "10-0"
    assert entered("a", "9-0").behind("10-0").after == "10-0"
