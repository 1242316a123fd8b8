"""The page that a daemon's ``--help`` prints, with its options by subject.

Nothing here knows Qabel.
"""

import shutil
import textwrap
from collections.abc import Iterable, Mapping

from attrs import frozen

WIDEST = 80
"""Columns of the page, on a terminal that has more."""

COLUMN = 28
"""Where the explanations begin; an option that is longer has a line of its own."""


@frozen
class OptionHelp:
    """What the page says about one option."""

    name: str
    """Without the dashes."""
    metavar: str = ""
    """The name of its value; empty for a flag."""
    short: str = ""
    """Its letter; empty if it has none."""


@frozen(kw_only=True)
class HelpPage:
    """A page of help."""

    program: str
    description: str
    subjects: Mapping[str, Iterable[OptionHelp]]
    explanations: Mapping[str, str]
    """What each option is for, by its name."""
    tables: Mapping[str, Mapping[str, str]]
    """What comes after the options: headings, with words and their explanations."""

    def text(self, width: int | None = None) -> str:
        """Return the page as text.

        Args:
            width: columns. Default: those of the terminal, and 80 at most.

        """
        columns = width or min(WIDEST, shutil.get_terminal_size().columns)
        parts = [f"Usage: {self.program} [options]", textwrap.fill(self.description, columns)]
        parts.append(self.options(columns))
        for heading, rows in self.tables.items():
            longest = max(map(len, rows))
            lines = [_row(name, text, longest + 4, columns) for name, text in rows.items()]
            parts.append("\n".join([f"{heading}:", *lines]))
        return "\n\n".join(parts)

    def options(self, columns: int) -> str:
        """Return the part with the options, by subject."""
        return "\n\n".join(
            "\n".join([f"{subject}:", *(self._option(each, columns) for each in options)])
            for subject, options in self.subjects.items()
        )

    def _option(self, option: OptionHelp, columns: int) -> str:
        shown = f"--{option.name} {option.metavar}".rstrip()
        if option.short:
            shown = f"-{option.short}, {shown}"
        return _row(shown, self.explanations[option.name], COLUMN, columns)


def _row(name: str, text: str, column: int, columns: int) -> str:
    """Return a row: a name, and its explanation in a column of its own."""
    indent = " " * column
    first = f"  {name}".ljust(column)
    wrapped = textwrap.wrap(
        text,
        max(columns, column + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    if len(first) > column - 2 and first.rstrip() == first:
        return "\n".join([first, *wrapped])
    return "\n".join([first + wrapped[0].removeprefix(indent), *wrapped[1:]])
