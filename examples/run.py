"""Start a daemon on port 9696 and a drop server on port 9697, and print how to use them.

This is what ``make run`` does. All data are in ``.run``; Ctrl-C stops it. It uses other ports with
PORT and DROP_PORT in the environment, as from ``make run PORT=9796``.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("QABEL_DATA_DIR", ROOT / ".run" / "daemon")).absolute()
PORT = os.environ.get("PORT") or "9696"
DROP_PORT = os.environ.get("DROP_PORT") or "9697"

COMMAND = "from qabel.daemon_commands import rest; rest()"
"""What the command ``qabel-rest`` does, also where it is not installed."""

WELCOME = """
Qabel is running at http://127.0.0.1:{port}, with a drop server at http://127.0.0.1:{drop_port}.

Try, in another terminal:

  export PATH={path}:"$PATH" QABEL_DATA_DIR={data}
  qabel open      # your conversations, in the browser
  qabel status
  qabel server list
  qabel --help

Programs use the REST API, with the token in {token}:

  curl -H "Authorization: Bearer $(cat {token})" http://127.0.0.1:{port}/status

Ctrl-C stops it.
"""

FAILED = """
Qabel did not start; the reason is above. If another daemon uses a port or the data directory, stop
it, or run beside it:

  QABEL_DATA_DIR={data}-2 make run PORT=9796 DROP_PORT=9797
"""


def main() -> int:
    """Run the daemon until it ends, and return its exit status; stopping it is a success."""
    DATA.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ["--data-dir", str(DATA), "--port", PORT]
    arguments += ["--drop-server", f"tcp:{DROP_PORT}:interface=127.0.0.1"]
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news,
    ):
        # The daemon itself says when it is ready, as it does to systemd: an answer on the port
        # could be another daemon's.
        address = str(Path(folder) / "ready")
        news.bind(address)
        daemon = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": address},
        )
        # A terminal interrupts the daemon too; asked twice in this way, it still stops cleanly.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: daemon.terminate())
        if is_ready(daemon, news):
            print(welcome(), flush=True)
            return daemon.wait()
    if daemon.returncode:
        print(FAILED.format(data=shlex.quote(str(DATA))), file=sys.stderr)
    return daemon.returncode


def is_ready(daemon: "subprocess.Popen[bytes]", news: socket.socket) -> bool:
    """Wait until the daemon says that it is ready, and return True; False if it has ended."""
    news.settimeout(0.1)
    while daemon.poll() is None:
        try:
            if b"READY=1" in news.recv(1000):
                return True
        except TimeoutError:
            continue
    return False


def welcome() -> str:
    """Return what to try."""
    return WELCOME.format(
        port=PORT,
        drop_port=DROP_PORT,
        path=shlex.quote(str(Path(sys.executable).parent)),
        data=shlex.quote(str(DATA)),
        token=shlex.quote(str(DATA / "api-token")),
    )


if __name__ == "__main__":
    sys.exit(main())
