"""The commands, against real daemons."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from qabel.cli.errors import Exit
from qabel.cli.paths import data_directory
from qabel.host.data_directory import choose_data_directory as daemon_directory
from tests.cli.conftest import Command, Daemons, Result, call, eventually

KEY = re.compile(r"\b[0-9a-f]{64}\b")


def arrived(whose: Command, text: str) -> dict[str, Any]:
    """Wait until a message with this text has come, and give it."""

    def look() -> Any:
        found = whose.json("inbox", "--all", "--poll")
        return next((each for each in found if each["data"].get("msg") == text), None)

    message: dict[str, Any] = eventually(look, f"the message {text!r}")
    return message


def test_status(alice: Command) -> None:
    """People are told how the daemon is; programs get all that it says."""
    assert "all is well" in alice("status").out
    [status] = alice.json("status")
    assert status["status"] == "running"


def test_json_after_the_command(alice: Command) -> None:
    """``--json`` is taken where people write it."""
    assert alice("status", "--json").values[0]["status"] == "running"
    assert alice("identity", "list", "--json").values[0]["alias"] == "Alice"


def test_send_and_receive(alice: Command, bob: Command) -> None:
    """A text arrives, is listed with the sender's name, and is what deployed clients show."""
    sent = alice("send", "Bob", "Hallo Bob")
    assert re.fullmatch(r"Sent to Bob \(outbox \d+\)\.\n", sent.out)
    message = arrived(bob, "Hallo Bob")
    assert message["model_object"] == "box_message"
    listed = bob("inbox")
    assert re.search(rf"^{message['id']} .*Alice +Hallo Bob$", listed.out, re.MULTILINE)
    shown = bob("inbox", "show", str(message["id"]))
    assert "Text      Hallo Bob\n" in shown.out


@pytest.mark.parametrize("words", [("send", "bob"), ("send", "Bob", "-")])
def test_text_from_standard_input(alice: Command, bob: Command, words: tuple[str, ...]) -> None:
    """A text can be piped in; its last line break is not part of it."""
    text = f"piped\nby {len(words)}"
    assert alice(*words, stdin=f"{text}\n".encode()).code == 0
    arrived(bob, text)


def test_send_other_data(alice: Command, bob: Command) -> None:
    """Programs send any object, under any name but the reserved one."""
    alice.json("send", "Bob", "--model-object", "game", "--json", '{"move": "e4"}')
    found = eventually(lambda: bob.json("inbox", "--model-object", "game", "--poll"), "the move")
    assert found[0]["data"] == {"move": "e4"}
    assert '[game] {"move":"e4"}' in bob("inbox", "--model-object", "game").out
    refused = alice("send", "Bob", "--model-object", "drop", "--json", "{}")
    assert refused.code == Exit.REFUSED
    assert "reserved" in refused.err


def test_outcome_as_json(alice: Command) -> None:
    """``--json`` as the last word asks for the outcome, with no data."""
    [outcome] = alice("send", "Bob", "as json", "--json").values
    assert outcome["recipients"][0]["state"] == "sent"


@pytest.mark.parametrize(
    "words",
    [
        ("send", "Bob", "text", "--json", "{}"),
        ("send", "Bob", "--json", "[1]"),
        ("send", "Bob", "--json", "{nope"),
        ("send", "Bob", "x", "--wait-ack", "soon"),
        ("send",),
        ("nosuch",),
        ("inbox", "--consumer", "me"),
        ("inbox", "show", "one"),
        ("identity", "delete", "Alice"),
    ],
)
def test_usage(alice: Command, words: tuple[str, ...]) -> None:
    """What makes no sense is one line with a hint, and status 2; nothing is sent or deleted."""
    result = alice(*words)
    assert result.code == Exit.USAGE
    assert one_line(result).endswith(")")


def one_line(result: Result) -> str:
    """See that the error is one line that begins with the command's name, and give it."""
    [line] = result.err.splitlines()
    assert line.startswith("qabel: ")
    assert result.out == ""
    return line


def test_wait_for_acknowledgement(alice: Command) -> None:
    """An acknowledgement is waited for, and shows in the outbox."""
    result = alice("--json", "send", "Bob", "did you get it?", "--wait-ack", "20")
    assert result.code == 0, result.err
    [outcome] = result.values
    assert outcome["recipients"][0]["acknowledged"]
    assert "acknowledged" in alice("outbox", "-n", "1").out
    assert "Acknowledged" in alice("outbox", "show", str(outcome["id"])).out


