"""Start a daemon on port 9696 and a drop server on port 9697, and print how to use them.

This is what ``make run`` does. All data are in ``.run``; Ctrl-C stops it.
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
START_TIMEOUT = 30.0

WELCOME = """
Qabel is running at {url}, with a drop server at http://127.0.0.1:9697.
The access token is in {token}

Try, in another terminal:

  curl -H "Authorization: Bearer $(cat {token})" {url}/status
  curl -H "Authorization: Bearer $(cat {token})" {url}/synced
  curl -H "Authorization: Bearer $(cat {token})" {url}/identities

Ctrl-C stops it.
"""


def main() -> int:
    """Run the daemon until it ends, and return its exit status; stopping it is a success."""
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
    """Return whether the daemon responds, as soon as it does; False if it has ended."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            with urllib.request.urlopen(f"{URL}/health?live", timeout=1):
                return daemon.poll() is None
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main())
