"""How the command ends: its exit statuses, and the error that it reports in one line."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class ExitStatus(IntEnum):
    """The exit statuses, as ``qabel --help`` lists them."""

    OK = 0
    FAILURE = 1
    """The daemon rejected the request, or something is broken."""
    USAGE = 2
    UNREACHABLE = 3
    """No daemon is reachable."""
    NOT_FOUND = 4
    TIMED_OUT = 5
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CommandError(Exception):
    """Why a command failed; ``hint`` says what the user can do about it.

    The texts may contain text of strangers: only ``visible`` makes them fit for a terminal.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        exit_status: ExitStatus = ExitStatus.FAILURE,
        http_status: int = 0,
        problem: Mapping[str, Any] | None = None,
        path: str = "",
    ) -> None:
        """Create it; ``http_status`` and ``problem`` are the daemon's, if it responded.

        ``path`` is that of the request.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_status = exit_status
        self.http_status = http_status
        self.problem = problem or {}
        self.path = path


def wrong_keys(error: CommandError) -> list[str]:
    """Return the keys at which the daemon found something wrong."""
    errors = error.problem.get("errors")
    found = errors if isinstance(errors, list) else []
    return [str(each.get("key")) for each in found if isinstance(each, dict)]


def not_found(message: str, hint: str = "") -> CommandError:
    """Return the error for something that does not exist."""
    return CommandError(message, hint=hint, exit_status=ExitStatus.NOT_FOUND)


def usage_error(message: str, hint: str = "") -> CommandError:
    """Return the error for a command line that makes no sense."""
    return CommandError(message, hint=hint, exit_status=ExitStatus.USAGE)
