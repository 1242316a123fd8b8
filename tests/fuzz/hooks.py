"""What schemathesis is told of this API besides its contract."""

import os
from pathlib import Path
from typing import Any

import schemathesis

LONGEST_WAIT = 0.05


@schemathesis.auth(refresh_interval=None)
class MainToken:
    """Shows the main token, as it is at that moment: a request may have replaced it."""

    def get(self, case: Any, context: Any) -> str:
        """Read it."""
        return Path(os.environ["QABEL_FUZZ_TOKEN"]).read_text().strip()

    def set(self, case: Any, data: str, context: Any) -> None:
        """Show it."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Wait for no news: there will be none. Mostly ask for no version: nobody guesses one."""
    if len(str(case.headers.get("If-Match", ""))) % 4 != 3:
        case.headers.pop("If-Match", None)
    try:
        if float(case.query.get("wait", 0)) > LONGEST_WAIT:
            case.query["wait"] = str(LONGEST_WAIT)
    except (AttributeError, TypeError, ValueError):
        return
