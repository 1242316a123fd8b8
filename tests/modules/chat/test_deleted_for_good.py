"""What is deleted cannot be read from the data directory, even with its key: chat and its index."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import Daemon, Pen, eventually
from tests.integration.test_deleting import IN_TIME, delete_each, post, server, traces
from tests.modules.chat.test_two_daemons import conversation

__all__ = ["server"]

COUNT = 60
MARK = re.compile(rb"(?i)m\d{7}k")


def words() -> list[str]:
    """Return words that differ in their beginnings: the index has what is common to two once."""
    dice = random.Random(1)  # noqa: S311 - it is to be repeatable
    return [f"{dice.randrange(36**4):x}m{number:07}k" for number in range(2 * COUNT)]


@pytest.fixture
def me(tmp_path: Path, server: str, chat_env: Mapping[str, str]) -> Iterator[Daemon]:
    """Return a daemon with chat that has received and sent messages."""
    with Daemon(tmp_path, "me", "--module=chat", env=chat_env) as daemon:
        daemon.up()
        card = daemon.live(server)
        pen = Pen()
        daemon.knows("Friend", pen.public, f"{server}/{'C' * 43}")
        number = conversation(daemon)["id"]
        heard, said = words()[:COUNT], words()[COUNT:]
        for one, other in zip(heard, said, strict=True):
            post(card["drop_urls"][0], pen.seal(card["public_key"], f"{one} hello {one}"))
            body = {"text": f"{other} hello"}
            daemon.api.good("POST", f"/chat/conversations/{number}/messages", body)
        eventually(lambda: found(daemon) == 2 * COUNT, "not all is found")
        yield daemon


def found(daemon: Daemon) -> int:
    """Return how many messages are found."""
    return len(daemon.api.good("GET", "/chat/search?q=hello&limit=200")["hits"])


def whole(daemon: Daemon) -> None:
    """Delete the conversation."""
    daemon.api.good("DELETE", f"/chat/conversations/{conversation(daemon)['id']}")


def one_by_one(daemon: Daemon) -> None:
    """Delete all messages in the inbox and the outbox."""
    delete_each(daemon.api)


def while_off(daemon: Daemon) -> None:
    """Do that while chat is switched off."""
    daemon.process.stop()
    daemon._arguments[daemon._arguments.index("--module=chat")] = "--no-module=chat"
    daemon.again()
    assert daemon.api.ask("GET", "/chat/unread").status == 404
    delete_each(daemon.api)


@pytest.mark.parametrize("is_killed", [False, True], ids=["running", "killed"])
@pytest.mark.parametrize("delete", [whole, one_by_one, while_off])
def test_nothing_is_left(
    me: Daemon, tmp_path: Path, delete: Callable[[Any], None], is_killed: bool
) -> None:
    """Rows, the words of the index and copies are gone in time, whatever happens after."""
    copy = tmp_path / "copy"
    assert len(traces(me, MARK, copy)) == 2 * COUNT
    delete(me)
    if is_killed:
        me.process.kill()
        me.again()
    eventually(lambda: not traces(me, MARK, copy), "there are traces", IN_TIME)


def test_others_stay(me: Daemon, tmp_path: Path) -> None:
    """Of a message that is deleted nothing is left, and all of the others."""
    copy = tmp_path / "copy"
    gone = me.api.good("GET", "/drop?since=0")[::2]
    for each in gone:
        me.api.good("DELETE", f"/drop/{each['id']}")
    marks = {MARK.findall(each["data"]["msg"].encode())[0] for each in gone}
    eventually(lambda: not marks & traces(me, MARK, copy), "there are traces", IN_TIME)
    assert len(traces(me, MARK, copy)) == 2 * COUNT - len(gone)
    assert found(me) == 2 * COUNT - len(gone)
