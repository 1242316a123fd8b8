"""An interrupt before there is anything to stop. Nothing here knows Qabel, or imports Twisted."""

import signal
from types import FrameType
from typing import NoReturn


def end_quietly_on_interrupt() -> None:
    """Make an interrupt end the process without a traceback, until the reactor runs."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_quietly)


def _end_quietly(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
