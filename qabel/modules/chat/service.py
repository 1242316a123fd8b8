"""What chat offers to other modules."""

from attrs import field, frozen

from qabel.modules.api import ModuleTools
from qabel.store.modules.entries import Read

_CONVERSATION = """
SELECT made.identity, made.contact, made.unread, coalesce(marked.muted, 0),
    (SELECT text FROM chat_messages WHERE conversation = made.id AND direction = 'in'
        ORDER BY seq DESC, part DESC LIMIT 1)
FROM chat_conversations AS made LEFT JOIN chat_marks AS marked ON marked.id = made.id
WHERE made.id = ?
"""

_IS_UNREAD = """
SELECT 1 FROM chat_messages AS message LEFT JOIN chat_marks AS marked
    ON marked.id = message.conversation
WHERE message.id = ? AND direction = 'in' AND seq > coalesce(read, 0)
"""


@frozen
class UnreadConversation:
    """What is unread in a conversation with a contact."""

    count: int
    """How many messages."""
    is_muted: bool
    name: str = field(repr=False)
    """What the contact is called."""
    text: str = field(repr=False)
    """The text of the newest message that was received."""


@frozen(eq=False)
class ChatService:
    """What chat offers to other modules, for their ``prepare``."""

    _tools: ModuleTools

    def unread(self, read: Read, conversation: str) -> UnreadConversation | None:
        """Return what is unread in a conversation.

        Args:
            read: runs statements.
            conversation: its id.

        Returns:
            None if there is no such conversation, or if it is not with a contact: what strangers
            write is no conversation, but a request.

        """
        for identity, contact, count, muted, text in read(
            _CONVERSATION, (bytes.fromhex(conversation),)
        ):
            for each in self._tools.people.contacts():
                if (each.identity, each.key) == (identity, contact):
                    return UnreadConversation(count, bool(muted), each.alias, text or "")
        return None

    def is_unread(self, read: Read, message_id: int) -> bool:
        """Return whether a message was received, and is not read yet."""
        return bool(read(_IS_UNREAD, (message_id,)))
