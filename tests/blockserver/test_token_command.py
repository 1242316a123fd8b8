"""``qabel-block token``: making, listing and revoking tokens, and what is said of mistakes."""

import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qabel.blockserver import token_command
from qabel.blockserver.block_values import BlockRefused, ObjectPath
from qabel.blockserver.index_tables import INDEX_NAME, open_index
from qabel.blockserver.object_index import ObjectIndex
from tests.blockserver.command_runs import BlockCommand, CommandOutput
from tests.blockserver.indexes import put


@pytest.fixture
def token(tmp_path: Path, capsys: pytest.CaptureFixture[str], logged_failures: Any) -> BlockCommand:
    """Return the command, with a data directory that is not there."""
    return BlockCommand(token_command.run, tmp_path / "data", capsys, logged_failures)


def made(token: BlockCommand, *arguments: str) -> str:
    """Make a token, and return it."""
    done = token("new", *arguments)
    assert (done.status, done.errors) == (0, [])
    (line,) = done.out
    return line


def failed(done: CommandOutput, status: int = 1) -> str:
    """Return what is said by a command that has failed."""
    assert (done.status, done.out) == (status, [])
    (line,) = done.errors
    assert line.startswith("qabel-block token: ")
    return line.removeprefix("qabel-block token: ")


def test_a_new_token(token: BlockCommand) -> None:
    """It is printed, and can be used; the directory is made, for its owner alone."""
    text = made(token, "anna")
    assert re.fullmatch(r"[0-9a-f]{40}", text)
    assert made(token, "bob") != text
    assert stat.S_IMODE(token.data.stat().st_mode) == 0o700
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        account = ObjectIndex(connection).account(text)
    assert (account.name, account.quota) == ("anna", 2 * 2**30)


def test_quotas(token: BlockCommand) -> None:
    """They are given with a token, and can be changed."""
    made(token, "anna", "--quota=500M")
    assert token("list").out == ["anna: 0 bytes of 500.0 MiB, objects: 0"]
    done = token("quota", "anna", "--quota", "1.5G")
    assert (done.status, done.out) == (0, ["With 'anna', 1.5 GiB may be stored."])
    assert token("list").out == ["anna: 0 bytes of 1.5 GiB, objects: 0"]


def test_listing(token: BlockCommand) -> None:
    """By name, with what each has; if there are none, it says how to make one."""
    made(token, "bob", "--quota=1k")
    text = made(token, "anna")
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        index = ObjectIndex(connection)
        path = ObjectPath(index.make_prefix(text), "a")
        put(index, path, "1", 1536, text)
    assert token("revoke", "bob").status == 0
    done = token("list")
    assert (done.status, done.errors) == (0, [])
    assert done.out == [
        "anna: 1.5 KiB of 2.0 GiB, objects: 1",
        "bob: 0 bytes of 1.0 KiB, objects: 0, revoked",
    ]
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        connection.execute("DELETE FROM prefix")
        connection.execute("DELETE FROM token")
    assert token("list").out == ["There are no tokens. Make one: qabel-block token new NAME"]


def test_revoking(token: BlockCommand) -> None:
    """The token is not known any more; another one of that name has what was stored with it."""
    old = made(token, "anna")
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        prefix = ObjectIndex(connection).make_prefix(old)
    done = token("revoke", "anna")
    assert (done.status, done.errors) == (0, [])
    (line,) = done.out
    assert line == (
        "The token 'anna' is revoked. What was stored with it stays, and can be read; "
        "qabel-block token new anna makes another one for it."
    )
    new = made(token, "anna")
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        index = ObjectIndex(connection)
        assert index.prefixes(new) == [prefix]
        with pytest.raises(BlockRefused):
            index.account(old)


def test_mistakes(token: BlockCommand) -> None:
    """Each is said in a line, and changes nothing."""
    made(token, "anna")
    before = token("list").out
    taken = "there is a token 'anna' already; revoke it first, or use another name"
    unknown = "there is no token 'carl'; see qabel-block token list"
    size = "--quota must be a size such as 500M or 2G, not 'much'"
    assert failed(token("new", "anna")) == taken
    assert failed(token("new", "bob", "--quota=much"), 2) == size
    assert failed(token("revoke", "carl")) == unknown
    assert failed(token("quota", "carl", "--quota=1G")) == unknown
    assert failed(token("quota", "anna"), 2) == "--quota is missing, with the new size"
    assert failed(token("quota", "anna", "--quota=much"), 2) == size
    for act in ("new", "revoke", "quota"):
        assert failed(token(act), 2) == "the name of the token is missing"
    assert token("list").out == before


@pytest.mark.parametrize("act", [["list"], ["revoke", "anna"], ["quota", "anna", "--quota=1G"]])
def test_no_server(token: BlockCommand, act: list[str]) -> None:
    """Only a new token makes a data directory."""
    assert failed(token(*act)) == (
        f"there is no block server: {token.data / INDEX_NAME} is missing"
    )
    assert not token.data.exists()


@pytest.mark.parametrize("wrong", [["new"], ["new", "anna", "--quota=much"]])
def test_a_new_token_that_makes_no_sense(token: BlockCommand, wrong: list[str]) -> None:
    """It leaves nothing."""
    failed(token(*wrong), 2)
    assert not token.data.exists()


def test_a_file_of_others(token: BlockCommand) -> None:
    """It is left alone, as is a directory that others can enter."""
    token.data.mkdir(mode=0o700)
    (token.data / INDEX_NAME).write_text("precious" * 1000)
    assert "file is not a database" in failed(token("list"))
    assert "file is not a database" in failed(token("new", "anna"))
    assert (token.data / INDEX_NAME).read_text() == "precious" * 1000
    token.data.chmod(0o755)
    assert "contains other files and is accessible" in failed(token("new", "anna"))


def test_a_path_that_cannot_be_used(token: BlockCommand) -> None:
    """That is said in a line, too."""
    token.data.mkdir()
    too_long = BlockCommand(token.run, token.data / ("x" * 300), token.capsys, token.logged)
    assert re.search("File name too long|is missing", failed(too_long("list")))


def test_a_token_that_cannot_be_kept(token: BlockCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not printed: nobody could use it."""
    made(token, "anna")

    class BrokenIndex(ObjectIndex):
        """An index whose transactions cannot be committed."""

        def add_account(self, name: str, token: str, quota: int) -> bool:
            """Add an account, and a prefix of nobody."""
            self.connection.execute("INSERT INTO prefix VALUES ('a', 999)")
            return super().add_account(name, token, quota)

    def open_strict(path: Path, *, create: bool) -> sqlite3.Connection:
        connection = open_index(path, create=create)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    # References are checked at the end.
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        connection.executescript(
            "DROP TABLE prefix; CREATE TABLE prefix (name TEXT PRIMARY KEY, token INTEGER"
            " REFERENCES token (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    monkeypatch.setattr(token_command, "open_index", open_strict)
    monkeypatch.setattr(token_command, "ObjectIndex", BrokenIndex)
    assert failed(token("new", "bob")) == "FOREIGN KEY constraint failed"


def test_while_a_server_runs(token: BlockCommand) -> None:
    """What has the index open sees what was changed."""
    made(token, "anna")
    with closing(open_index(token.data / INDEX_NAME)) as connection:
        text = made(token, "bob")
        assert ObjectIndex(connection).account(text).name == "bob"


@pytest.mark.parametrize("arguments", [[], ["frob"], ["list", "--frob"], ["new", "a", "b"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 2, as with other commands."""
    with pytest.raises(SystemExit) as raised:
        token_command.run(arguments)
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: qabel-block token [-h]")
