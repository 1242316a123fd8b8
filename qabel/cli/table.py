"""Tables for people: aligned by display width, and no wider than the terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from qabel.cli.text import clip, pad, visible, width

Row = Mapping[str, Any]
Styled = Callable[[str, str], str]
"""Adds a style, given by its name, to a text."""

GAP = "  "

NAME_WIDTH = 30
"""Display columns for an alias: one long alias should not push the other columns away."""


LEAST_WIDTH = 6
"""Display columns that a column of text has to have next to columns that stay whole."""


@frozen
class Column:
    """A column of a table: its title, the text of its cells, their style, and its largest width.

    One that ``stays`` whole is cut off only where the others would have nearly no space: ids, times
    and states say nothing when they are cut.
    """

    title: str
    cell: Callable[[Any], object]
    style: Callable[[Any], str] | None = None
    max_width: int | None = None
    stays: bool = field(default=False, kw_only=True)


def table_lines(
    items: Sequence[Row], columns: Sequence[Column], styled: Styled, terminal_width: int | None
) -> Iterator[str]:
    """Return the lines of a table, the titles first.

    With a terminal width, cells are cut off so that no line is wider. Without one (a pipe or a
    file), nothing is cut off, and a cell that is wider than its column sticks out in its own row.
    """
    cells = [[visible(str(column.cell(item))) for column in columns] for item in items]
    widths = _wanted_widths(cells, columns)
    if terminal_width is not None:
        available = terminal_width - len(GAP) * (len(columns) - 1)
        widths = fit_widths(widths, available, [column.stays for column in columns])

    def fitted(texts: Sequence[str]) -> list[str]:
        if terminal_width is not None:
            texts = [clip(text, size) for text, size in zip(texts, widths, strict=True)]
        padded = [pad(text, size) for text, size in zip(texts, widths, strict=True)]
        return [*padded[:-1], padded[-1].rstrip()]

    yield styled(GAP.join(fitted([column.title for column in columns])), "dim")
    for item, row in zip(items, cells, strict=True):
        styles = [column.style(item) if column.style else "" for column in columns]
        yield GAP.join(map(styled, fitted(row), styles)).rstrip()


def _wanted_widths(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> list[int]:
    """Return the width that each column would have if there were no end of space."""
    widths = []
    for column, texts in zip(columns, zip(*cells, strict=True), strict=True):
        widest = max(map(width, texts))
        if column.max_width is not None:
            widest = min(widest, column.max_width)
        widths.append(max(width(column.title), widest))
    return widths


def fit_widths(wanted: Sequence[int], available: int, stays: Sequence[bool] = ()) -> list[int]:
    """Return widths that add up to at most ``available``; narrow columns keep what they want.

    The others share what is left evenly. Each column has at least one display column.

    Args:
        wanted: the width that each column would like to have.
        available: what there is for all.
        stays: which columns keep what they want, if the others get ``LEAST_WIDTH`` each then.

    """
    widths = list(wanted)
    fixed = [index for index, is_fixed in enumerate(stays) if is_fixed]
    others = [index for index in range(len(wanted)) if index not in fixed]
    left = available - sum(wanted[index] for index in fixed)
    if left < sum(min(wanted[index], LEAST_WIDTH) for index in others):
        others, left = list(range(len(wanted))), available
    narrow_first = sorted(others, key=lambda index: wanted[index])
    for done, index in enumerate(narrow_first):
        widths[index] = max(min(wanted[index], left // (len(others) - done)), 1)
        left -= widths[index]
    return widths
