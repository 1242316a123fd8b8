"""What users and programs see of the outside, recorded: ``make golden`` writes it anew.

The files beside this one are looked at in a change as any other text is: what moves in them is what
people and programs will notice.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from qabel.blockserver.block_commands import COMMANDS as BLOCK_COMMANDS
from qabel.cli import command
from qabel.dropserver.command_list import COMMANDS as DROP_COMMANDS
from tests.integration.daemons import ANYWHERE, Daemon, eventually
from tests.integration.processes import ROOT, TWISTD

FOLDER = Path(__file__).parent

PLAIN = {"COLUMNS": "80", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PATH": os.environ["PATH"]}


def openapi(daemon: Daemon) -> str:
    """Return the contract, as a daemon serves it."""
    document = daemon.api.good("GET", "/openapi.json")
    document["info"]["version"] = "(of the package)"
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def metrics(daemon: Daemon) -> str:
    """Return the names, kinds, explanations and labels of all metrics, without their values."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", daemon.api.ask("GET", "/metrics").body)
    lines = text.splitlines()
    return "".join(
        (line if line.startswith("#") else line.rpartition(" ")[0]) + "\n" for line in lines
    )


def helps(_: Daemon) -> str:
    """Return all help texts: of the command with all it can do, and of the daemons with theirs."""
    qabel = "\n".join(_command_helps(command, "qabel"))
    drop = [("qabel-drop",), *(("qabel-drop", name) for name in DROP_COMMANDS)]
    block = [("qabel-block",), *(("qabel-block", name) for name in BLOCK_COMMANDS)]
    daemons = "\n".join(_daemon_help(*words) for words in (("qabel-rest",), *drop, *block))
    return f"{qabel}\n{daemons}"


def _command_helps(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[str]:
    settings = {**command.context_settings, "max_content_width": 80, "terminal_width": 80}
    context = click.Context(command, parent, info_name=name, **settings)
    yield f"$ {context.command_path} --help\n{command.get_help(context)}\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _command_helps(found, inner, context)


def _daemon_help(name: str, *words: str) -> str:
    done = subprocess.run(
        [*_daemon_command(name), *words, "--help"],
        cwd=ROOT,
        env=PLAIN,
        capture_output=True,
        text=True,
        check=True,
    )
    return f"$ {' '.join((name, *words))} --help\n{done.stdout}"


def _daemon_command(name: str) -> list[str]:
    """Return the command line of a daemon, as the script of an installation runs it."""
    function = name.removeprefix("qabel-")
    return [sys.executable, "-c", f"from qabel.daemon_commands import {function}; {function}()"]


CALLS: Mapping[str, str] = {
    "qabel --version": "",
    "qabel --help": "",
    "qabel nothing": "",
    "qabel send": "",
    "qabel --frob": "",
    "qabel status": "up",
    "qabel contact show nobody": "up",
    "qabel identity show nobody": "up",
    "qabel send nobody hello": "up",
    "qabel inbox --wait 0.01": "up",
    "qabel settings get nothing": "up",
    "qabel settings set poll_interval x": "up",
    "qabel outbox show 99": "up",
    "qabel token revoke 99": "up",
    "qabel backup ../x": "up",
    "qabel status --json": "down",
    "qabel identity list": "down",
    "qabel doctor": "down",
    "qabel key change": "down",
    "qabel-rest --frob": "",
    "qabel-rest --listen tcp:9": "",
    "qabel-rest --key nothing": "",
    "qabel-rest --data-dir /proc/1": "",
    "qabel-drop --quota x": "",
    "qabel-drop --log /dev/null/x": "",
    "qabel-drop check --data-dir /proc/1": "",
    "qabel-drop purge --since 2h": "",
    "qabel-drop purge --never-asked --since soon": "",
    "qabel-drop purge --never-asked --since 2h --data-dir /proc/1": "",
    "qabel-drop backup": "",
    "qabel-drop backup /dev/null --data-dir /proc/1": "",
    "qabel-drop restore /proc/1 --data-dir /proc/1": "",
    "qabel-block --max-body x": "",
    "qabel-block --listen tcp:0 --allow-remote": "",
    "qabel-block --data-dir /proc/1": "",
    "qabel-block token list": "",
    "qabel-block check": "",
    "qabel-block token": "",
    "qabel-block token new": "",
    "qabel-block token new anna --data-dir /proc/1": "",
    "qabel-block token new anna --quota x": "",
    "twistd -n qabel-rest --frob": "",
}
"""Command lines, and whether a daemon is up or down meanwhile where that matters."""


def statuses(daemon: Daemon) -> str:
    """Return the exit statuses of some calls that go well, and of more that do not."""
    nowhere = daemon.directory.with_name("nowhere")
    lines = []
    for call, state in CALLS.items():
        program, *arguments = call.split()
        if program == "qabel":
            command = [sys.executable, "-m", "qabel", *arguments]
        elif program == "twistd":
            command = [*TWISTD, "--pidfile=", *arguments]
        else:
            command = [*_daemon_command(program), *arguments]
        directory = daemon.directory if state == "up" else nowhere
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**PLAIN, "QABEL_DATA_DIR": str(directory), "HOME": str(nowhere)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        lines.append(f"{done.returncode:3}  {call}{f'   (daemon {state})' if state else ''}\n")
    return "".join(lines)


RECORDS: Mapping[str, Callable[[Daemon], str]] = {
    "openapi.json": openapi,
    "metrics.txt": metrics,
    "help.txt": helps,
    "statuses.txt": statuses,
}


def a_daemon(folder: Path) -> Daemon:
    """Return a daemon with a drop server beside it, an identity, and a message to itself."""
    daemon = Daemon(folder, "me", f"--drop-server={ANYWHERE}").up()
    daemon.api.good("POST", "/identities", {"alias": "Alice"})
    daemon.api.good("POST", "/identities", {"alias": "Bob"})
    card = daemon.api.good("GET", "/identities/2/contact")
    daemon.api.good("POST", "/contacts/import?identity=1", card)
    message = {"model_object": "chat", "data": {"msg": "hello"}}
    body = {"sender": 1, "recipients": [1], "drop_message": message}
    daemon.api.good("POST", "/drop", body)
    eventually(lambda: daemon.status()["drop_servers"][0]["last_success"])
    return daemon


def main() -> None:
    """Write all records."""
    with tempfile.TemporaryDirectory() as name, a_daemon(Path(name)) as daemon:
        for file, record in RECORDS.items():
            (FOLDER / file).write_text(record(daemon))


if __name__ == "__main__":
    main()
