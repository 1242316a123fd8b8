"""What the programs say in a situation helps in that situation, when it is done as it stands."""

import json
import re
from collections.abc import Callable

import pytest

from qabel.crypto import PrivateKey
from tests.hints.person import Person
from tests.hints.printed import shows
from tests.integration.processes import wait_until

Come = Callable[..., Person]

WHERE = pytest.mark.parametrize("where", ["default", "option", "variable", "apart"])


@shows(
    "X, or pass --data-dir or --url",
    "cli/identity.py: Run: qabel server add URL",
    "qabel identity card id:X FILE, or qabel identity qr",
    "No drop server is polled.",
)
@WHERE
def test_from_nothing_to_a_first_identity(person: Come, drop_server: str, where: str) -> None:
    """Each step says the next one, wherever the data directory and the programs are."""
    me = person(where=where)
    said = me.runs("status")
    assert said.status == 3
    assert bool(said.bare) == (where != "apart")
    me.starts(said.hint("qabel-rest"))
    said = me.runs("status")
    assert said.status == 0
    assert bool(said.bare) == (where != "apart")
    assert [each.words[-3:] for each in said.hints] == [
        ("server", "add", "URL"),
        ("identity", "new", "ALIAS"),
    ]
    said = me.runs("identity", "new", "Alice")
    assert said.status != 0
    [hint] = [each for each in said.hints if "server" in each.words]
    me.follows(hint, URL=drop_server)
    said = me.runs("identity", "new", "Alice")
    assert said.status == 0
    made = me.home / "alice.qco"
    for hint in said.hints:
        me.follows(hint, FILE=made.name)
    assert made.exists()


@shows(
    "No contacts. Import some",
    "No identities. Create one: q",
    "cli/inbox.py: No messages.",
    "cli/outbox.py: No messages.",
    "No drop servers. Add one",
    "No other tokens.",
)
def test_empty_lists(person: Come, drop_server: str) -> None:
    """A list that is empty says how something gets into it, or nothing."""
    me = person()
    me.starts()
    blanks = {"URL": drop_server, "ALIAS": "Alice", "NAME": "script", "FILE": "card.qco"}
    for subject in ("server", "identity", "token"):
        said = me.runs(subject, "list")
        [hint] = said.hints
        me.follows(hint, **blanks)
        assert me.runs(subject, "list").hints == []
    card = me.home / "card.qco"
    key = PrivateKey.generate().public_key.hex
    contact = {"alias": "Bob", "public_key": key, "drop_urls": [f"{drop_server}/{'b' * 43}"]}
    card.write_text(json.dumps({"contacts": [contact]}))
    for subject in ("contact", "inbox", "outbox"):
        said = me.runs(subject, "list")
        assert said.status == 0
        for hint in said.hints:
            if hint.words[0] != "follow":
                me.follows(hint, FILE=str(card), CONTACT="Bob", TEXT="Hello")


@shows(
    "cli/accept.py: To be sure who it is:",
    "introduces itself as XX. Accept with: qabel contact accept",
    "cli/inbox.py: To answer: qabel send CONTACT TEXT.",
)
def test_a_stranger(person: Come, drop_server: str) -> None:
    """A stranger's message says how the stranger becomes a contact, and that how it is checked."""
    alice, bob = person("alice"), person("bob")
    alice.settles("Alice", drop_server)
    bob.settles("Bob", drop_server)
    card = bob.home / "bob.qco"
    assert bob.runs("identity", "card", "Bob", str(card)).status == 0
    assert alice.runs("contact", "import", str(card)).status == 0
    assert alice.runs("send", "Bob", "Hello").status == 0
    said = wait_until(
        lambda: ((found := bob.runs("inbox")).text.count("Hello") and found) or None, "the message"
    )
    accepted = bob.follows(said.hint("qabel", "contact", "accept"))
    verify = accepted.hint("qabel", "contact", "verify")
    # On a terminal it asks.
    assert bob.types(" ".join(["qabel", *verify.words, "--yes"])).status == 0
    assert bob.runs("send", "Alice", "Hello").status == 0


@shows(
    "checks.py: Run: chmod 600 X.",
    "checks.py: Run: chmod 700 X",
)
def test_a_directory_that_others_can_enter(person: Come, drop_server: str) -> None:
    """Doctor says what to do about modes, and that helps."""
    me = person()
    me.settles("Alice", drop_server)
    directory = next(me.home.rglob("qabel.db")).parent
    directory.chmod(0o755)
    (directory / "database-key").chmod(0o644)
    for _ in range(2):
        said = me.runs("doctor")
        assert said.status != 0
        [command] = re.findall(r"Run: (chmod .*?)(?:\. |$)", said.text, re.MULTILINE)
        assert me.types(command).status == 0
    assert me.runs("doctor").status == 0


@shows(
    "Restore a backup (qabel restore), or copy",
    "The identities and their private keys are lost.",
)
def test_a_damaged_database(person: Come, drop_server: str) -> None:
    """What is said of a damaged database can be done with its own directory."""
    me = person()
    me.settles("Alice", drop_server)
    me.stops()
    database = next(me.home.rglob("qabel.db"))
    with database.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(bytes(4096))
    said = me.runs("doctor")
    hint = said.hint("qabel", "salvage")
    new = me.home / "new"
    words = [{"NEW": str(new), "OLD": str(database.parent)}.get(each, each) for each in hint.words]
    done = me.types(" ".join(["qabel", *words]))
    assert done.status in (0, 1), done.text
    assert (new / "qabel.db").exists()


def test_a_backup_that_is_put_back(person: Come, drop_server: str) -> None:
    """After qabel restore, the daemon starts as it says."""
    me = person()
    me.settles("Alice", drop_server)
    assert me.runs("backup", "copy.db", "--with-key").status == 0
    me.stops()
    [copy] = me.home.rglob("copy.db")
    new = me.home / "again"
    said = me.types(f"qabel restore {copy} --data-dir {new}")
    assert said.status == 0, said.text
    other = Person(me.home, ("--data-dir", str(new)))
    other.starts(said.hint("qabel-rest"))
    assert "Alice" in other.runs("identity", "list").text
    other.leaves()
