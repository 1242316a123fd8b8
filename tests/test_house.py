"""The house: names stand for one thing each, files and functions stay small, tests mirror it."""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "qabel").rglob("*.py"))

LONGEST_FILE = 300
LONGEST_FUNCTION = 45

TWISTD = {"Options"}
"""Names that twistd asks for, in each of its plugins."""

TESTED_ELSEWHERE = {
    "core/errors.py",
    "core/sending/views.py",
    "net/errors.py",
    "rest/http/services.py",
}
"""Modules of plain values: the tests of those that use them are tests of these too."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """Return a file's path from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    """Yield all that a file is made of."""
    return ast.walk(ast.parse(path.read_text("utf-8")))


def mirror_of(path: Path) -> Path:
    """Return the path of a module's tests."""
    below = path.relative_to(ROOT / "qabel")
    return ROOT / "tests" / below.parent / f"test_{below.name}"


def test_each_class_has_a_name_of_its_own() -> None:
    """No two classes of the program have the same name."""
    found = sorted(
        (node.name, name_of(path))
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
    )
    assert len(found) > 300
    groups = [(name, list(each)) for name, each in groupby(found, lambda pair: pair[0])]
    assert [each for name, each in groups if len(each) > 1 and name not in TWISTD] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    """A file has one subject, and a function fits a screen."""
    assert path.read_text("utf-8").count("\n") <= LONGEST_FILE
    long = [
        node.name
        for node in nodes(path)
        if isinstance(node, Function)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_each_module_has_a_file_of_tests() -> None:
    """The tests of a module with functions are where its name says."""
    untested = {
        path.relative_to(ROOT / "qabel").as_posix()
        for path in SOURCES
        if any(isinstance(node, Function) for node in nodes(path))
        and not path.name.startswith("__")
        and not mirror_of(path).exists()
    }
    assert untested == TESTED_ELSEWHERE
