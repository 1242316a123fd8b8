"""The command line options that daemons have in common, and how they end a process when bad."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from twisted.python import usage

from qabel.host.json_logs import log_json
from qabel.host.listening import ListenOn, parse_endpoint
from qabel.host.start_errors import StartError, report_start_errors


class DaemonOptions(usage.Options):
    """The options that daemons have in common. A bad option is a StartError, not a usage page.

    A subclass sets ``name`` and ``default_listen``; after parsing, ``listen`` holds the endpoints.
    With ``needs_tls`` other hosts may come in only by endpoints that encrypt.
    """

    name = "daemon"
    needs_tls = False
    default_listen: Sequence[str] = ()

    optFlags: ClassVar[list[list[str | None]]] = [
        ["allow-remote", None, "Allow --listen with endpoints that other hosts can reach."],
        ["log-json", None, "Log in JSON: an object in each line."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.listen: list[ListenOn] = []

    def opt_listen(self, description: str) -> None:
        """Listen on this endpoint, as tcp:PORT:interface=ADDRESS or unix:PATH. Repeatable."""
        self.listen.append(parse_endpoint(description))

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line; raises StartError."""
        report_start_errors(self.name)
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise StartError(f"{error} (see --help)") from None

    def postOptions(self) -> None:
        """Fill in where to listen, and refuse what other hosts can reach unless it is allowed."""
        if not self.listen:
            self.listen = [parse_endpoint(description) for description in self.default_listen]
        for place in self.listen:
            if place.reachable and not self["allow-remote"]:
                raise StartError(
                    f"{place.description} can be reached from other hosts; give --allow-remote too"
                    " if it should be"
                )
            if self.needs_tls and place.reachable and not place.encrypted:
                raise StartError(
                    f"{place.description} can be reached from other hosts, and everybody between"
                    " could read tokens and messages; use ssl:PORT:privateKey=FILE:certKey=FILE,"
                    " or a proxy with TLS before a loopback address"
                )
        if self["log-json"] and self.parent is not None:
            if self.parent["syslog"] or self.parent["logger"]:
                raise StartError("--log-json goes with none of twistd's --syslog and --logger")
            log_json(self.parent)

    def positive(self, option: str, kind: Callable[[str], Any] = float) -> Any:
        """Give an option's value as a number above zero; raises StartError."""
        try:
            value = kind(self[option])
        except ValueError:
            value = 0
        if not 0 < value < 1e12:
            what = "whole number" if kind is int else "number"
            raise StartError(f"--{option} must be a {what} above zero, not {self[option]!r}")
        return value
