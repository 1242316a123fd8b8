"""What commands say to somebody with a daemon helps, when it is done as it stands."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qabel.crypto import PrivateKey
from tests.hints.person import Person, Said
from tests.hints.printed import shows
from tests.integration.bad_servers import BadServer, Peer, Request

BLANKS = {"ID": "1", "URL": "https://drop.example.org", "FILE": "card.qco", "CONTACT": "Bob"}


@pytest.fixture(scope="module")
def bob(alice: Person, drop_server: str) -> str:
    """Write the card of somebody whom Alice knows, and return his key."""
    key = PrivateKey.generate().public_key.hex
    write_card(alice.home / "card.qco", key, f"{drop_server}/{'b' * 43}")
    assert alice.runs("contact", "import", "card.qco", "--identity", "Alice").status == 0
    return key


@pytest.fixture(scope="module")
def messages(alice: Person) -> None:
    """Send two messages to another identity of Alice, and receive them."""
    assert alice.runs("identity", "new", "Eve").status == 0
    for one, other in (("Alice", "Eve"), ("Eve", "Alice")):
        assert alice.runs("identity", "card", one, f"{one}.qco").status == 0
        words = ("contact", "import", f"{one}.qco", "--identity", other)
        assert alice.runs(*words).status == 0
    for _ in range(2):
        assert alice.runs("send", "Eve", "Hello").status == 0
    assert alice.runs("inbox", "list", "--poll").text.count("Hello") == 2


def write_card(path: Path, key: str, url: str) -> None:
    """Write a contact file."""
    contact = {"alias": "Bob", "public_key": key, "drop_urls": [url]}
    path.write_text(json.dumps({"contacts": [contact]}))


def does_all(who: Person, said: Said) -> None:
    """Do all that was said."""
    assert said.hints, said.text
    for hint in said.hints:
        who.follows(hint, TEXT="Hello", ALIAS="Somebody", NAME="script", **BLANKS)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("send Nobody Hello", marks=shows("Run: qabel X list")),
        "contact show Nobody",
        pytest.param(f"contact unblock {'ab' * 32}", marks=shows("Run: qabel contact blocked")),
        "identity card Nobody -",
        pytest.param("server remove 99", marks=shows("cli/api_errors.py: Run: qabel server list")),
        pytest.param("server test 99", marks=shows("cli/server.py: Run: qabel server list")),
        pytest.param("settings get nothing", marks=shows("settings.py: Run: qabel settings get")),
        "settings set nothing 1",
        pytest.param("settings set contacts.1.no 1", marks=shows("Run: qabel settings getX")),
        pytest.param("outbox show 99", marks=shows("api_errors.py: Run: qabel outbox")),
        pytest.param("inbox show 99", marks=shows("api_errors.py: Run: qabel inbox")),
        pytest.param("token revoke 99", marks=shows("Run: qabel token list")),
        pytest.param("module rebuild nothing", marks=shows("module.py: Run: qabel module list")),
        "send",
        "inbox list --nonsense",
        pytest.param("inbox list --wait 1", marks=shows("See qabel inbox list --help")),
        "nonsense",
        "contact nonsense",
        pytest.param(
            "send Bob Hello --json {}",
            marks=shows(
                "Pass either TEXT or --json DATA",
                "To print the result as JSON: qabel --json send",
            ),
        ),
    ],
)
def test_errors(alice: Person, bob: str, arguments: str) -> None:
    """What an error hints at can be run as it stands."""
    said = alice.types(f"qabel {arguments} ")
    assert said.status not in (0, 3)
    for hint in said.hints:
        alice.follows(hint, TEXT="Hello", **BLANKS)


@shows("cli/send.py: Example: qabel send X 'Hello'")
def test_an_empty_text(alice: Person, bob: str) -> None:
    """An example of a message can be sent."""
    said = alice.types("qabel send Bob ''")
    assert said.status == 2
    does_all(alice, said)


@shows("cli/follow.py: Run: qabel follow X--since X")
def test_a_cursor_of_another_daemon(alice: Person, messages: None) -> None:
    """A follower whose cursor is unknown is told how to go on, and goes on."""
    said = alice.runs("follow", "--since", "nonsense.5", "--count", "1")
    [hint] = said.hints
    assert alice.types(" ".join(["qabel", *hint.words, "--count", "1"])).status == 0


@shows("Pass --since 0 to start with the oldest message")
def test_a_cursor_that_is_damaged(alice: Person, messages: None) -> None:
    """The option that is named makes a new cursor."""
    assert alice.types("qabel follow --resume second --since 0 --count 1").status == 0
    [file] = alice.home.rglob("follow/*/second")
    file.write_text("\n")
    assert alice.runs("follow", "--resume", "second", "--count", "1").status == 1
    assert alice.types("qabel follow --resume second --since 0 --count 1").status == 0


@shows("Pass --yes to confirm it")
def test_confirming_without_a_terminal(alice: Person, bob: str) -> None:
    """A script that cannot be asked is told what to pass."""
    assert alice.runs("token", "new", "gone", "--scope", "read").status == 0
    assert alice.types("qabel token revoke 1 </dev/null").status == 2
    assert alice.types("qabel token revoke 1 --yes </dev/null").status == 0


@shows("Choose another name, or pass --force to overwrite it")
def test_a_file_that_exists(alice: Person) -> None:
    """It is overwritten with the option that is named."""
    assert alice.runs("identity", "card", "Alice", "twice.qco").status == 0
    assert alice.runs("identity", "card", "Alice", "twice.qco").status == 1
    assert alice.runs("identity", "card", "Alice", "twice.qco", "--force").status == 0


@shows("To write it to a file: --output FILE.png")
def test_a_narrow_terminal(alice: Person) -> None:
    """The QR code can be written to a file instead."""
    assert alice.types("COLUMNS=20 qabel identity qr Alice").status == 1
    assert alice.types("COLUMNS=20 qabel identity qr Alice --output code.png").status == 0
    assert (alice.home / "code.png").exists()


@shows(
    "Details: qabel outbox show ID. What you received: qabel inbox",
    "cli/inbox.py: To answer: qabel send id:X TEXT",
    "The newest X of X. To list all of them: --all",
)
def test_messages(alice: Person, messages: None) -> None:
    """Lists of messages say how one is shown and answered, and how all are listed."""
    does_all(alice, alice.runs("outbox"))
    assert "To list all of them: --all" in alice.runs("inbox", "list", "--limit", "1").text
    assert alice.runs("inbox", "list", "--all").text.count("Hello") >= 2
    number = alice.runs("inbox").text.splitlines()[1].split()[0]
    does_all(alice, alice.runs("inbox", "show", number))


@shows("To take new drop URLs: qabel contact import --replace X")
def test_a_contact_that_moved(alice: Person, bob: str, drop_server: str) -> None:
    """A card that differs is taken as is said, for the identity that was given."""
    write_card(alice.home / "my card.qco", bob, f"{drop_server}/{'m' * 43}")
    words = ("contact", "import", "--identity", "Alice", "my card.qco")
    said = alice.runs(*words)
    assert said.status == 1
    does_all(alice, said)
    assert alice.runs(*words).status == 0


@shows(
    "server.py: Add it: qabel server add X",
    "Warning: X Try again: qabel server test X",
    "To use it for new drops: qabel server prefer X",
    "Warning: nothing can be received yet.",
)
def test_a_server_that_is_dead(alice: Person, drop_server: str) -> None:
    """A server is added, tried again and preferred as is said, and new identities can change."""
    dead = "http://127.0.0.1:2"
    said = alice.runs("server", "prefer", dead)
    assert said.status == 4
    added = alice.follows(said.hint("qabel", "server", "add"))
    again = added.hint("qabel", "server", "test")
    assert alice.types(f"qabel {' '.join(again.words)}").status == 1
    alice.follows(added.hint("qabel", "server", "prefer"))
    said = alice.runs("identity", "new", "Lost")
    alice.follows(said.hint("qabel", "server", "prefer"), URL=drop_server)
    assert alice.runs("server", "remove", dead).status == 0


@shows("To add it: --force")
def test_a_server_that_is_none(alice: Person) -> None:
    """What is no drop server is added with the option that is named."""

    def page(peer: Peer, request: Request) -> None:
        peer.answer("200 OK", "Content-Type: text/html", body=b"<html>")

    with BadServer(page) as server:
        assert alice.types(f"qabel server add {server.url} </dev/null").status == 1
        assert alice.types(f"qabel server add {server.url} --force </dev/null").status == 0
        assert alice.runs("server", "remove", server.url).status == 0


@shows("Run: qabel outbox show X; qabel contact show id:X", "For the state of the message, run:")
def test_messages_that_do_not_arrive(alice: Person, bob: str) -> None:
    """A message that failed, and one that nobody acknowledges, can be looked at as is said."""
    with BadServer(lambda peer, _: peer.answer("400 Bad Request")) as server:
        assert alice.types(f"qabel server add {server.url} --force </dev/null").status == 0
        key = PrivateKey.generate().public_key.hex
        words = ["contact", "add", "Refused", key, f"{server.url}/{'r' * 43}"]
        assert alice.runs(*words, "--identity", "Alice").status == 0
        said = alice.runs("send", "Refused", "Hello")
        assert said.status == 1
        does_all(alice, said)
        assert alice.runs("server", "remove", server.url).status == 0
    said = alice.runs("send", "Bob", "Hello", "--wait-ack", "0.1")
    assert said.status == 5
    does_all(alice, said)


@shows("settings.py: (hidden; to see it, pass the key or --secrets)")
def test_hidden_settings(alice: Person) -> None:
    """Both ways to see a private key show it."""
    assert "private_key = (hidden" in alice.runs("settings", "get", "--synced").text
    for words in (("identities.1.private_key",), ("--synced", "--secrets")):
        assert "(hidden" not in alice.runs("settings", "get", *words).text


@shows("cli/module.py: No modules run. See qabel-rest --help")
def test_no_modules(person: Callable[..., Person]) -> None:
    """Where no modules run, the help of the daemon names the option."""
    me = person()
    me.starts(options=("--no-module", "chat"))
    [hint] = me.runs("module", "list").hints
    assert "--module" in me.follows(hint).text


@shows("cli/module.py: Rebuilding X. To see how far it is: qabel module list")
def test_rebuilding(person: Callable[[], Person]) -> None:
    """How far a module is can be seen as is said."""
    me = person()
    me.starts(options=("--module", "chat"))
    does_all(me, me.runs("module", "rebuild", "chat"))


@shows("names.py: Pass --identity")
def test_several_identities(alice: Person) -> None:
    """Who has several says which one, with the option that is named."""
    assert alice.runs("identity", "new", "Second").status == 0
    key = PrivateKey.generate().public_key.hex
    words = ["contact", "add", "Dora", key, "https://drop.example.org/" + "d" * 43]
    assert alice.runs(*words).status == 2
    assert alice.runs(*words, "--identity", "Second").status == 0


@shows("cli/backup.py: It can be opened only with X.", "cli/backup.py: Run it there, without --url")
def test_a_backup(alice: Person) -> None:
    """A backup says where its key is, and the option for a copy of it works there."""
    assert alice.runs("backup", "one.db").status == 0
    assert alice.runs("backup", "two.db", "--with-key").status == 0
    assert next(alice.home.rglob("two.db.key")).exists()
    said = alice.runs("--url", "https://elsewhere.example", "backup", "--with-key")
    assert said.status == 2


@shows(
    "cli/api_errors.py: Check --url",
    "cli/api_errors.py: Check --url, and that the daemon is running there",
    "cli/api_errors.py: Check --url, and the service",
    "Pass --token-file FILE or set QABEL_TOKEN",
    "context.py: Check --token-file",
    "api_errors.py: Run: qabel doctor",
)
def test_elsewhere(alice: Person) -> None:
    """What is wrong with a URL or a token is said, and the token's file is where it says."""
    assert alice.runs("--url", "http://127.0.0.1:1", "status").status == 3
    assert alice.runs("--url", f"unix:{alice.home}/nothing", "status").status == 3
    with BadServer(lambda peer, _: peer.answer("200 OK", body=b"hello")) as server:
        assert alice.runs("--url", server.url, "status").status == 3
        server.behave = lambda peer, _: peer.reset()
        said = alice.runs("--url", server.url, "status")
        assert alice.runs(*said.hint("qabel").words[-1:]).status == 0
    [port] = re.findall(r"listens on 127.0.0.1:(\d+)", log(alice))
    url = f"http://localhost:{port}"
    assert alice.types(f"QABEL_TOKEN=wrong qabel --url {url} status").status == 1
    token = alice.directory / "api-token"
    assert alice.runs("--url", url, "--token-file", str(token), "status").status == 0
    assert alice.types(f"QABEL_TOKEN=$(cat {token}) qabel --url {url} status").status == 0
    assert alice.runs("--token-file", "nothing", "status").status == 2