def test_no_acknowledgement(alice: Command) -> None:
    """Without one in time it ends with a status of its own, and the message is kept."""
    nobody = alice.json("contact", "add", "Nobody", "2" * 64, drop_of(alice))[0]
    result = alice("send", "Nobody", "hello?", "--wait-ack", "0.2")
    alice.json("contact", "delete", str(nobody["id"]), "--yes")
    assert result.code == Exit.NOT_YET
    assert "qabel outbox show" in result.err


def drop_of(whose: Command) -> str:
    """Give a drop URL that nobody reads, on the drop server that there is."""
    [server] = whose.json("server")
    return f"{server['url']}/{'n' * 43}"


def test_kept_for_later(alice: Command) -> None:
    """A drop server that is away is no failure: the message waits, and can be forgotten."""
    away = f"http://127.0.0.1:1/{'a' * 43}"
    contact = alice.json("contact", "add", "Away", "3" * 64, away)[0]
    result = alice("send", "Away", "later")
    assert result.code == 0
    assert "the daemon goes on trying" in result.out
    [waiting] = alice.json("outbox", "--waiting")
    assert "queued" in alice("outbox", "list", "--waiting").out
    assert "Attempts" in alice("outbox", "show", str(waiting["id"])).out
    alice.json("outbox", "delete", str(waiting["id"]), "--yes")
    assert alice.json("outbox", "--waiting") == []
    alice.json("contact", "delete", str(contact["id"]), "--yes")


def test_too_long(alice: Command) -> None:
    """What does not fit is refused with the limit, and what to do."""
    result = alice("send", "Bob", "x" * 3000)
    assert result.code == Exit.REFUSED
    assert "2048" in one_line(result)
    assert "shorter" in result.err


def test_same_key_sends_once(alice: Command) -> None:
    """A script that is not sure whether it has sent can ask again."""
    words = ("send", "Bob", "only once", "--idempotency-key", "k1")
    assert alice.json(*words) == alice.json(*words)


def test_strangers_texts_are_harmless(alice: Command, bob: Command) -> None:
    """What others write can neither command a terminal nor pass for another line."""
    text = "evil \x1b[2J\u202e\n2026-01-01 00:00:00  Mum: send money"
    alice("send", "Bob", text)
    message = arrived(bob, text)
    listed = bob("inbox", "-n", "1").out
    assert r"evil \x1b[2J\u202e\n2026" in listed
    assert "\x1b" not in bob("inbox", "show", str(message["id"])).out


def test_new_is_new_once(alice: Command, bob: Command) -> None:
    """Each consumer is given what is new to it, once; listing moves nothing."""
    bob.json("inbox", "--new", "--all", "--consumer", "one")
    alice("send", "Bob", "something new")
    arrived(bob, "something new")
    given = bob.json("inbox", "--new", "--consumer", "one")
    assert [each["data"] for each in given] == [{"msg": "something new"}]
    assert bob.json("inbox", "--new", "--consumer", "one", "--wait", "0") == []
    assert "something new" in bob("inbox", "--new", "--all", "--consumer", "two").out


def test_narrowed_inbox(alice: Command, bob: Command) -> None:
    """The inbox can be narrowed to a sender, a receiver, and a number."""
    for text in ("narrow", "narrower"):
        alice("send", "Bob", text)
        arrived(bob, text)
    found = bob.json("inbox", "--from", "Alice", "--to", "Bob", "-n", "2")
    assert len(found) == 2
    assert found[0]["id"] < found[1]["id"]


def test_delete_message(alice: Command, bob: Command) -> None:
    """A message can be deleted; then it is not there."""
    alice("send", "Bob", "delete me")
    number = str(arrived(bob, "delete me")["id"])
    assert bob("inbox", "delete", number).code == Exit.USAGE
    assert bob("inbox", "delete", number, "-y").code == 0
    assert bob("inbox", "show", number).code == Exit.NOT_FOUND


def test_people_by_alias_id_and_key(alice: Command) -> None:
    """A contact is found by alias, in any capitals, by id and by key; else a near one is named."""
    [found] = alice.json("contact", "show", "Bob")
    for ref in ("bob", str(found["id"]), found["public_key"], found["public_key"].upper()):
        assert alice.json("contact", "show", ref) == [found]
    result = alice("send", "Bobb", "x")
    assert result.code == Exit.NOT_FOUND
    assert "did you mean 'Bob'?" in one_line(result)


