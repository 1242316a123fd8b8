"""The statements for what chat makes of single messages, and of changes of conversations."""

TICK = "UPDATE chat_clock SET changed = changed + 1"

CONVERSATION = "INSERT OR IGNORE INTO chat_conversations (id, identity, contact) VALUES (?, ?, ?)"

# Only if what it is about is still there: it may have been deleted after it was read.
_MESSAGE = """
INSERT INTO chat_messages (id, conversation, seq, part, direction, {column}, sent, received, text,
    reply_direction, reply_sent, attachment, odd_time)
SELECT :id, :conversation, :seq, :part, :direction, :source, :sent, :received, :text,
    :reply_direction, :reply_sent, :attachment, :odd_time
WHERE EXISTS (SELECT 1 FROM {table} WHERE id = :source)
"""
RECEIVED = _MESSAGE.format(table="messages", column="message_id")
SENT = _MESSAGE.format(table="sends", column="send_id")

EMPTY = "DELETE FROM chat_conversations WHERE id = ? AND messages = 0"

TOUCH = """
UPDATE chat_conversations SET changed = (SELECT changed FROM chat_clock) WHERE id = ?
"""

PEOPLE = "UPDATE chat_clock SET people = max(people, ?)"

FIND = """
SELECT chat_messages.id, conversation, parts FROM chat_messages
JOIN chat_conversations ON chat_conversations.id = conversation
WHERE send_id = ? AND contact = ?
"""
