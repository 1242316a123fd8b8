"""Two people with daemons in which chat runs, and one drop server."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import frozen

from tests.cli.conftest import QabelCommand
from tests.integration.daemons import Daemon
from tests.integration.processes import ROOT, Twistd

ENTRY = "[qabel.modules]\nchat = qabel.modules.chat.module:module\n"
ANYWHERE = "tcp:0:interface=127.0.0.1"


@frozen
class Talkers:
    """Alice and Bob, who are each other's contacts."""

    alice: Daemon
    bob: Daemon

    @property
    def qabel(self) -> QabelCommand:
        """The command as Alice runs it."""
        return QabelCommand(self.alice.directory)

    @property
    def other_qabel(self) -> QabelCommand:
        """The command as Bob runs it."""
        return QabelCommand(self.bob.directory)


@pytest.fixture(scope="session")
def with_chat(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a daemon that finds chat, whatever is installed."""
    site = tmp_path_factory.mktemp("site")
    info = site / "qabel_chat_entry-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qabel-chat-entry\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY)
    return {"PYTHONPATH": f"{site}:{ROOT}"}


@pytest.fixture(scope="module")
def drop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    folder = tmp_path_factory.mktemp("drops")
    arguments = ["qabel-drop", f"--data-dir={folder / 'drops'}", f"--listen={ANYWHERE}"]
    with Twistd(folder / "log", *arguments) as process:
        yield f"http://127.0.0.1:{process.port('qabel-drop')}"


@pytest.fixture(scope="module")
def talkers(
    tmp_path_factory: pytest.TempPathFactory, drop_server: str, with_chat: Mapping[str, str]
) -> Iterator[Talkers]:
    """Run the daemons of Alice and Bob, who know each other."""
    folder: Path = tmp_path_factory.mktemp("talkers")
    with (
        Daemon(folder, "Alice", "--module=chat", env=with_chat) as alice,
        Daemon(folder, "Bob", "--module=chat", env=with_chat) as bob,
    ):
        cards = []
        for each in (alice, bob):
            each.up()
            each.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
            cards.append(each.live(drop_server))
        alice.api.good("POST", "/contacts/import", {"contacts": [cards[1]]})
        bob.api.good("POST", "/contacts/import", {"contacts": [cards[0]]})
        yield Talkers(alice, bob)
