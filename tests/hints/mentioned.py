"""Commands that are mentioned: in the texts of the code, in the documentation, in README."""

import argparse
import ast
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click
from attrs import frozen
from twisted.python import usage

from qabel import tap
from qabel.blockserver import tap as block_tap
from qabel.blockserver.block_commands import COMMANDS as BLOCK_COMMANDS
from qabel.cli import command
from qabel.dropserver import tap as drop_tap
from qabel.dropserver.command_list import COMMANDS as DROP_COMMANDS
from qabel.dropserver.command_list import load_command

ROOT = Path(__file__).parents[2]

_START = re.compile(
    r"(?<![\w/.$~\"'{-])(`{0,2}|\$ )\b(qabel(?:-(?:rest|drop|block))?)(?=[\s`,.;:)]|$)"
)
_WORD = re.compile(r"[ ]+(\"[^\"\n]*\"|'[^'\n]*'|[^\s|&;,`)]+)")
_INTRODUCES = re.compile(
    r"(?:\b(?:run|see|with|using|by|of|or|and|use|says in)\b|[:(>])\s*$|^\s*$", re.I
)


Parsers = Mapping[str, Callable[[], argparse.ArgumentParser]]
"""The parsers of a daemon's commands, by name."""

_DAEMONS: Mapping[str, tuple[usage.Options, Parsers]] = {
    "qabel-rest": (tap.Options(), {}),
    "qabel-drop": (drop_tap.Options(), {each: load_command(each).parser for each in DROP_COMMANDS}),
    "qabel-block": (
        block_tap.Options(),
        {
            each: import_module(f"qabel.blockserver.{each}_command").parser
            for each in BLOCK_COMMANDS
        },
    ),
}


@frozen
class Mention:
    """A command that is mentioned somewhere."""

    where: str
    program: str
    """``qabel``, ``qabel-rest``, ``qabel-drop`` or ``qabel-block``."""
    words: tuple[str, ...]
    """What follows the program, as far as it may belong to the command."""
    is_certain: bool
    """Whether it is a command, and not a sentence about the program."""

    def __str__(self) -> str:
        return f"{self.where}: {self.program} {' '.join(self.words)}"


def in_code() -> Iterator[Mention]:
    """Yield what the texts of the code mention."""
    for path in sorted((ROOT / "qabel").rglob("*.py")):
        if path.name == "completion_scripts.py":
            continue  # it has the languages of shells
        for line, text in _texts(ast.parse(path.read_text())):
            yield from _in_text(text, f"{path.relative_to(ROOT)}:{line}")


def in_documentation() -> Iterator[Mention]:
    """Yield what README, the pages and the examples mention."""
    pages = [ROOT / "README.rst", *sorted((ROOT / "docs").glob("*.rst"))]
    for path in [*pages, ROOT / "examples" / "run.py"]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield from _in_text(line, f"{path.relative_to(ROOT)}:{number}")


def wrong_in(mention: Mention) -> str | None:
    """Return what is wrong with a command, or None: its name, a subcommand or an option."""
    if not mention.is_certain:
        return None
    if mention.program != "qabel":
        return _wrong_for_daemon(*_DAEMONS[mention.program], mention.words)
    found: click.Command = command
    parts = [found]
    words = list(mention.words)
    while words:
        word = words.pop(0)
        if isinstance(found, click.Group) and re.fullmatch(r"[a-z][a-z-]*", word):
            inner = found.get_command(click.Context(found), word)
            if inner is None:
                return None if _is_prose(found, word) else f"no command {word!r}"
            found = inner
            parts.append(found)
        elif word == "X":
            return None  # what it is, is not known before the program runs
        elif word.startswith("-") and word not in ("-", "--"):
            name, equals, _ = word.partition("=")
            options = _options(parts)
            if name not in options:
                return f"no option {name}"
            if not equals and not options[name]:
                del words[:1]
    return None


def _wrong_for_daemon(
    options: usage.Options, parsers: Parsers, words: tuple[str, ...]
) -> str | None:
    known = {each.rstrip("=") for each in options.longOpt}
    if words and words[0] in parsers:
        actions = parsers[words[0]]()._actions
        known = {name[2:] for each in actions for name in each.option_strings}
        [act, *_] = [each for each in actions if not each.option_strings] or [None]
        given = words[1] if len(words) > 1 and not words[1].startswith("-") else None
        if act is not None and act.choices and given and given not in act.choices:
            return f"no command {words[0]} {given}"
    for word in words:
        name = word.removeprefix("--").partition("=")[0]
        if word.startswith("--") and name and name not in known:
            return f"no option --{name}"
    return None


def _is_prose(group: click.Group, word: str) -> bool:
    """Return whether a group can be run by itself, so that the sentence may go on after it."""
    return group is not command and group.invoke_without_command and len(word) > 1


def _options(parts: list[click.Command]) -> dict[str, bool]:
    """Return the options of commands, with whether each is a flag."""
    known = {"--help": True}
    for each in parts:
        for parameter in each.params:
            is_flag = isinstance(parameter, click.Option) and parameter.is_flag
            known |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), is_flag)
    return known


def _texts(tree: ast.AST, hole: str = "X") -> Iterator[tuple[int, str]]:
    """Yield all texts of a module; what is put into them at run time is a hole."""
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner.update(id(each) for each in ast.walk(node) if isinstance(each, ast.Constant))
            pieces = [
                each.value if isinstance(each, ast.Constant) else hole for each in node.values
            ]
            yield node.lineno, "".join(map(str, pieces))
        elif isinstance(node, ast.Constant) and id(node) not in inner:
            yield node.lineno, node.value if isinstance(node.value, str) else ""


def _in_text(text: str, where: str) -> Iterator[Mention]:
    # A line that begins with a command stands for itself.
    flat = re.sub(r"[ \t]*\n[ \t]*+(?!\n|qabel\b)", " ", text)
    for line in flat.split("\n"):
        for match in _START.finditer(line):
            is_certain = bool(match[1]) or _INTRODUCES.search(line[: match.start()]) is not None
            words = _words(line, match.end())
            if words or match[2] != "qabel":
                yield Mention(where, match[2], words, is_certain)


def _words(line: str, start: int) -> tuple[str, ...]:
    words: list[str] = []
    while (match := _WORD.match(line, start)) is not None:
        word, start = match[1], match.end()
        if word.startswith(("#", "(", "->", "qabel")) or word == "…":
            break
        bare = word if word[0] in "\"'" else word.rstrip(".:")
        words.append(bare)
        if bare != word:
            break
    return tuple(words)
