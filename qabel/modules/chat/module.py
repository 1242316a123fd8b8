"""The declaration of chat."""

from qabel.modules.api import Module
from qabel.modules.chat import conversations, hits, messages, requests
from qabel.modules.chat.payloads import KINDS
from qabel.modules.chat.prepare import prepare, tick
from qabel.modules.chat.service import ChatService
from qabel.modules.chat.subject import routes
from qabel.modules.chat.tables import DERIVED, STEPS

PARTS = (conversations, hits, messages, requests)
"""What adds routes to the subject, when it is imported."""

module = Module(
    name="chat",
    summary="Conversations with contacts, with both sides, and requests of strangers.",
    kinds=KINDS,
    takes_others=True,
    steps=STEPS,
    derived=DERIVED,
    routes=routes,
    service=ChatService,
    prepare=prepare,
    tick=tick,
)
