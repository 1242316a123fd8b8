"""What the commands for conversations say helps, when it is done as it stands."""

import re
from collections.abc import Callable

from tests.hints.person import Person
from tests.hints.printed import shows
from tests.integration.processes import wait_until

Come = Callable[..., Person]

CHAT = ("--module", "chat")


@shows(
    "cli/chat/chat.py: No conversations. Begin one: qabel chat CONTACT",
    "cli/chat/chat.py: Pass either CONTACT or --notes, not both",
    "cli/chat/conversation.py: Run: qabel identity new ALIAS",
    "cli/chat/conversation.py: Pass --identity",
)
def test_before_there_is_anything(person: Come, drop_server: str) -> None:
    """Who has no identity, or several, or nothing to read yet, is told what to do."""
    me = person()
    me.starts(options=CHAT)
    assert me.runs("server", "add", drop_server).status == 0
    said = me.types("qabel chat --notes </dev/null")
    me.follows(said.hint("qabel", "identity", "new"), ALIAS="Alice")
    assert me.runs("chat").hint("qabel", "chat").words == ("chat", "CONTACT")
    assert me.types("qabel chat Alice --notes </dev/null").status == 2
    assert me.types("echo Milk | qabel chat --notes").status == 0
    assert me.runs("identity", "new", "Second").status == 0
    assert me.types("qabel chat --notes </dev/null").status == 2
    assert me.types("qabel chat --notes --identity Alice </dev/null").status == 0


@shows(
    "cli/chat/requests.py: To answer: qabel requests accept ID",
    "cli/chat/requests.py: To be sure who it is: qabel contact verify id:X",
    "cli/chat/requests.py: To answer: qabel chat id:X",
    "cli/chat/requests.py: Run: qabel requests",
)
def test_a_request(person: Come, drop_server: str) -> None:
    """A stranger is accepted and answered as is said."""
    alice, bob = person("alice"), person("bob")
    alice.settles("Alice", drop_server)
    bob.starts(options=CHAT)
    assert bob.runs("identity", "new", "Bob").status == 1
    assert bob.runs("server", "add", drop_server).status == 0
    assert bob.runs("identity", "new", "Bob").status == 0
    assert bob.runs("settings", "set", "poll_interval", "0.5").status == 0
    card = bob.home / "bob.qco"
    assert bob.runs("identity", "card", "Bob", str(card)).status == 0
    assert alice.runs("contact", "import", str(card)).status == 0
    assert alice.runs("send", "Bob", "Hello").status == 0
    said = wait_until(
        lambda: ((found := bob.runs("requests")).text.count("Hello") and found) or None, "it"
    )
    [number] = re.findall(r"^([0-9a-f]+) ", said.text, re.MULTILINE)
    bob.follows(bob.runs("requests", "accept", "9999").hint("qabel", "requests"))
    accepted = bob.follows(said.hint("qabel", "requests", "accept"), ID=number)
    verify = accepted.hint("qabel", "contact", "verify")
    assert bob.types(f"qabel {' '.join(verify.words)} --yes").status == 0
    chat = accepted.hint("qabel", "chat")
    assert bob.types(f"echo Hi | qabel {' '.join(chat.words)}").status == 0
