"""Hints in the texts of the code, and the situations that print them.

A test says with ``shows`` which hints its situation prints; the fixture ``shown`` sees that they
were printed while it ran, and `test_printed` that no hint of the code is left without a situation.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.hints.mentioned import ROOT, _in_text, _texts

LEFT_OUT = {"completion_scripts.py"}
"""Modules whose texts are in the languages of shells."""

_HELP = {"help", "short_help", "epilog"}

_OPTIONS = {"optFlags", "optParameters"}

_HELP_TEXT = "\n\x08\n"
"""Begins the texts below the help of a command."""

_DEED = re.compile(
    r"\b(?:[Pp]ass|[Uu]se|[Ss]ee|[Ww]ith|[Ww]ithout|or|out|[Cc]heck|[Rr]aise|[Aa]llow it:|add it:|"
    r"shorter|instead of|of them:|is intended|To write it to a file:|overwrite it:?)\s+"
    r"--[a-z][a-z-]+|\b(?:chmod|chown|systemctl|timedatectl|usermod|sudo|loginctl) [a-z0-9-]"
)
"""What somebody is to do that is no command of ours."""

_RUN_TIME = "\0"
_HOLE = re.compile(rf"\{{\w*\}}|{_RUN_TIME}")

shows = pytest.mark.shows
"""Marks a test with the hints that it prints, each by a part of its key that no other one has."""

printed: list[str] = []
"""What was printed since the test began."""


@frozen
class Hint:
    """A text of the code that says what to do."""

    key: str
    """Its file, and the text with ``X`` for what is put in at run time."""
    pattern: re.Pattern[str]

    def is_in(self, texts: Iterable[str]) -> bool:
        """Return whether it was printed."""
        return any(self.pattern.search(each) for each in texts)


def in_code() -> list[Hint]:
    """Return all hints of the code, but for docstrings and the texts of ``--help``."""
    found: dict[str, Hint] = {}
    for path in sorted((ROOT / "qabel").rglob("*.py")):
        if path.name not in LEFT_OUT:
            name = path.relative_to(ROOT / "qabel").as_posix()
            tree = ast.parse(path.read_text())
            left_out = set(_no_hints(tree))
            for line, full in _texts(tree, _RUN_TIME):
                text = full.replace(_RUN_TIME, "X")
                is_help = line in left_out or text.startswith(_HELP_TEXT)
                if not is_help and _says_what_to_do(text):
                    key = f"{name}: {text}"
                    found[key] = Hint(key, re.compile(_pattern(full)))
    return list(found.values())


def resolve(parts: Iterable[str], hints: Iterable[Hint]) -> list[Hint]:
    """Return the hints whose keys have these parts; fails if a part has none, or several."""
    hints = list(hints)
    found = []
    for part in parts:
        same = [each for each in hints if part in each.key]
        same = [each for each in same if each.key.endswith(part)] or same
        assert len(same) == 1, f"{part!r} is in the hints {[each.key for each in same]}"
        found += same
    return found


def declared() -> list[str]:
    """Return what the tests of this directory say they show."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            named = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and isinstance(named, ast.Name) and named.id == "shows":
                found += [each.value for each in node.args if isinstance(each, ast.Constant)]
    return [each for each in found if isinstance(each, str)]


def _says_what_to_do(text: str) -> bool:
    mentions = [
        each
        for each in _in_text(text, "")
        if each.is_certain and each.words and each.words != ("X",)
    ]
    return bool(mentions) or _DEED.search(text) is not None


def _no_hints(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of docstrings and of help."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value.lineno
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in _OPTIONS:
            yield from (each.lineno for each in ast.walk(node) if hasattr(each, "lineno"))
        elif isinstance(node, ast.keyword) and node.arg in _HELP:
            yield from (each.lineno for each in ast.walk(node.value) if hasattr(each, "lineno"))


def _pattern(text: str) -> str:
    """Return the pattern of a text that is printed: what is put in at run time is anything.

    Commands may have options of the program, and lines are broken anywhere.
    """
    words = text.strip().rstrip(".").split()
    parts = []
    for word in words:
        pieces = [re.escape(each) for each in _HOLE.split(word)]
        parts.append(r"[^\n]*?".join(pieces))
        if word.strip("`(") == "qabel":
            parts[-1] += r"(?: --(?:data-dir|url|token-file) (?:'[^']*'|\S+))*"
    start = r"(?<!\w)" if words[0][0].isalnum() else ""
    return start + r"\s+".join(parts)
