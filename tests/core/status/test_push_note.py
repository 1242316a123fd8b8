"""Servers without push: one line in the log, and one when that changes."""

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from qabel.core.receiving.push_watch import ServerPush
from qabel.core.status.push_note import PushNote
from qabel.deferreds import result_of

SERVER = "https://drop.example"

OFFERED = ServerPush(is_listening=False, is_offered=True, problem=None)
NOT_OFFERED = ServerPush(is_listening=False, is_offered=False, problem=None)


def test_a_server_without_push_is_logged_once() -> None:
    """The line says what it means; another one follows when the server offers push."""
    push: dict[str, ServerPush] = {}
    note = PushNote(lambda: push, lambda: 5.0)
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        for state in (OFFERED, NOT_OFFERED, NOT_OFFERED, OFFERED, OFFERED, NOT_OFFERED):
            push[SERVER] = state
            result_of(Deferred.fromCoroutine(note.look()))
        del push[SERVER]
        result_of(Deferred.fromCoroutine(note.look()))
    finally:
        globalLogPublisher.removeObserver(observe)
    without = f"{SERVER} does not offer push: it is polled every 5 s."
    assert lines == [without, f"{SERVER} offers push now.", without]