def test_ambiguous_alias(alice: Command) -> None:
    """An alias of two is an error that lists their ids; ids and --identity tell them apart."""
    [work] = alice.json("identity", "new", "Work")
    twin = alice.json("contact", "add", "Bob", "4" * 64, drop_of(alice), "--identity", "Work")[0]
    result = alice("contact", "show", "Bob")
    assert result.code == Exit.USAGE
    assert f"{twin['id']} (Bob, key 44444444…)" in one_line(result)
    assert alice.json("contact", "show", "Bob", "-i", "Work") == [twin]
    assert alice.json("contact", "list", "-i", "Work") == [twin]
    alice.json("contact", "delete", str(twin["id"]), "--yes")
    alice.json("identity", "delete", str(work["id"]), "--yes")


def test_contact_files(alice: Command, tmp_path: Path) -> None:
    """Contacts go out as files and come in from them; a file that is there stays."""
    file = tmp_path / "bob.qco"
    assert alice("contact", "export", "Bob", str(file)).code == 0
    assert "bob.qco is there already" in alice("contact", "export", "Bob", str(file)).err
    assert alice("contact", "export", "Bob", str(file), "--force").code == 0
    assert json.loads(file.read_text())["contacts"][0]["alias"] == "Bob"
    assert "unchanged" in alice("contact", "import", str(file)).out
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []


def test_contact_text(alice: Command, bob: Command) -> None:
    """The text of a QR code is read as a contact too."""
    [code] = bob.json("identity", "qr", "Bob")
    [outcome] = alice.json("contact", "import", "-", stdin=code["text"].encode())
    assert outcome["outcome"] == "unchanged"


def test_refused_contact(alice: Command) -> None:
    """A contact that cannot be taken in is told, and makes the command fail."""
    own = alice("identity", "card", "Alice").out
    result = alice("contact", "import", "-", stdin=own.encode())
    assert result.code == Exit.REFUSED
    assert "refused" in result.out
    assert alice("contact", "import", "-", stdin=b"rubbish").code == Exit.REFUSED
    assert alice("contact", "import", "/nonexistent").code == Exit.NOT_FOUND


def test_rename(alice: Command) -> None:
    """Contacts and identities can be renamed."""
    assert "is called Robert now" in alice("contact", "rename", "Bob", "Robert").out
    alice.json("contact", "rename", "Robert", "Bob")
    assert alice.json("identity", "rename", "Alice", "Alicia")[0]["alias"] == "Alicia"
    alice.json("identity", "rename", "Alicia", "Alice")


def test_identity_files(alice: Command, tmp_path: Path) -> None:
    """An identity can be taken out, deleted, and taken in again; its file is for its owner."""
    [made] = alice.json("identity", "new", "Moving")
    file = tmp_path / "moving.qid"
    written = alice("identity", "export", "Moving", str(file))
    assert "keep it secret" in written.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    alice.json("identity", "delete", "Moving", "--yes")
    [back] = alice.json("identity", "import", str(file))
    assert back["public_key"] == made["public_key"]
    assert alice("identity", "import", str(file)).code == Exit.REFUSED
    alice.json("identity", "delete", "Moving", "--yes")


def test_no_private_key_is_shown(alice: Command, bob: Command) -> None:
    """Private keys show only where somebody asks for just that."""
    private = bob.json("settings", "get", "identities.1.keys.private_key")[0]
    commands = [("identity", "list"), ("identity", "show", "Bob"), ("settings", "get", "--synced"),
                ("identity", "card", "Bob"), ("doctor",)]  # fmt: skip
    for words in commands:
        assert private not in bob(*words).out
    assert private in bob("settings", "get", "--synced", "--secrets").out
    assert KEY.search(bob("identity", "list").out)


def test_settings(alice: Command) -> None:
    """Settings are read and changed by dotted keys, in the document that has them."""
    assert "poll_interval = 0.5\n" in alice("settings", "get").out
    assert alice("settings", "get", "poll_interval").out == "0.5\n"
    assert alice("settings", "set", "module_data.chat", '{"sound": "bell"}').out.endswith(
        "is set.\n"
    )
    assert alice("settings", "get", "module_data.chat.sound").out == "bell\n"
    assert alice("settings", "set", "module_data.chat.sound", "5").out.endswith("= 5\n")
    assert alice.json("settings", "get", "module_data.chat") == [{"sound": 5}]
    assert alice("settings", "get", "drop_servers.1.active").out == "true\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("get", "nosuch"), Exit.NOT_FOUND),
        (("get", "drop_servers.99.url"), Exit.NOT_FOUND),
        (("set", "nosuch", "1"), Exit.REFUSED),
        (("set", "poll_interval", "soon"), Exit.REFUSED),
    ],
)
def test_bad_settings(alice: Command, words: tuple[str, ...], code: Exit) -> None:
    """What is not there, or not valid, is told with its key."""
    result = alice("settings", *words)
    assert result.code == code
    assert words[1].partition(".")[0] in one_line(result)


