"""The options of servers that have commands, and may stand behind proxies."""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from qabel.host.command_help import HelpPage
from qabel.host.daemon_options import DaemonOptions


class ServerOptions(DaemonOptions):
    """The command line of a server. Its ``--trust-proxy`` is explained by each server itself."""

    commands: ClassVar[Mapping[str, str]] = {}
    """What each command of its program does."""

    def __init__(self) -> None:
        super().__init__()
        self.trusted: list[str] = []
        """The values of ``--trust-proxy``."""

    def help_page(self) -> HelpPage:
        """Return the help, with the commands."""
        page = super().help_page()
        return attrs.evolve(page, tables={"Commands": self.commands, **page.tables})
