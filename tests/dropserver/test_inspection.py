"""Reading a whole file without changing it."""

from pathlib import Path

import pytest

from qabel.dropserver.inspection import inspect
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Post, Retention, charge
from qabel.host.start_errors import StartError

DROPS = ("A" * 43, "B" * 43)


def test_what_is_in_it(tmp_path: Path) -> None:
    """Messages, drops, what they are charged, and when they arrived."""
    path = tmp_path / "drops.sqlite"
    now = 1_795_000_000.0
    file = MessageFile(path, Retention(), now=lambda: now)
    empty = inspect(path)
    assert (empty.messages, empty.oldest, empty.newest) == (0, None, None)
    file.append([Post(DROPS[0], b"x")])
    now += 60
    file.append([Post(DROPS[1], bytes(2573)), Post(DROPS[1], b"y")])
    found = inspect(path)
    assert (found.messages, found.drops) == (3, 2)
    assert found.charged == 2 * charge(1) + charge(2573) == file.usage().charged
    assert found.oldest == now - 60
    assert found.newest == pytest.approx(now, abs=0.001)
    file.close()


def test_what_cannot_be_inspected(tmp_path: Path) -> None:
    """It is said that there is no file, or that it is another one."""
    with pytest.raises(StartError, match="there is no"):
        inspect(tmp_path / "drops.sqlite")
    (tmp_path / "drops.sqlite").write_bytes(b"precious" * 1000)
    with pytest.raises(StartError, match="not a database"):
        inspect(tmp_path / "drops.sqlite")
