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
    assert f"{twin['id']} (Bob, key 44444444…)" in one_line(result)
    assert alice.json("contact", "show", "Bob", "-i", "Work") == [twin]
    assert alice.json("contact", "list", "-i", "Work") == [twin]
    alice.json("contact", "delete", str(twin["id"]), "--yes")
    alice.json("identity", "delete", str(work["id"]), "--yes")


def test_names_of_contacts(alice: QabelCommand) -> None:
    """A name is a contact's however it is written."""
    names = Names(ApiClient(DaemonAddress(alice.directory / "rest.sock"), None))
    assert [names.is_contacts(each) for each in ("Bob", " bob", "Rob")] == [True, True, False]
