"""The table of troubles in the documentation: ``python -m tests.docs.trouble_table`` writes it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from qabel.core.status.troubles import TROUBLES

FILE = Path(__file__).parents[2] / "docs" / "troubles.csv"


def rows() -> Iterator[list[str]]:
    """Yield the table, with an x for what makes the daemon unhealthy."""
    yield ["Kind", "503", "What is wrong", "What to do"]
    for kind, row in TROUBLES.items():
        unhealthy = "x" if row.unhealthy_text else ""
        yield [f"``{kind}``", unhealthy, row.meaning, row.advice.rstrip(".") + "."]


def table() -> str:
    """Return the table as it is in the documentation."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows())
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(table())
