"""A bot that answers what it is told: ``python examples/bot.py ALIAS``, for an identity's alias."""

import json
import os
import sys
import urllib.request
from pathlib import Path

URL = os.environ.get("QABEL_URL", "http://127.0.0.1:9696")
TOKEN = Path(os.environ.get("QABEL_DATA_DIR", ".run/daemon"), "api-token").read_text().strip()
PLACE = Path("bot.place")  # how far it has come in the inbox


def ask(path: str, body: object = None, **more: str) -> tuple[list, str]:
    """Ask the daemon; gives its answer, and the place in the inbox that the answer reaches to."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **more}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read() or "[]"), answer.headers["X-Qabel-Latest"]


def answer(me: int, message: dict) -> None:
    """Answer a message: once, however often this is called for it. Strangers get no answer."""
    if message["contact_id"] is not None:
        words = {"model_object": "chat", "data": {"msg": f"You said: {message['data'].get('msg')}"}}
        send = {"sender": me, "recipients": [message["contact_id"]], "drop_message": words}
        ask("/drop", send, **{"Idempotency-Key": f"bot-{message['id']}"})


me = next(each["id"] for each in ask("/identities")[0] if each["alias"] == sys.argv[1])
while True:
    place = PLACE.read_text() if PLACE.exists() else "0"
    messages, place = ask(f"/drop?since={place}&identity={me}&model_object=chat&wait=60")
    for message in messages:
        answer(me, message)
    PLACE.write_text(place)
