"""What all commands share: address and token, confirmation, and groups of commands."""

import io
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem

from qabel.cli.context import MAX_TOKEN, Command, Group, Session, read_token
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.output import Output
from tests.cli.prepared_server import json_response, prepared_server


class Terminal(io.StringIO):
    """Standard input on a terminal, with what the user types."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def session(directory: Path, *, as_json: bool = False, **options: str) -> Session:
    """Return the session for a call with these options."""
    output = Output(as_json, io.StringIO(), io.StringIO())
    return Session({"data_dir": str(directory), **options}, output)


def test_the_socket_is_the_default(tmp_path: Path) -> None:
    """Requests go to the Unix socket in the data directory, without a token."""
    with prepared_server(tmp_path / "rest.sock", lambda _: json_response(5)) as server:
        assert session(tmp_path).client.get("/status") == 5
    assert "Authorization" not in server.requests[0]


def test_a_url_is_used_instead(tmp_path: Path) -> None:
    """With a URL the socket is not used."""
    address = session(tmp_path, url="http://127.0.0.1:9696").address
    assert (address.socket, address.url) == (None, "http://127.0.0.1:9696")


def test_tokens(tmp_path: Path) -> None:
    """The daemon's own token is used on loopback, and is not sent elsewhere unless requested."""
    (tmp_path / "api-token").write_text("main\n")
    other = tmp_path / "other"
    other.write_text("other\n")

    def found(**options: str) -> str | None:
        return session(tmp_path, **options).find_token()

    assert found() is None
    assert found(url="http://127.0.0.1:1") == "main"
    assert found(url="https://example.org") is None
    assert found(url="https://example.org", token="named") == "named"
    assert found(url="https://example.org", token_file=str(session(tmp_path).token_path)) == "main"
    assert found(url="http://localhost", token="named", token_file=str(other)) == "other"
    (tmp_path / "api-token").unlink()
    assert found(url="http://127.0.0.1:1") is None


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "ümlaut"])
def test_what_cannot_be_a_token(tmp_path: Path, text: str) -> None:
    """What cannot be a token is neither sent nor shown, from a file or the environment."""
    path = tmp_path / "token"
    path.write_text(text)
    for options in ({"token_file": str(path)}, {"token": text or " "}):
        with pytest.raises(CommandError) as caught:
            session(tmp_path, **options).find_token()
        assert caught.value.exit_status == ExitStatus.USAGE
        assert not text or text not in caught.value.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_token_files_as_editors_save_them(tmp_path: Path, encoding: str) -> None:
    """A token is read as it was pasted, with its header's name, and saved by any editor."""
    path = tmp_path / "token"
    path.write_bytes("Bearer a.1\r\n".encode(encoding))
    assert read_token(path) == "a.1"
    assert session(tmp_path, url=" <http://localhost:1>\n").address.url == "http://localhost:1"


def test_token_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing token file is a usage error, and of a huge file only the beginning is read."""
    with pytest.raises(CommandError, match="none") as caught:
        read_token(tmp_path / "none")
    assert caught.value.exit_status == ExitStatus.USAGE
    assert "--token-file" in caught.value.hint
    (tmp_path / "huge").write_bytes(b"x" * 10 * MAX_TOKEN)
    assert len(read_token(tmp_path / "huge")) == MAX_TOKEN


def test_confirmation_in_advance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes nothing is asked."""
    monkeypatch.setattr("sys.stdin", Terminal())
    session(tmp_path).confirm("Delete it?", yes=True)


@pytest.mark.parametrize(("as_json", "stdin"), [(True, Terminal("y\n")), (False, io.StringIO())])
def test_nobody_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool, stdin: io.StringIO
) -> None:
    """A program, and a command without a terminal, must pass --yes."""
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(CommandError) as caught:
        session(tmp_path, as_json=as_json).confirm("Delete it?", yes=False)
    assert caught.value.exit_status == ExitStatus.USAGE
    assert "--yes" in caught.value.hint


def test_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the user is asked, and everything but yes is a no."""
    for typed in ("n\n", "\n"):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        with pytest.raises(CommandError) as caught:
            session(tmp_path).confirm("Delete 'a\x1b[2J'?", yes=False)
        assert caught.value.exit_status == ExitStatus.FAILURE
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    session(tmp_path).confirm("Delete 'a\x1b[2J'?", yes=False)
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert written.err.count(r"Delete 'a\x1b[2J'?") == 3


ran: list[tuple[str, str | None]] = []
"""The commands that ran, each with its option."""


@click.group("things", cls=Group, default="list")
def things() -> None:
    """Do something with things."""


@things.command("list")
@click.option("--filter", "chosen")
def list_things(chosen: str | None) -> None:
    """List things."""
    ran.append(("list", chosen))


@things.command("add")
@click.option("--json", "value")
def add_thing(value: str | None) -> None:
    """Add a thing, given as JSON."""
    ran.append(("add", value))


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def run(*words: str, obj: Session | None = None) -> None:
    """Run the group."""
    things.main(list(words), "things", standalone_mode=False, obj=obj)


def test_the_default_command() -> None:
    """Without the name of a command the default one runs, with its options."""
    run()
    run("--filter", "red")
    run("list", "--filter", "blue")
    run("add")
    assert ran == [("list", None), ("list", "red"), ("list", "blue"), ("add", None)]


def test_help_is_the_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` shows the commands, in the order of the source, and runs none."""
    run("--help")
    shown = capsys.readouterr().out
    assert -1 < shown.index("list") < shown.index("add")
    assert ran == []


def test_an_unknown_command() -> None:
    """The default command does not take a misspelt command for its own."""
    with pytest.raises(click.UsageError):
        run("lst")
    assert ran == []


def test_json_after_the_name(tmp_path: Path) -> None:
    """Every command accepts --json after its name, unless it has such an option itself."""
    quiet = session(tmp_path)
    run("add", "--json", "5", obj=quiet)
    assert (ran, quiet.out.json) == ([("add", "5")], False)
    run("list", "--json", obj=quiet)
    assert quiet.out.json


def completions(typed: str) -> list[str]:
    """Return what a shell is offered for the word after the group's name."""
    context = things.make_context("things", [], resilient_parsing=True)
    items: list[CompletionItem] = things.shell_complete(context, typed)
    return [each.value for each in items]


def test_completion() -> None:
    """A shell is offered the commands, or the options of the default command."""
    assert completions("") == ["list", "add"]
    assert "--filter" in completions("--")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("key -3", ("key", "-3", None, False)),
        ("key -.5", ("key", "-.5", None, False)),
        ("key -3 --flag", ("key", "-3", None, True)),
        ("--flag key -3", ("key", "-3", None, True)),
        ("--flag -3 4", None),
        ("-- key -3", ("key", "-3", None, False)),
        ("key 5 --number -3", ("key", "5", -3, False)),
        ("key -x", None),
    ],
)
def test_a_number_that_begins_with_a_dash(line: str, found: tuple[object, ...] | None) -> None:
    """A negative number is an argument, unless it belongs to an option; other words are options."""
    got: list[tuple[object, ...]] = []

    @click.command(cls=Command)
    @click.argument("key")
    @click.argument("value")
    @click.option("--number", type=int)
    @click.option("--flag", is_flag=True)
    def command(key: str, value: str, number: int | None, *, flag: bool) -> None:
        got.append((key, value, number, flag))

    try:
        command.main(line.split(), standalone_mode=False)
    except click.UsageError:
        assert found is None
    else:
        assert got == [found]
