"""What a shell is offered for the word that is being typed, and how each shell is told.

The script in the shell runs ``qabel`` with ``_QABEL_COMPLETE`` set to the name of the shell. zsh
and fish pass the words as arguments, the last of them as far as it is typed. bash passes its line
in ``COMP_LINE``, because it splits words at colons and equals signs, which belong to ours.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence

import click
from attrs import frozen
from click.shell_completion import CompletionItem, ShellComplete

from qabel.cli.completers import Completer, completer_of

LIMIT = 2.0
"""Seconds after which nothing is offered, whatever the daemon does."""

_OF_SHELL = ("file", "dir")
_QUOTES = "\"'"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,")


@frozen
class Suggestion:
    """A word that is offered, in whole, or what the shell is to complete itself after it.

    ``kind`` is ``plain``; ``open``, after which no space comes; ``file`` or ``dir``.
    """

    kind: str
    word: str
    meaning: str = ""


@frozen
class TypedWord:
    """The word before the cursor: what it means, and how it is written in bash."""

    text: str
    raw: str = ""

    @property
    def quote(self) -> str:
        """The quotation mark with which it begins, if any."""
        return self.raw[:1] if self.raw[:1] in _QUOTES else ""


def suggestions(command: click.Command, words: Sequence[str], typed: str) -> list[Suggestion]:
    """Return what can stand in the place of the last word.

    Args:
        command: the command ``qabel``.
        words: the words between its name and the last one.
        typed: the last word, as far as it is typed.

    """
    _attach(command)
    shell = ShellComplete(command, {}, "qabel", "")
    # What follows an equals sign is the value of an option.
    before = typed[: typed.find("=") + 1] if typed.startswith("--") else ""
    found: dict[str, Suggestion] = {}
    for each in shell.get_completions(list(words), typed):
        word = before + str(each.value)
        if word.isprintable():
            meaning = " ".join((each.help or "").split())
            found.setdefault(word, Suggestion(each.type, word, meaning))
    return list(found.values())


def _attach(command: click.Command, group: str = "") -> None:
    """Let each parameter complete its value as its name in the help says."""
    for parameter in command.params:
        completer = completer_of(group, parameter)
        if completer is not None and not isinstance(parameter.type, click.Choice):
            parameter.shell_complete = _matching(completer)  # type: ignore[assignment,method-assign]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            _attach(inner, name if isinstance(inner, click.Group) else group or name)


def _matching(completer: Completer) -> Callable[[click.Context, str], list[CompletionItem]]:
    """Return a completer that offers only what begins as the word does, in any letter case."""

    def complete(ctx: click.Context, typed: str) -> list[CompletionItem]:
        begin = typed.casefold()
        return [
            each
            for each in completer(ctx, typed)
            if each.type in _OF_SHELL or str(each.value).casefold().startswith(begin)
        ]

    return complete


def end_soon() -> None:
    """Let this process end without a word after ``LIMIT``, whatever it waits for."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, LIMIT)


def run_completion(command: click.Command, shell: str, arguments: Sequence[str]) -> str:
    """Return the answer to the script of a shell: a line for each suggestion, or nothing.

    Args:
        command: the command ``qabel``.
        shell: its name.
        arguments: those of the process.

    """
    try:
        lines = list(_answer(command, shell, arguments))
    except Exception:  # noqa: BLE001 - nobody who types a command wants to read of it
        return ""
    return "".join(f"{line}\n" for line in lines)


def _answer(command: click.Command, shell: str, arguments: Sequence[str]) -> Iterator[str]:
    if shell == "bash":
        words = split_line(os.environ.get("COMP_LINE", ""))
        typed = words.pop()
        found = suggestions(command, [each.text for each in words[1:]], typed.text)
        breaks = os.environ.get("COMP_WORDBREAKS", "")
        for each in found:
            yield f"{each.kind}\t{bash_word(each, typed, breaks)}"
        return
    *before, last = arguments or [""]
    if shell == "fish":
        last = split_line(last)[-1].text if last else ""
    for each in suggestions(command, before, last):
        yield f"{each.kind}\t{each.word}\t{each.meaning}"


def split_line(line: str) -> list[TypedWord]:
    """Return the words of an unfinished command line, the last of which may be empty."""
    words = [TypedWord("")]
    quote, at, is_word = "", 0, False
    while at < len(line):
        character, after = line[at], line[at + 1 : at + 2]
        word, added = words[-1], character
        if not quote and character.isspace():
            if is_word:
                words.append(TypedWord(""))
            is_word, at = False, at + 1
            continue
        is_word = True
        escapes = character == "\\" and quote != "'" and after
        if escapes and (not quote or after in '"\\$`'):
            character, added, at = after, character + after, at + 1
        elif quote == character or (not quote and character in _QUOTES):
            quote, character = ("" if quote else character), ""
        words[-1] = TypedWord(word.text + character, word.raw + added)
        at += 1
    return words


def bash_word(suggestion: Suggestion, typed: TypedWord, breaks: str) -> str:
    """Return a suggestion as bash needs it: quoted, and without what it keeps before it.

    Args:
        suggestion: what is offered.
        typed: the word before the cursor.
        breaks: the characters at which bash splits words; it replaces what follows the last.

    """
    word = suggestion.word
    if typed.quote == "'":
        return word.replace("'", "'\\''")
    if typed.quote:
        return "".join(f"\\{each}" if each in '"\\$`' else each for each in word)
    kept = max((typed.text.rfind(each) for each in ":=" if each in breaks), default=-1) + 1
    if word[:kept] == typed.text[:kept]:
        word = word[kept:]
    return "".join(each if each in _PLAIN or ord(each) > 127 else f"\\{each}" for each in word)
