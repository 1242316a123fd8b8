"""Logging that the database cannot be used: once, and not for each message that cannot be stored.

Otherwise the logs of an outage would fill the disk.
"""

from typing import ClassVar

from attrs import define, field
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.dropserver.postgresql.link import DatabaseAway


@define(eq=False)
class Outages:
    """Logs the first failure of several in a row, and the first success after them.

    What fails is of a kind, such as reading. The outage that it begins ends when something of this
    kind succeeds: what is of another kind says nothing, as messages can often be read when none can
    be stored.

    Args:
        text: what is logged, before the reason.

    """

    _text: str
    _kind: str | None = field(default=None, init=False)
    """Of what failed first; None while there is no outage."""

    _log: ClassVar = Logger()

    def failed(self, kind: str, error: BaseException) -> None:
        """Note a failure; called by any thread."""
        if self._kind is not None:
            return
        self._kind = kind
        if isinstance(error, DatabaseAway):
            self._log.error("{text}: {said}", text=self._text, said=str(error))
        else:
            self._log.failure("{text}", Failure(error), text=self._text)

    def succeeded(self, kind: str) -> None:
        """Note a success; called by any thread."""
        if self._kind == kind:
            self._kind = None
            self._log.info("The database can be used again.")
