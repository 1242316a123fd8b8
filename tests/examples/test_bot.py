"""The bot of the tutorial: it answers once, also when it was away."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.client import Api
from tests.integration.processes import ROOT, Twistd, wait_until


def run_bot(directory: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start the bot for the identity Bot."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "bot.py"), "Bot"],
        cwd=directory,
        env={
            **os.environ,
            "QABEL_URL": f"http://127.0.0.1:{port}",
            "QABEL_DATA_DIR": str(directory / "data"),
        },
    )


def heard(api: Api, identity: int) -> list[str] | None:
    """Return what an identity has been told, if anything."""
    messages = api.good("GET", f"/drop?since=0&identity={identity}") or []
    return [message["data"]["msg"] for message in messages] or None


def test_the_bot_answers_each_message_once(tmp_path: Path) -> None:
    """Alice gets one answer to each message, and none twice when the bot is started anew."""
    with Twistd(
        tmp_path,
        "qabel-rest",
        f"--data-dir={tmp_path / 'data'}",
        "--listen=tcp:0:interface=127.0.0.1",
        "--drop-server=tcp:0:interface=127.0.0.1",
    ) as daemon:
        port = daemon.port("qabel-rest")
        daemon.wait_for(r"qabel-rest listens on .*rest\.sock")
        api = Api(tmp_path / "data")
        alice, bot = (
            api.good("POST", "/identities", {"alias": name})["id"] for name in ("A", "Bot")
        )
        for one, other in ((alice, bot), (bot, alice)):
            card = api.good("GET", f"/identities/{other}/contact")
            api.good("POST", f"/contacts/import?identity={one}", card)
        contact = next(c["id"] for c in api.good("GET", f"/contacts?identity={alice}"))
        answers = []
        for text in ("one", "two"):
            words = {"model_object": "chat", "data": {"msg": text}}
            api.good(
                "POST", "/drop", {"sender": alice, "recipients": [contact], "drop_message": words}
            )
            answers.append(f"You said: {text}")
            running = run_bot(tmp_path, port)
            try:
                wait_until(lambda: heard(api, alice) == answers or None, "the bot's answer")
            finally:
                running.kill()
                running.wait()
