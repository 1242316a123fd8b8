"""What a message is marked with: a part that has not come, and a time that cannot be right."""

from pathlib import Path

from tests.browser.conftest import Come, moved
from tests.browser.people import bubble, pair, talk

HOUR = 3600


def test_marks(someone: Come, drop_server: str, tmp_path: Path) -> None:
    """Half a text is shown as such after an hour, and the whole later; odd clocks are named."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    alice, bob = pair(someone, drop_server, environment=moved(clock))
    page = talk(alice, "Bob")
    [contact] = bob.api.good("GET", "/contacts")

    def send(number: int, text: str) -> None:
        data = {"msg": text, "part": {"id": "abc", "n": number, "of": 2}}
        message = {"model_object": "box_message", "data": data}
        body = {"sender": contact["identity_id"], "recipients": [contact["id"]]}
        bob.api.good("POST", "/drop", {**body, "drop_message": message})

    send(1, "The first half, ")
    bob.says("Something else")
    bubble(page, "Something else").wait_for()
    assert bubble(page, "The first half").count() == 0
    alice.one.dies()
    clock.write_text(f"{2 * HOUR}")
    alice.one.starts()
    half = bubble(page, "The first half")
    half.get_by_text("A part of this message has not arrived yet.").wait_for()
    send(2, "and the second.")
    bubble(page, "The first half, and the second.").wait_for()
    page.get_by_text("A part of this message").wait_for(state="detached")
    assert page.locator(".message").count() == 2

    bob.one.dies()
    bob.one.environment.clear()
    bob.one.starts()
    clock.write_text(f"{80 * HOUR}")
    bob.says("From my clock's past")
    odd = bubble(page, "From my clock's past")
    odd.get_by_text("which cannot be right").wait_for()