def log(who: Person) -> str:
    """Return what a daemon has logged."""
    return (who.home / "daemon.log").read_text()


@shows("cli/token.py: The daemon creates it when it first starts; or pass --data-dir")
def test_no_main_token(alice: Person) -> None:
    """Where there is no token, the directory that has one can be given."""
    assert alice.types("qabel --data-dir elsewhere token show").status == 4
    assert alice.types(f"qabel --data-dir {alice.directory} token show").status == 0


@shows("cli/open.py: Start it without --no-console")
def test_a_daemon_without_its_page(person: Callable[..., Person]) -> None:
    """Who wants to open the page is told why there is none; then there is one."""
    me = person()
    me.starts(options=("--no-console",))
    assert "--no-console" in me.runs("open", "--print").text
    me.stops()
    me.starts()
    assert me.runs("open", "--print").status == 0


@shows("cli/same_alias.py: Warning: X")
def test_a_known_name_with_another_key(alice: Person) -> None:
    """It is said how to compare the keys, and the warning can be dismissed as is said."""
    for number in range(2):
        key = PrivateKey.generate().public_key.hex
        url = f"https://drop.example.org/{str(number) * 43}"
        said = alice.runs("contact", "add", "Twin", key, url, "--identity", "Alice")
    assert said.hint("qabel", "contact", "verify")
    alice.follows(said.hint("qabel", "contact", "dismiss"))
    assert "another key" not in alice.runs("contact", "list").text
