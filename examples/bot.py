"""A bot that replies to messages: ``python examples/bot.py ALIAS``, with an identity's alias."""

import json
import os
import sys
import urllib.request
from pathlib import Path

URL = os.environ.get("QABEL_URL", "http://127.0.0.1:9696")
TOKEN = Path(os.environ.get("QABEL_DATA_DIR", ".run/daemon"), "api-token").read_text().strip()
CURSOR = Path("bot.cursor")  # the position of the bot in the event log


def request(path: str, body: object = None, **headers: str) -> tuple[list, str]:
    """Send a request to the daemon, and return its response and the cursor that this reaches."""
    headers |= {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    prepared = urllib.request.Request(URL + path, data, headers)
    with urllib.request.urlopen(prepared, timeout=90) as response:
        return json.loads(response.read() or "[]"), response.headers["X-Qabel-Latest"]


def reply(me: int, message: dict) -> None:
    """Reply to a message once, however often this is called for it. Ignore strangers."""
    if message["contact_id"] is not None:
        text = {"model_object": "chat", "data": {"msg": f"You said: {message['data'].get('msg')}"}}
        send = {"sender": me, "recipients": [message["contact_id"]], "drop_message": text}
        request("/drop", send, **{"Idempotency-Key": f"bot-{message['id']}"})


me = next(each["id"] for each in request("/identities")[0] if each["alias"] == sys.argv[1])
while True:
    cursor = CURSOR.read_text() if CURSOR.exists() else "0"
    messages, cursor = request(f"/drop?since={cursor}&identity={me}&model_object=chat&wait=60")
    for message in messages:
        reply(me, message)
    CURSOR.write_text(cursor)