def test_servers(bob: Command) -> None:
    """Drop servers are added and removed without touching the others."""
    before = bob.json("server")
    [added] = bob.json("server", "add", "https://drop.example.org")
    assert bob("server").out.count("\n") == len(before) + 2
    bob.json("server", "remove", str(added["id"]))
    assert bob.json("server", "list") == before
    assert bob("server", "remove", "https://drop.example.org").code == Exit.NOT_FOUND
    assert bob("server", "add", "nonsense").code == Exit.REFUSED


def test_tokens(alice: Command, daemons: Daemons) -> None:
    """A token is shown once, lets in over TCP for what it is good for, and ends when revoked."""
    url = f"http://127.0.0.1:{daemons.alice.port('qabel-rest')}"
    made = alice("token", "new", "monitor", "--scope", "status")
    value = made.out.strip()
    [listed] = alice.json("token")
    assert value not in json.dumps(listed)

    def ask(token: str, *words: str) -> Result:
        file = alice.directory / "test-token"
        file.write_text(token)
        return call("--url", url, "--token-file", str(file), *words)

    assert ask(value, "status").code == 0
    assert ask(value, "inbox").code == Exit.REFUSED
    alice.json("token", "revoke", str(listed["id"]), "--yes")
    assert ask(value, "status").code == Exit.REFUSED
    assert ask(alice("token", "show").out.strip(), "inbox").code == 0
    assert alice("--url", url, "status").code == 0


def test_replaced_token(bob: Command) -> None:
    """The main token can be replaced."""
    before = bob("token", "show").out
    bob.json("token", "replace", "--yes")
    assert bob("token", "show").out != before


def test_sender_token(alice: Command, daemons: Daemons) -> None:
    """A token that may only send is enough for sending, by alias too."""
    url = f"http://127.0.0.1:{daemons.alice.port('qabel-rest')}"
    [token] = alice.json("token", "new", "bot", "--scope", "send", "--identity", "Alice")
    file = alice.directory / "bot-token"
    file.write_text(token["token"])
    result = call("--url", url, "--token-file", str(file), "send", "Bob", "from a bot")
    assert result.code == 0, result.err


def test_backup(alice: Command) -> None:
    """A backup is written, never over another one, and people are told of the key."""
    made = alice("backup", "first")
    assert f"Wrote {alice.directory / 'backups' / 'first'}" in made.out
    assert "database-key" in made.err
    assert alice("backup", "first").code == Exit.REFUSED
    assert Path(alice.json("backup")[0]["path"]).exists()


def test_doctor(alice: Command) -> None:
    """All is well, and is told check by check."""
    result = alice("doctor")
    assert result.code == 0, result.out
    names = {each["check"] for each in alice.json("doctor")}
    assert {"directory", "key", "token", "daemon", "server", "people", "outbox", "clock"} <= names


def test_doctor_without_a_daemon(tmp_path: Path) -> None:
    """Without a daemon it says so, what to do, and ends with the status for that."""
    result = call("--data-dir", str(tmp_path / "none"), "doctor")
    assert result.code == Exit.UNREACHABLE
    assert "NO  daemon" in result.out
    assert "twistd -n qabel-rest" in result.out


def test_no_daemon(tmp_path: Path) -> None:
    """Every command says in one line that there is no daemon, and how to start one."""
    for words in (("status",), ("follow",), ("send", "Bob", "x"), ("inbox",), ("settings", "get")):
        result = call("--data-dir", str(tmp_path), *words)
        assert result.code == Exit.UNREACHABLE
        assert "twistd -n qabel-rest" in one_line(result)


def test_errors_for_programs(alice: Command) -> None:
    """With --json an error is JSON too, on standard error."""
    result = alice("--json", "inbox", "show", "999999")
    told = json.loads(result.err)
    assert (told["exit"], told["status"]) == (Exit.NOT_FOUND, 404)


def test_qr_code(alice: Command, tmp_path: Path) -> None:
    """The code is drawn, or written to a file."""
    assert "█" in alice("identity", "qr", "Alice").out
    file = tmp_path / "alice.svg"
    assert alice("identity", "qr", "Alice", "-o", str(file)).code == 0
    assert "<svg" in file.read_text()


def test_same_directory_as_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Command and daemon look for the data directory in the same places."""

    def agree(given: str | None) -> None:
        of_daemon = daemon_directory(given, variable="QABEL_DATA_DIR", name="qabel")
        assert data_directory(given) == of_daemon

    agree(None)
    agree("~/elsewhere")
    monkeypatch.setenv("QABEL_DATA_DIR", "relative/place")
    agree(None)
    agree("/given")
