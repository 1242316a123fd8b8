"""The options of servers that have commands."""

from qabel.host.server_options import ServerOptions


class HereServerOptions(ServerOptions):
    """The options of a server for tests."""

    name = "qabel-here"
    default_port = 1
    commands = {"check": "Look whether all is there"}  # noqa: RUF012 - as servers have it


def test_the_help_has_the_commands() -> None:
    """Before the other tables; and nobody is trusted before somebody says so."""
    options = HereServerOptions()
    assert options.trusted == []
    text = options.help_page().text()
    assert text.index("check") < text.index("Exit status")
    assert "Look whether all is there" in text
