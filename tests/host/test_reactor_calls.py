"""Calls into the reactor's thread, without threads: each ends once, with a result or a reason."""

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from qabel.host.reactor_calls import CallTimeout, ReactorCall, Stopped


def test_a_call_returns_what_the_function_returns() -> None:
    """A value is the result of a call at once, and something awaited when it is there."""
    plain, later = ReactorCall(lambda: 1, None), Deferred[int]()
    waiting = ReactorCall(lambda: later, None)
    plain.begin(Clock())
    waiting.begin(Clock())
    assert plain.done.result(0) == 1
    assert not waiting.done.done()
    later.callback(2)
    assert waiting.done.result(0) == 2


def test_a_call_raises_what_the_function_raises() -> None:
    """The very exception of a function reaches the caller, with its traceback."""

    def fail() -> None:
        raise KeyError("it")

    call = ReactorCall(fail, 5.0)
    clock = Clock()
    call.begin(clock)
    with pytest.raises(KeyError) as caught:
        call.done.result(0)
    assert caught.traceback[-1].name == "fail"
    assert clock.getDelayedCalls() == []


def test_a_call_that_takes_too_long_is_cancelled() -> None:
    """At its timeout the work is cancelled, and the caller told how long it took."""
    clock, cancelled = Clock(), []
    call = ReactorCall(lambda: Deferred(cancelled.append), 5.0)
    call.begin(clock)
    clock.advance(4.9)
    assert not call.done.done()
    clock.advance(0.1)
    assert len(cancelled) == 1
    with pytest.raises(CallTimeout, match=r"5\.0 seconds"):
        call.done.result(0)


def test_a_call_in_time_leaves_no_timer() -> None:
    """The timer of a call ends with the call."""
    clock, later = Clock(), Deferred[None]()
    call = ReactorCall(lambda: later, 5.0)
    call.begin(clock)
    later.callback(None)
    assert call.done.done()
    assert clock.getDelayedCalls() == []


def test_a_call_given_up_before_it_began_is_not_made() -> None:
    """The function of a call that nobody waits for any more is not called."""
    called = []
    call = ReactorCall(lambda: called.append(1), None)
    call.give_up(KeyboardInterrupt())
    call.begin(Clock())
    assert called == []
    assert isinstance(call.done.exception(0), KeyboardInterrupt)


def test_the_first_reason_counts() -> None:
    """A call that is given up twice fails with the first reason, also if its work ends oddly."""
    later = Deferred[None](lambda deferred: deferred.errback(ValueError("cleanup failed")))
    call = ReactorCall(lambda: later, None)
    call.begin(Clock())
    first = Stopped("first")
    call.give_up(first)
    call.give_up(Stopped("second"))
    assert call.done.exception(0) is first


def test_work_that_cancels_itself() -> None:
    """Work that was cancelled by somebody else fails the call with that."""
    later = Deferred[None]()
    call = ReactorCall(lambda: later, None)
    call.begin(Clock())
    later.cancel()
    assert isinstance(call.done.exception(0), CancelledError)


def test_a_call_is_abandoned_with_the_reactor() -> None:
    """When the reactor is gone, who waits is told, and a result that was there stays."""
    done, waiting = ReactorCall(lambda: 1, None), ReactorCall(lambda: 2, None)
    done.begin(Clock())
    for call in (done, waiting):
        call.abandon(Stopped("gone"))
    assert done.done.result(0) == 1
    assert isinstance(waiting.done.exception(0), Stopped)


def test_work_that_ends_after_it_was_abandoned() -> None:
    """The caller was told already: nothing that comes of the work matters any more."""
    returning, failing = Deferred[int](), Deferred[int]()
    calls = [ReactorCall(lambda: returning, None), ReactorCall(lambda: failing, None)]
    for call in calls:
        call.begin(Clock())
        call.abandon(Stopped("gone"))
    returning.callback(1)
    failing.errback(ValueError("late"))
    for call in calls:
        assert isinstance(call.done.exception(0), Stopped)
