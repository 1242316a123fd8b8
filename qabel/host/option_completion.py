"""What a shell is offered for the options of a daemon. Nothing here knows Qabel."""

from collections.abc import Iterator, Mapping, Sequence

from qabel.host.command_help import OptionHelp
from qabel.host.daemon_options import DaemonOptions
from qabel.host.shell_words import Suggestion

ENDPOINTS = {
    "tcp:": "a port",
    "unix:": "a socket in a file",
    "ssl:": "a port with TLS",
    "systemd:": "a socket that systemd has opened",
}

Values = Mapping[str, Mapping[str, str]]
"""The values that options can have, by the option, and what they mean."""


def option_suggestions(
    options: DaemonOptions, values: Values, words: Sequence[str], typed: str
) -> list[Suggestion]:
    """Return what can stand in the place of the last word of a daemon's command line.

    Args:
        options: those of the daemon.
        values: the values of options that have few. What ends in a colon goes on; after ``file:``,
            with the name of a file.
        words: the words between its name and the last one.
        typed: the last word, as far as it is typed.

    """
    known = {each.name: each for part in options.subjects.values() for each in part}
    return suggest_options(known, options.help_page().explanations, values, words, typed)


def suggest_options(
    known: Mapping[str, OptionHelp],
    explanations: Mapping[str, str],
    values: Values,
    words: Sequence[str],
    typed: str,
) -> list[Suggestion]:
    """Return what can stand in the place of the last word, of some options.

    Args:
        known: the options by their names.
        explanations: what each is for.
        values: the values of options that have few.
        words: the words before the last one.
        typed: the last word, as far as it is typed.

    """
    option, equals, begun = typed.partition("=")
    if equals and option.startswith("--"):
        named, before = known.get(option[2:]), option + equals
    else:
        last = words[-1] if words else ""
        named, before, begun = known.get(last[2:] if last.startswith("--") else ""), "", typed
    if named is not None and named.metavar:
        return list(_values(named, values.get(named.name, {}), before, begun))
    if equals or (typed and not typed.startswith("-")):
        return []
    return [
        Suggestion("plain", f"--{name}", explanations[name])
        for name in known
        if f"--{name}".startswith(typed)
    ]


def _values(
    option: OptionHelp, values: Mapping[str, str], before: str, begun: str
) -> Iterator[Suggestion]:
    if option.metavar in ("DIR", "FILE"):
        yield Suggestion("dir" if option.metavar == "DIR" else "file", before)
        return
    if option.metavar == "ENDPOINT":
        values = ENDPOINTS
    for value, meaning in values.items():
        takes_path = value.endswith(("file:", "unix:"))
        if takes_path and begun.startswith(value):
            yield Suggestion("file", before + value)
        elif value.startswith(begun):
            yield Suggestion("open" if value.endswith(":") else "plain", before + value, meaning)
