"""Storing what a module made: rows and messages in one transaction, each message once."""

from collections.abc import Callable, Sequence

import pytest
from attrs import evolve

from qabel.modules.api import Entry, Module, Prepared, Read, Received
from qabel.modules.runner import ModuleRunner
from qabel.store.database.errors import StoreFull
from qabel.store.modules import progress
from tests.modules.conftest import NOTES, Desk, prepare

Running = Callable[..., ModuleRunner]

KEY = b"\x01" * 32


def answering(entries: Sequence[Entry], read: Read) -> Prepared:
    """Keep the text of each message, and send it back."""
    made = prepare(entries, read)
    for entry in entries:
        if isinstance(entry, Received):
            made.send(
                identity=KEY,
                recipient=KEY,
                kind="reply",
                data={"msg": entry.data["msg"]},
                idempotency_key="k" if entry.data["msg"] == "keyed" else None,
            )
    return made


ANSWERING: Module = evolve(NOTES, prepare=answering)


def sent(desk: Desk) -> list[bytes]:
    """Return the texts of all that was sent."""
    return [text for (text,) in desk.rows("SELECT message FROM sends ORDER BY id")]


def test_rows_and_messages_together(desk: Desk, running: Running) -> None:
    """What a module sends is stored with its rows, in the order of the entries."""
    running(ANSWERING)
    desk.receive("one", "two")
    desk.receive("three")
    assert desk.notes() == ["one", "two", "three"]
    assert sent(desk) == [b"one", b"two", b"three"]


def test_nothing_is_sent_because_of_old_entries(desk: Desk, running: Running) -> None:
    """Neither for what was there before nor during a rebuild; news right behind that counts."""
    runner = desk.runner(ANSWERING)
    desk.receive(*map(str, range(40)))
    runner.start()
    desk.receive("news")
    desk.clock.pump([1] * 10)
    assert sent(desk) == [b"news"]
    runner.rebuild()
    desk.receive("more")
    desk.clock.pump([1] * 10)
    assert sent(desk) == [b"news", b"more"]
    assert len(desk.notes()) == 42
    runner.stop()


def test_what_cannot_be_sent(desk: Desk, running: Running) -> None:
    """The entry is at fault: neither its rows nor its messages are stored, and others' are."""
    runner = running(ANSWERING)
    desk.receive("one", "too long", "two")
    desk.clock.pump([1] * 20)
    assert desk.notes() == ["one", "two"]
    assert sent(desk) == [b"one", b"two"]
    assert runner.set_aside == 1
    [(reason,)] = desk.rows("SELECT reason FROM set_aside")
    assert reason == "It sends what cannot be sent: The message is too long."


def test_set_aside_entries_send_when_they_are_taken_up(desk: Desk, running: Running) -> None:
    """What was set aside is tried again at the start, and then its messages are sent, once."""
    runner = desk.runner(ANSWERING)
    runner.start()
    desk.receive("raise")
    desk.clock.pump([1] * 20)
    runner.stop()
    assert sent(desk) == []

    def mended(entries: Sequence[Entry], read: Read) -> Prepared:
        made = Prepared()
        made.send(identity=KEY, recipient=KEY, kind="reply", data={"msg": "mended"})
        return made

    for _ in range(2):
        runner = desk.runner(evolve(NOTES, prepare=mended))
        runner.start()
        runner.stop()
    assert sent(desk) == [b"mended"]


def test_a_message_under_a_key_is_sent_once(desk: Desk, running: Running) -> None:
    """A key that was used for the same message before sends nothing."""
    running(ANSWERING)
    desk.receive("keyed")
    desk.receive("keyed", "other")
    assert sent(desk) == [b"keyed", b"other"]


def test_a_full_disk(desk: Desk, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stored in part, and all of it later."""
    running(ANSWERING)
    apply = progress.apply

    def full(*_: object, **__: object) -> int:
        raise StoreFull("There is no space.")

    monkeypatch.setattr(progress, "apply", full)
    desk.receive("one")
    desk.clock.pump([1] * 3)
    assert (desk.notes(), sent(desk)) == ([], [])
    monkeypatch.setattr(progress, "apply", apply)
    desk.clock.pump([1] * 10)
    assert (desk.notes(), sent(desk)) == (["one"], [b"one"])
