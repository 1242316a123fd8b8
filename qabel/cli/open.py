"""``qabel open``: show the daemon's page for people in the user's browser."""

import html
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click
import platformdirs

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError

PATIENCE = 10.0
"""Seconds in which the browser is expected to come."""

INTERVAL = 0.2
"""Seconds between two looks whether it has come."""

TIME_TO_COPY = 60.0
"""Seconds that the file stays for a browser that is late: as long as the code can be used."""

PAGE = """\
<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>Qabel</title>
<p><a href="{url}">Open Qabel</a></p>
"""
"""What the browser opens: the code is not among the arguments of any process then."""

FAILED = """\
<!doctype html>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Qabel</title>
<h1>Qabel cannot be opened</h1>
<p>{message}.</p>
<p>{hint}</p>
"""
"""What the browser shows to somebody without a terminal, where errors would be seen."""

TIME_TO_SEE = 10.0
"""Seconds that the page with an error stays for the browser."""

FROM_MENU = ("GIO_LAUNCHED_DESKTOP_FILE", "DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN")
"""What desktops set for a program that was started from their menu."""


@click.command("open", cls=Command, short_help="Open Qabel in your browser.")
@click.option(
    "--print", "is_printed", is_flag=True, help="Print the address instead of opening a browser."
)
@pass_session
def open_page(session: Session, *, is_printed: bool) -> None:
    """Open the page of the daemon in your browser: conversations, people, settings.

    The address contains a code that lets one browser in, once, within a minute. On a machine that
    you use over ssh, pass --print, forward the port (ssh -L 9696:localhost:9696), and open the
    address in the browser of your own machine.
    """
    try:
        _open(session, is_printed=is_printed)
    except CommandError as error:
        if not is_printed and not sys.stderr.isatty() and any(map(os.environ.get, FROM_MENU)):
            message, hint = html.escape(error.message), html.escape(error.hint)
            with _file_with(FAILED.format(message=message, hint=hint)) as file:
                if _show(file):
                    time.sleep(TIME_TO_SEE)
        raise


def _open(session: Session, *, is_printed: bool) -> None:
    code = _new_code(session)
    url = code["url"]
    if is_printed:
        session.out.done(url, code)
        return
    before = _sessions(session)
    with _file_with(PAGE.format(url=html.escape(url))) as file:
        if not _show(file):
            session.out.done(url, code)
            session.out.note(
                "No browser can be opened from here. Open this address in one: it lets one "
                "browser in, once, within a minute"
            )
            return
        with session.out.progress("waiting for the browser"):
            came = _wait(session, before, PATIENCE)
        if came is None:
            session.out.line(url)
            session.out.note(
                "The browser has not come yet. If it shows no page, open this address yourself: "
                "it lets one browser in, once, within a minute. Press Ctrl-C to stop waiting"
            )
            came = _wait(session, before, TIME_TO_COPY - PATIENCE)
    if came is None:
        raise CommandError("No browser has come", hint="Try qabel open --print")
    session.out.done(f"Qabel is open in {came['name']}.", came)


def _new_code(session: Session) -> dict[str, Any]:
    """Return a code for a session, with the address that contains it."""
    try:
        code: dict[str, Any] = session.client.post("/console/codes")
    except CommandError as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        raise CommandError(
            "This daemon does not serve its page", hint="Start it without --no-console"
        ) from None
    return code


def _sessions(session: Session) -> dict[int, dict[str, object]]:
    return {each["id"]: each for each in session.client.get("/tokens")}


def _wait(
    session: Session, before: dict[int, dict[str, object]], seconds: float
) -> dict[str, object] | None:
    """Return the session that a browser has begun; None if none came in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        new = [each for key, each in _sessions(session).items() if key not in before]
        began = [each for each in new if each["ends"] is not None]
        if began:
            return began[-1]
        time.sleep(INTERVAL)
    return None


@contextmanager
def _file_with(page: str) -> Iterator[Path]:
    """Write a page for the user's own eyes; it is deleted at the end."""
    folder = _folder()
    file = folder / f"qabel-open-{secrets.token_hex(8)}.html"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandError(
            f"Cannot write {file}: {error.strerror}", hint="Try qabel open --print"
        ) from None
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(page)
        yield file
    finally:
        file.unlink(missing_ok=True)


def _folder() -> Path:
    """Return a folder that the browser can read: one in a snap sees no hidden ones."""
    if _is_snap():
        return Path.home()
    return Path(platformdirs.user_runtime_dir("qabel", appauthor=False))


def _is_snap() -> bool:
    """Return whether the usual browser seems to be in a snap."""
    if sys.platform != "linux" or not Path("/snap").is_dir():
        return False
    chosen = shlex.split(os.environ.get("BROWSER", "").split(os.pathsep)[0])
    if chosen:
        # What is in /usr/bin may be a script that starts the one in the snap.
        program = Path(shutil.which(chosen[0]) or chosen[0])
        return "snap" in program.parts or Path("/snap/bin", program.name).exists()
    asked = shutil.which("xdg-settings")
    if asked is None:
        return True
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(  # noqa: S603 - it is the one of the system
            [asked, "get", "default-web-browser"],
            capture_output=True, text=True, timeout=5, check=False,
        ).stdout  # fmt: skip
        # Programs of a snap are named SNAP_PROGRAM.desktop.
        return "_" in said
    return True


def _show(file: Path) -> bool:
    """Have the user's browser open a file; return False if there is none to be seen."""
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not has_display and "BROWSER" not in os.environ:
        return False
    # It takes its time, and no other command needs it.
    import webbrowser  # noqa: PLC0415

    return webbrowser.open(file.as_uri())
