"""Start a daemon on port 9696 with a drop server beside it, and say how to talk to it.

This is what ``make run`` does. Everything is kept in ``.run``; Ctrl-C ends it.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("QABEL_DATA_DIR", ROOT / ".run" / "daemon"))
URL = "http://127.0.0.1:9696"
PATIENCE = 30.0

WELCOME = """
Qabel is running at {url}, with a drop server of its own at http://127.0.0.1:9697.
The token that lets you in is in {token}

Try, in another terminal:

  curl -H "Authorization: Bearer $(cat {token})" {url}/status
  curl -H "Authorization: Bearer $(cat {token})" {url}/synced
  curl -H "Authorization: Bearer $(cat {token})" {url}/identities

Ctrl-C stops it.
"""


def main() -> int:
    """Run until somebody stops it, which is a success; else gives the daemon's exit status."""
    DATA.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
    command += ["-n", "--pidfile=", "qabel-rest", "--data-dir", str(DATA)]
    command += ["--drop-server", "tcp:9697:interface=127.0.0.1"]
    daemon = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: daemon.terminate())
    try:
        if is_up(daemon):
            print(WELCOME.format(url=URL, token=DATA / "api-token"), flush=True)
        status = daemon.wait()
    except KeyboardInterrupt:
        daemon.terminate()
        status = daemon.wait()
    return 0 if status == -signal.SIGTERM else status


def is_up(daemon: "subprocess.Popen[bytes]") -> bool:
    """Wait until the daemon answers, or has ended."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and daemon.poll() is None:
        try:
            with urllib.request.urlopen(f"{URL}/health?live", timeout=1):
                return daemon.poll() is None
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main())
