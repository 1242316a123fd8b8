"""Identities and contacts are found by alias, id and public key."""

from qabel.cli.api_client import ApiClient
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import ExitStatus
from qabel.cli.names import Names
from tests.cli.conftest import QabelCommand, drop_of, one_line


def test_people_by_alias_id_and_key(alice: QabelCommand) -> None:
    """A contact is found by alias in any case, by id and by key; a typo gets a suggestion."""
    [found] = alice.json("contact", "show", "Bob")
    for ref in ("bob", str(found["id"]), found["public_key"], found["public_key"].upper()):
        assert alice.json("contact", "show", ref) == [found]
    result = alice("send", "Bobb", "x")
    assert result.exit_status == ExitStatus.NOT_FOUND
    assert "Did you mean 'Bob'?" in one_line(result)


def test_ambiguous_alias(alice: QabelCommand) -> None:
    """The alias of two contacts is an error with their ids; ids and --identity are unambiguous."""
    [work] = alice.json("identity", "new", "Work")
    twin = alice.json("contact", "add", "Bob", "4" * 64, drop_of(alice), "--identity", "Work")[0]
    result = alice("contact", "show", "Bob")
    assert result.exit_status == ExitStatus.USAGE
    assert f"id:{twin['id']} (Bob, contact of Work, key 44444444…)" in one_line(result)
    assert "or pass --identity" in one_line(result)
    assert "or pass --from" in one_line(alice("send", "Bob", "x"))
    assert "or pass --to" in one_line(alice("inbox", "--from", "Bob"))
    assert alice.json("contact", "show", "Bob", "-i", "Work") == [twin]
    assert alice.json("contact", "list", "-i", "Work") == [twin]
    alice.json("contact", "delete", str(twin["id"]), "--yes")
    alice.json("identity", "delete", str(work["id"]), "--yes")


def test_an_alias_like_an_id(alice: QabelCommand) -> None:
    """``id:N`` is an id and ``name:N`` an alias; a bare N that is both is refused."""
    [bob] = alice.json("contact", "show", "Bob")
    number = str(bob["id"])
    [twin] = alice.json("contact", "add", number, "4" * 64, drop_of(alice))
    result = alice("contact", "show", number)
    assert result.exit_status == ExitStatus.USAGE
    assert f"Use id:N or name:{number}" in one_line(result)
    assert alice.json("contact", "show", f"id:{number}") == [bob]
    assert alice.json("contact", "show", f"name:{number}") == [twin]
    alice.json("contact", "rename", f"id:{twin['id']}", "Name:1 ")
    assert alice.json("contact", "show", "name:name:1")[0]["id"] == twin["id"]
    for missing in (f"name:{number}", "id:99", "id:Bob", "name:"):
        assert alice("contact", "show", missing).exit_status == ExitStatus.NOT_FOUND
    alice.json("contact", "delete", f"id:{twin['id']}", "--yes")


def test_several_identities(alice: QabelCommand) -> None:
    """Where one of several identities has to be chosen, they are listed with their ids."""
    [work] = alice.json("identity", "new", "Work")
    result = alice("contact", "add", "Eve", "5" * 64, drop_of(alice))
    assert result.exit_status == ExitStatus.USAGE
    assert f"id:{work['id']} (Work). Pass --identity" in one_line(result)
    alice.json("identity", "delete", "Work", "--yes")


def test_names_of_contacts(alice: QabelCommand) -> None:
    """A name is a contact's however it is written."""
    names = Names(ApiClient(DaemonAddress(alice.directory / "rest.sock"), None))
    assert [names.is_contacts(each) for each in ("Bob", " bob", "Rob")] == [True, True, False]
