"""``qabel contact import``: contacts out of files."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError
from qabel.cli.files import read_input
from qabel.cli.names import choosing_identity, identity_id
from qabel.cli.parameters import FILES, IDENTITY_OPTION
from qabel.cli.same_alias import warn_of_same_alias
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import count

_OUTCOME_STYLES = {"added": "green", "replaced": "green", "differs": "yellow", "refused": "red"}

_OUTCOMES = ("added", "same", "replaced", "differs", "refused")

MOST_LISTED = 5
"""Entries of a file that the error at the end of an import names."""

IMPORT_TIMEOUT = 300.0
"""Seconds without a byte from the daemon, which checks a whole file before it responds."""


@click.command("import", cls=Command)
@FILES
@IDENTITY_OPTION
@click.option("--replace", is_flag=True, help="Take new drop URLs of contacts that you have.")
@pass_session
def import_(
    session: Session, files: tuple[str, ...], identity: str | None, *, replace: bool
) -> None:
    """Import contacts from each FILE.

    FILE is a contact file (.qco), or the text of a QR code; with -, it is read from standard input.
    A file that cannot be imported does not keep the others out.

    A contact that you have already is not changed: if FILE has another alias or other drop URLs for
    it, it is listed as differs. Pass --replace to take the drop URLs; ask the contact first whether
    they are right. Your alias always stays. The exit status is 1 if any entry was refused or
    differs.
    """
    owner = identity_id(session.client, identity)
    outcomes: list[Mapping[str, Any]] = []
    failures: list[tuple[str, CommandError]] = []
    for file in dict.fromkeys(files):
        try:
            found = _import(session, file, owner, replace=replace)
        except _NotImported as error:
            failures.append((file, error.reason))
        else:
            outcomes += found if len(files) == 1 else [{"file": file, **each} for each in found]
    if len(files) == 1 and failures:
        raise failures[0][1]
    _show(session, outcomes, failures, has_many=len(files) > 1)
    same = shlex.join([*([] if identity is None else ["--identity", identity]), *files])
    hint = f"To take new drop URLs: qabel contact import --replace {same}"
    _summarize(session, outcomes, [file for file, _ in failures], hint)


class _NotImported(Exception):
    """A file could not be imported, for a reason of its own."""

    def __init__(self, reason: CommandError) -> None:
        super().__init__(reason.message)
        self.reason = reason


def _import(
    session: Session, file: str, owner: str | None, *, replace: bool
) -> Sequence[Mapping[str, Any]]:
    """Import a file, and return the outcomes. Raises _NotImported, or CommandError for all."""
    try:
        data = read_input(file)
    except CommandError as error:
        raise _NotImported(error) from None
    try:
        with choosing_identity(session.client), session.out.progress("importing"):
            found: Sequence[Mapping[str, Any]] = session.client.post_file(
                "/contacts/import",
                data,
                timeout=IMPORT_TIMEOUT,
                identity=owner,
                replace="1" if replace else None,
            )
    except CommandError as error:
        if error.http_status not in _OF_THE_FILE:
            raise
        raise _NotImported(error) from None
    return found


_OF_THE_FILE = (400, 413)
"""The statuses with which the daemon rejects a file, and not the request as such."""


def _show(
    session: Session,
    outcomes: Sequence[Mapping[str, Any]],
    failures: Iterable[tuple[str, CommandError]],
    *,
    has_many: bool,
) -> None:
    columns = [
        Column("NUMBER", lambda each: each["number"]),
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("OUTCOME", lambda each: each["outcome"], _style),
        Column("ID", lambda each: each.get("id", "-")),
        Column("REASON", _reason),
    ]
    if has_many:
        columns.insert(0, Column("FILE", lambda each: each["file"], None, NAME_WIDTH))
    session.out.rows(outcomes, columns, "No contacts in this file" if not has_many else "")
    for file, error in failures:
        if session.out.json:
            session.out.value({"file": file, "outcome": "failed", "reason": error.message})
        else:
            session.out.warning(f"{file}: {error.message.rstrip('.')}.")
    for each in outcomes:
        warn_of_same_alias(session, each)


def _summarize(
    session: Session, outcomes: Sequence[Mapping[str, Any]], failed: Sequence[str], hint: str
) -> None:
    """Print how many there are of each outcome. Raises CommandError unless all is well."""
    numbers = Counter(each["outcome"] for each in outcomes)
    text = ", ".join(f"{numbers[outcome]} {outcome}" for outcome in _OUTCOMES if numbers[outcome])
    total = count(len(outcomes), "contact")
    session.out.note(f"{total}: {text}" if text else "")
    parts = []
    if numbers["refused"] or numbers["differs"]:
        parts = [
            f"{numbers[outcome]} {what}"
            for outcome, what in (
                ("differs", "differ and were not changed"),
                ("refused", "refused"),
            )
            if numbers[outcome]
        ]
        parts[-1] += _listed(each for each in outcomes if each["outcome"] in ("differs", "refused"))
    message = f"Of {total}, {' and '.join(parts)}" if parts else ""
    if failed:
        wrong = f"{count(len(failed), 'file')} not imported: {', '.join(failed)}"
        message = f"{message}; {wrong}" if message else wrong
    if message:
        raise CommandError(message, hint=hint if numbers["differs"] else "")


def _listed(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Return the numbers and aliases of some entries, as a table may be long: ": 7 (Bob), …"."""
    names = [f"{each['number']} ({each['alias'] or 'no alias'})" for each in outcomes]
    more = ", …" if len(names) > MOST_LISTED else ""
    return f": {', '.join(names[:MOST_LISTED])}{more}"


def _reason(outcome: Mapping[str, Any]) -> str:
    """Return why an entry was refused, or how it differs from the contact."""
    known, card = outcome.get("known"), outcome.get("card")
    parts = [outcome["reason"]] if "reason" in outcome else []
    if known and card:
        if known["alias"] != card["alias"]:
            parts.append(f"you call it {known['alias']}")
        if card["drop_urls"] and set(known["drop_urls"]) != set(card["drop_urls"]):
            word = "had" if outcome["outcome"] == "replaced" else "has"
            old, new = _servers(known), _servers(card)
            parts.append(f"other drop URLs: {word} {old}, the file {new}")
    return "; ".join(parts)


def _servers(address: Mapping[str, Any]) -> str:
    """Return the servers of drop URLs: the rest of a URL is secret."""
    servers = [url.rpartition("/")[0] for url in address["drop_urls"]]
    return ", ".join(dict.fromkeys(servers)) or "none"


def _style(outcome: Mapping[str, Any]) -> str:
    return _OUTCOME_STYLES.get(outcome["outcome"], "")
