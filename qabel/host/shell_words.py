"""What a program offers a shell for the word that is being typed, and how each shell is told.

The script in the shell runs the program with ``_QABEL_COMPLETE`` set to the name of the shell. zsh
and fish pass the words as arguments, the last of them as far as it is typed. bash passes its line
in ``COMP_LINE``, because it splits words at colons and equals signs, which belong to ours.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import frozen

VARIABLE = "_QABEL_COMPLETE"
"""The environment variable with which the scripts ask what to offer."""

LIMIT = 2.0
"""Seconds after which nothing is offered, whatever the program waits for."""

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


Suggest = Callable[[Sequence[str], str], Sequence[Suggestion]]
"""Returns what can stand in the place of the last word: takes the words before it, and that."""


def answer_shell(suggest: Suggest) -> None:
    """Answer the script of the shell that started this process, and end the process.

    Nothing is written if it takes longer than ``LIMIT``.
    """
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    text = answer(suggest, os.environ, sys.argv[1:])
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()
    sys.exit(0)


def answer(suggest: Suggest, environment: Mapping[str, str], arguments: Sequence[str]) -> str:
    """Return the answer to the script of a shell: a line for each suggestion, or nothing.

    Args:
        suggest: returns the suggestions.
        environment: that of the process, with the name of the shell.
        arguments: those of the process.

    """
    try:
        return "".join(f"{line}\n" for line in _lines(suggest, environment, arguments))
    except Exception:  # noqa: BLE001 - nobody who types a command wants to read of it
        return ""


def _lines(
    suggest: Suggest, environment: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[str]:
    if environment[VARIABLE] == "bash":
        words = split_line(environment.get("COMP_LINE", ""))
        typed = words.pop()
        breaks = environment.get("COMP_WORDBREAKS", "")
        for each in suggest([word.text for word in words[1:]], typed.text):
            yield f"{each.kind}\t{bash_word(each, typed, breaks)}"
        return
    *before, last = arguments or [""]
    if environment[VARIABLE] == "fish":
        last = split_line(last)[-1].text
    for each in suggest(before, last):
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
