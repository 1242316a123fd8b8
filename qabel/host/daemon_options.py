"""The command line options that daemons have in common. Nothing here knows Qabel."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from twisted.python import usage

from qabel.host.endpoints import ListenOn, parse_endpoint
from qabel.host.log_destination import DESTINATION, choose_destination, rotate_on_signal
from qabel.host.process_signals import ProcessSignals, end_quietly_on_interrupt
from qabel.host.start_errors import StartError, report_start_errors


class DaemonOptions(usage.Options):
    """The options that daemons have in common. A bad option is a StartError, not a usage page.

    A subclass sets ``name`` and ``default_listen``; after parsing, ``listen`` holds the endpoints.
    With ``needs_tls``, endpoints that other hosts can reach must be encrypted.
    """

    name = "daemon"
    needs_tls = False
    default_listen: Sequence[str] = ()

    optFlags: ClassVar[list[list[str | None]]] = [
        ["allow-remote", None, "Allow endpoints that other hosts can reach."],
        ["log-json", None, "Log in JSON, one object per line."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: list[ListenOn] = []

    def opt_listen(self, description: str) -> None:
        """Listen on this endpoint (tcp:PORT:interface=ADDRESS or unix:PATH). Repeatable."""
        self.listen.append(parse_endpoint(description))

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line. Raises StartError."""
        report_start_errors(self.name)
        end_quietly_on_interrupt()
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise StartError(f"{error} (see --help)") from None

    def postOptions(self) -> None:
        """Apply the defaults, and check that other hosts reach only what they may."""
        if not self.listen:
            self.listen = [parse_endpoint(description) for description in self.default_listen]
        for endpoint in self.listen:
            self._check_reachable(endpoint)
        if self.parent is not None:
            if self["log-json"] and (self.parent["syslog"] or self.parent["logger"]):
                raise StartError("--log-json cannot be combined with twistd's --syslog or --logger")
            choose_destination(self.parent, as_json=bool(self["log-json"]))

    def handle_signals(self, reactor: Any) -> None:
        """Handle signals as daemons do."""
        is_file = DESTINATION.file is not None
        signals = ProcessSignals(
            self.name,
            reactor,
            DESTINATION.reopen if is_file else None,
            None if self.parent is None else self.parent.get("pidfile"),
        )
        signals.install()
        reactor.callWhenRunning(rotate_on_signal, reactor)

    def _check_reachable(self, endpoint: ListenOn) -> None:
        if not endpoint.reachable:
            return
        where = f"{endpoint.description} is reachable from other hosts"
        if not self["allow-remote"]:
            raise StartError(f"{where}; pass --allow-remote if that is intended")
        if self.needs_tls and not endpoint.encrypted:
            raise StartError(
                f"{where} without encryption: others could read tokens and messages; use"
                " ssl:PORT:privateKey=FILE:certKey=FILE, or a TLS proxy in front of a loopback"
                " address"
            )

    def positive(self, option: str, kind: Callable[[str], Any] = float) -> Any:
        """Return an option's value as a number above zero. Raises StartError."""
        try:
            value = kind(self[option])
        except ValueError:
            value = 0
        if not 0 < value < 1e12:
            what = "whole number" if kind is int else "number"
            raise StartError(f"--{option} must be a {what} greater than 0, not {self[option]!r}")
        return value
