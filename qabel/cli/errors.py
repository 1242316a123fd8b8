"""How the command ends: its exit statuses, and what goes wrong as one line with a hint."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """The exit statuses, as ``qabel --help`` tells them."""

    OK = 0
    REFUSED = 1
    """The daemon said no."""
    USAGE = 2
    UNREACHABLE = 3
    """There is no daemon to talk to."""
    NOT_FOUND = 4
    """What was named is not there."""
    NOT_YET = 5
    """It has not happened in the time that was given."""
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CommandError(Exception):
    """Why a command cannot do what it was asked; ``hint`` says what the user can do about it.

    The texts may hold what came from others: whoever shows them makes them harmless.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: Exit = Exit.REFUSED,
        status: int = 0,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        """Make it; ``status`` and ``problem`` are what the daemon answered, if it did."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.status = status
        self.problem = problem or {}


def not_found(message: str, hint: str = "") -> CommandError:
    """Make the error that says that something is not there."""
    return CommandError(message, hint=hint, code=Exit.NOT_FOUND)


def usage(message: str, hint: str = "") -> CommandError:
    """Make the error that says that the command was called in a way that makes no sense."""
    return CommandError(message, hint=hint, code=Exit.USAGE)
