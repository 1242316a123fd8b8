"""The command line options that daemons have in common. Nothing here knows Qabel."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from twisted.logger import Logger
from twisted.python import usage

from qabel.host.command_help import HelpPage, OptionHelp
from qabel.host.endpoints import ListenOn, parse_endpoint
from qabel.host.interrupts import end_quietly_on_interrupt
from qabel.host.log_destination import DESTINATION, choose_destination, rotate_on_signal
from qabel.host.positive_numbers import positive_number
from qabel.host.process_signals import ProcessSignals
from qabel.host.standard_streams import say
from qabel.host.start_errors import StartError, report_start_errors

_log = Logger()

T = TypeVar("T")

ENDINGS: Mapping[str, str] = {
    "0": "It was stopped, by Ctrl-C or SIGTERM",
    "1": "It cannot start; one line on standard error says why",
    "2": "An option, or its value, is wrong",
    "130": "It was ended at once, by a second Ctrl-C",
}
"""The exit statuses of a daemon in the foreground."""


class DaemonOptions(usage.Options):
    """The options that daemons have in common. A bad option is a StartError, not a usage page.

    A subclass sets the class attributes; after parsing, ``listen`` holds the endpoints. With
    ``needs_tls``, endpoints that other hosts can reach must be encrypted.
    """

    name = "daemon"
    version = "0"
    longdesc = ""
    needs_tls = False
    default_port: int
    subjects: ClassVar[Mapping[str, Sequence[OptionHelp]]] = {
        "Log": (OptionHelp("log", "FILE"), OptionHelp("log-json")),
        "Other": (OptionHelp("version"), OptionHelp("help", short="h")),
    }
    """All options for the page of help, by subject."""
    environment: ClassVar[Mapping[str, str]] = {
        "NO_COLOR": "Use no colours in the log on a terminal",
    }
    """The variables that the daemon reads, and what they are for."""
    gone: ClassVar[Mapping[str, str]] = {}
    """Options that it had once, and what there is in their place."""

    optFlags: ClassVar[list[list[str | None]]] = [
        ["allow-remote", None, "Allow endpoints that other hosts can reach."],
        ["log-json", None, "Log in JSON, one object per line."],
    ]
    optParameters: ClassVar[list[list[str | None]]] = [
        ["port", None, None, "Listen on this port, for this machine only."],
        ["log", None, None, "Append the log to this file, and not to the terminal."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: list[ListenOn] = []
        self.data_directory = Path()

    @classmethod
    def endpoints(cls, port: int) -> Sequence[str]:
        """Return descriptions of the loopback endpoints for a port."""
        return [f"tcp:{port}:interface=127.0.0.1"]

    def opt_listen(self, description: str) -> None:
        """Listen on this endpoint (tcp:PORT:interface=ADDRESS or unix:PATH). Repeatable."""
        self.listen.append(parse_endpoint(description))

    def opt_version(self) -> None:
        """Show the version and exit."""
        say(f"{self.name} {self.version}")
        raise SystemExit(0)

    def opt_help(self) -> None:
        """Show the help and exit."""
        if self.parent is not None:
            super().opt_help()
        say(self.help_page().text())
        raise SystemExit(0)

    opt_h = opt_help

    def help_page(self) -> HelpPage:
        """Return the help of the command that runs the daemon in the foreground."""
        return HelpPage(
            program=self.name,
            description=self.longdesc,
            subjects=self.subjects,
            explanations={name: self._explanation(name) for name in self.docs},
            tables={"Exit status": ENDINGS, "Environment": self.environment},
        )

    def _explanation(self, name: str) -> str:
        text = " ".join(str(self.docs[name]).split())
        default = self.defaults.get(name)
        if name == "port":
            default = str(self.default_port)
        return text if not isinstance(default, str) else f"{text} [default: {default}]"

    def parseArgs(self, *arguments: str) -> None:
        """Accept no arguments but options. Raises UsageError."""
        if arguments:
            raise usage.UsageError(f"unexpected argument {arguments[0]!r}")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line. Raises StartError."""
        report_start_errors(self.name)
        end_quietly_on_interrupt()
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            for name, instead in self.gone.items():
                if str(error) == f"option --{name} not recognized":
                    raise StartError(f"--{name} is no longer an option: {instead}") from None
            raise StartError(f"{error} (see --help)") from None

    def postOptions(self) -> None:
        """Apply the defaults, and check that other hosts reach only what they may."""
        port = self._port()
        if port is not None and self.listen:
            raise StartError(
                "--port and --listen cannot be combined; "
                f"instead of --port, use --listen tcp:{port}:interface=127.0.0.1"
            )
        if not self.listen:
            found = self.endpoints(self.default_port if port is None else port)
            self.listen = [parse_endpoint(description) for description in found]
        for endpoint in self.listen:
            self._check_reachable(endpoint)
        if self.parent is not None:
            for option in ("log", "log-json"):
                if self[option] and (self.parent["syslog"] or self.parent["logger"]):
                    raise StartError(
                        f"--{option} cannot be combined with twistd's --syslog or --logger"
                    )
            choose_destination(self.parent, self["log"], as_json=bool(self["log-json"]))

    def handle_signals(self, reactor: Any, reload: Callable[[], object] | None = None) -> None:
        """Handle signals as daemons do; ``reload`` is called on SIGHUP, besides the log's part."""
        reopens = DESTINATION.file is not None or DESTINATION.is_foreground
        acts: list[Callable[[], object]] = [DESTINATION.reopen] if reopens else []
        if reload is not None:
            acts.append(reload)

        def hung_up() -> None:
            for act in acts:
                act()

        signals = ProcessSignals(
            self.name,
            reactor,
            hung_up if acts else None,
            None if self.parent is None else self.parent.get("pidfile"),
        )
        signals.install()
        reactor.callWhenRunning(rotate_on_signal, reactor)

    def note_ready(self, result: T) -> T:
        """Log that the daemon is ready; return the result, as a callback of a Deferred does."""
        _log.info(
            "{name} {version} is ready, with its data in {directory} (process {pid}).",
            name=self.name,
            version=self.version,
            directory=str(self.data_directory),
            pid=os.getpid(),
        )
        return result

    def _port(self) -> int | None:
        port = self["port"]
        if port is None:
            return None
        if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
            raise StartError(f"--port must be a number from 0 to 65535, not {port!r}")
        return int(port)

    def _check_reachable(self, endpoint: ListenOn) -> None:
        if not endpoint.reachable:
            return
        where = f"{endpoint.description} is reachable from other hosts"
        lacks_tls = self.needs_tls and not endpoint.encrypted
        if not self["allow-remote"]:
            advice = f"pass --allow-remote{' and use TLS' if lacks_tls else ''} if that is intended"
            if endpoint.kind == "tcp" and "interface" not in endpoint.description:
                local = f"{endpoint.description}:interface=127.0.0.1"
                advice = f"use {local} for this machine only, or {advice}"
            raise StartError(f"{where}; {advice}")
        if lacks_tls:
            raise StartError(
                f"{where} without encryption: others could read tokens and messages; use"
                " ssl:PORT:privateKey=FILE:certKey=FILE, or a TLS proxy in front of a loopback"
                " address"
            )

    def positive(self, option: str, kind: Callable[[str], Any] = float) -> Any:
        """Return an option's value; see ``positive_number``. Raises StartError."""
        return positive_number(option, self[option], kind)
