"""Watching: what is wrong with a core is found without being asked for, and said everywhere."""

from pathlib import Path

import pytest
from twisted.internet.defer import fail
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from qabel.core.receiving.polled_drop import PolledDrop
from qabel.core.status.machine import INTERVAL
from qabel.core.status.troubles import Trouble, TroubleKind
from qabel.core.status.views import DaemonStatusView
from qabel.deferreds import result_of
from qabel.keys.choice import key_source
from qabel.store.database.errors import StoreFull
from qabel.store.file_names import SEALED_KEY
from qabel.store.inbox.repository import InboxRepository
from tests.conftest import LoggedFailures
from tests.core.conftest import EPOCH, ClockedWorld

SOON = [1.0] * int(INTERVAL + 3)
"""Time in which anything is found."""


def kinds(status: DaemonStatusView) -> set[str]:
    """Return the kinds of trouble that a status has."""
    return {each.kind for each in status.trouble_details}


def test_a_missing_token_file(clocked: ClockedWorld) -> None:
    """The file of the main token is missed within seconds, and since when is told."""
    alice = clocked.run(clocked.person("Alice"))
    clocked.clock.pump(SOON)
    assert clocked.run(alice.status()).trouble_details == []
    content, path = alice.tokens.path.read_bytes(), alice.tokens.path
    path.unlink()
    clocked.clock.pump(SOON)
    clocked.clock.pump(SOON)
    status = clocked.run(alice.status())
    [detail] = status.trouble_details
    assert (detail.kind, detail.unhealthy) == ("token_file", False)
    assert str(path) in detail.what
    now = (EPOCH + clocked.clock.seconds()) * 1000
    assert now - 2000 * len(SOON) < detail.since < now - 1000 * len(SOON) + 1000 * INTERVAL
    assert status.troubles == [detail.what]
    path.write_bytes(content)
    path.chmod(0o600)
    clocked.clock.pump(SOON)
    assert clocked.run(alice.status()).trouble_details == []


def test_what_cannot_be_stored(clocked: ClockedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that refuses messages is the trouble, not the drop server; then all is well."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    with monkeypatch.context() as failing:
        failing.setattr(InboxRepository, "keep", lambda *_, **__: fail(StoreFull("Full.")))
        result_of(bob.poller.poll_now())
        assert kinds(clocked.run(bob.status())) == {"not_stored"}
        assert len(clocked.run(bob.health())) == 1
    result_of(bob.poller.poll_now())
    assert clocked.run(bob.health()) == []
    assert bob.inbox.messages == 1


def test_a_failing_server_has_two_lines_in_the_log(clocked: ClockedWorld) -> None:
    """A server that is away for a while is logged when it goes and when it is back."""
    alice = clocked.run(clocked.person("Alice"))
    clocked.run(alice.local.set("poll_interval", 5))
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        clocked.drop_servers.is_away = True
        clocked.clock.pump([1.0] * 2000)
        assert clocked.run(alice.health()) != []
        clocked.drop_servers.is_away = False
        clocked.clock.pump([1.0] * 400)
    finally:
        globalLogPublisher.removeObserver(observe)
    told = [line for line in lines if "drop.example" in line]
    assert [line.split(" ")[0] for line in told] == ["Trouble:", "Over"]


def test_a_check_that_fails(clocked: ClockedWorld, logged_failures: LoggedFailures) -> None:
    """A check that raises is a trouble of its own, and the others are found all the same."""
    alice = clocked.run(clocked.person("Alice"))

    def broken() -> list[Trouble]:
        raise ValueError("odd")

    alice.add_trouble_finder(broken)
    alice.add_trouble_finder(lambda: [Trouble(TroubleKind.SOCKET_FILE, "It is gone.")])
    assert kinds(clocked.run(alice.status())) == {"check_failed", "socket_file"}
    assert len(logged_failures.flush()) == 1


def test_a_poller_whose_clocks_stand_still(
    clocked: ClockedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drop that is not polled is a matter of health, as nothing is received any more."""
    alice = clocked.run(clocked.person("Alice"))

    def broken(_: PolledDrop) -> None:
        raise ValueError("odd")

    clocked.clock.advance(0)
    monkeypatch.setattr(alice.poller.clocks, "on_due", broken)
    clocked.run(alice.local.set("poll_interval", 7))
    with pytest.raises(ValueError, match="odd"):
        clocked.clock.advance(4)
    clocked.clock.pump([10.0] * 3)
    assert "poller_stopped" in kinds(clocked.run(alice.status()))


def test_key_files_are_watched(tmp_path: Path) -> None:
    """Sources that are files say which ones, and what is in them."""
    [(path, what)] = key_source("file", tmp_path).files
    assert (path, what) == (tmp_path / "database-key", "The database key")
    secret = tmp_path / "secret"
    secret.write_text("a long passphrase")
    secret.chmod(0o600)
    paths = [path for path, _ in key_source(f"passphrase-file:{secret}", tmp_path).files]
    assert paths == [tmp_path / SEALED_KEY, secret]
