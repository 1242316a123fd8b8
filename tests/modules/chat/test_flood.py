"""Ten thousand messages of one stranger."""

from pathlib import Path
from urllib.parse import urlsplit

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Post, Retention
from tests.integration.daemons import Daemon, Pen, eventually, serving_drops

COUNT = 10_000


def flood(folder: Path, drop_id: str, receiver: str) -> str:
    """Fill a drop of a drop server that does not run; return the key of who wrote it all."""
    stranger = Pen()
    retention = Retention(drop_quota=10**9, quota=10**10)
    file = MessageFile(folder / "drops" / "drops.sqlite", retention)
    for start in range(0, COUNT, 1000):
        numbers = range(start, start + 1000)
        file.append(Post(drop_id, stranger.seal(receiver, f"No. {each}")) for each in numbers)
    file.close()
    return stranger.public


def test_one_request(tmp_path: Path) -> None:
    """They are one request, which goes when their sender is blocked."""
    with Daemon(tmp_path, "alice") as alice:
        with serving_drops(tmp_path) as server:
            card = alice.up().live(server)
            alice.process.stop()
        [url] = card["drop_urls"]
        stranger = flood(tmp_path, url.rpartition("/")[2], card["public_key"])
        with serving_drops(tmp_path, urlsplit(server).port or 0):
            api = alice.again().api

            def unread() -> int:
                found = api.good("GET", "/chat/requests")["requests"]
                assert len(found) <= 1
                return int(found[0]["unread"]) if found else 0

            eventually(lambda: unread() == COUNT, lambda: f"{unread()} of {COUNT}")
            [request] = api.good("GET", "/chat/requests")["requests"]
            assert request["public_key"] == stranger
            assert request["last"]["text"] == f"No. {COUNT - 1}"
            assert api.good("GET", "/chat/conversations")["conversations"] == []
            api.good("POST", "/blocked", {"public_key": stranger})
            assert api.good("GET", "/chat/requests")["requests"] == []
