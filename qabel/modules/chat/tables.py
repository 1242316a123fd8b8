"""The tables of chat: what the journal tells, and what the user has marked."""

from qabel.modules.chat.search import TABLE

STEPS = (
    """
-- Derived -------------------------------------------------------------------------------------

-- Those that have messages. The id is a digest of the two keys; triggers keep the counts.
CREATE TABLE chat_conversations (
    id BLOB PRIMARY KEY,
    identity BLOB NOT NULL,
    contact BLOB NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    outgoing INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0           -- when, as chat_clock counts
) STRICT;

CREATE TABLE chat_messages (
    id INTEGER PRIMARY KEY,
    conversation BLOB NOT NULL,
    seq INTEGER NOT NULL,                        -- the place in the journal: the order of messages
    part INTEGER NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    message_id INTEGER REFERENCES messages ON DELETE CASCADE,
    send_id INTEGER REFERENCES sends ON DELETE CASCADE,
    sent INTEGER NOT NULL,                       -- the sender's time
    received INTEGER,
    text TEXT NOT NULL,
    reply_direction TEXT,                        -- whose message it is a reply to,
    reply_sent INTEGER,                          -- and when that was sent
    attachment TEXT,                             -- JSON: what is shown of a file
    odd_time INTEGER NOT NULL
) STRICT;
CREATE INDEX chat_messages_in_order ON chat_messages (conversation, seq, part, direction);
CREATE INDEX chat_messages_by_time ON chat_messages (conversation, sent, direction);
CREATE INDEX chat_messages_received ON chat_messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX chat_messages_sent ON chat_messages (send_id) WHERE send_id IS NOT NULL;

-- Own -----------------------------------------------------------------------------------------

-- What the user has done with a conversation.
CREATE TABLE chat_marks (
    id BLOB PRIMARY KEY,
    identity BLOB NOT NULL,
    contact BLOB NOT NULL,
    opened INTEGER,                              -- where the journal was, if it was opened
    read INTEGER NOT NULL DEFAULT 0,             -- messages up to this number are read
    muted INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    ignored INTEGER NOT NULL DEFAULT 0,
    draft TEXT,
    changed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Counts the changes of conversations. People are counted apart: one changes many conversations.
CREATE TABLE chat_clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    changed INTEGER NOT NULL,
    people INTEGER NOT NULL
) STRICT;
INSERT INTO chat_clock (only, changed, people) VALUES (1, 0, 0);

-- Whoever adds messages moves the clock before.
CREATE TRIGGER chat_message_added AFTER INSERT ON chat_messages BEGIN
    UPDATE chat_conversations SET
        messages = messages + 1,
        outgoing = outgoing + (new.direction = 'out'),
        unread = unread + (new.direction = 'in' AND new.seq > coalesce(
            (SELECT read FROM chat_marks WHERE id = new.conversation), 0)),
        changed = (SELECT changed FROM chat_clock)
        WHERE id = new.conversation;
END;
CREATE TRIGGER chat_message_deleted AFTER DELETE ON chat_messages BEGIN
    UPDATE chat_clock SET changed = changed + 1;
    UPDATE chat_conversations SET
        messages = messages - 1,
        outgoing = outgoing - (old.direction = 'out'),
        unread = unread - (old.direction = 'in' AND old.seq > coalesce(
            (SELECT read FROM chat_marks WHERE id = old.conversation), 0)),
        changed = (SELECT changed FROM chat_clock)
        WHERE id = old.conversation;
    DELETE FROM chat_conversations WHERE id = old.conversation AND messages <= 0;
END;

-- Of an identity that is purged nothing stays, also while the module is off.
CREATE TRIGGER chat_identity_purged AFTER INSERT ON purges BEGIN
    DELETE FROM chat_marks WHERE identity = new.key;
END;
""",
    TABLE,
    """
-- What was there before chat was is read. In an earlier chat that is not known any more.
ALTER TABLE chat_clock ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE chat_clock SET since = (SELECT last_seq FROM state)
    WHERE NOT EXISTS (SELECT 1 FROM chat_conversations);

DROP TRIGGER chat_message_added;
CREATE TRIGGER chat_message_added AFTER INSERT ON chat_messages BEGIN
    UPDATE chat_conversations SET
        messages = messages + 1,
        outgoing = outgoing + (new.direction = 'out'),
        unread = unread + (new.direction = 'in' AND new.seq > max(
            (SELECT since FROM chat_clock),
            coalesce((SELECT read FROM chat_marks WHERE id = new.conversation), 0))),
        changed = (SELECT changed FROM chat_clock)
        WHERE id = new.conversation;
END;
DROP TRIGGER chat_message_deleted;
CREATE TRIGGER chat_message_deleted AFTER DELETE ON chat_messages BEGIN
    UPDATE chat_clock SET changed = changed + 1;
    UPDATE chat_conversations SET
        messages = messages - 1,
        outgoing = outgoing - (old.direction = 'out'),
        unread = unread - (old.direction = 'in' AND old.seq > max(
            (SELECT since FROM chat_clock),
            coalesce((SELECT read FROM chat_marks WHERE id = old.conversation), 0))),
        changed = (SELECT changed FROM chat_clock)
        WHERE id = old.conversation;
    DELETE FROM chat_conversations WHERE id = old.conversation AND messages <= 0;
END;
CREATE INDEX chat_conversations_unread ON chat_conversations (id) WHERE unread > 0;
""",
    """
-- Derived: the parts of texts. What they say is where the inbox or the outbox has it.
CREATE TABLE chat_parts (
    id INTEGER PRIMARY KEY,                      -- as if it were a message of its own
    conversation BLOB NOT NULL,
    direction TEXT NOT NULL,
    part_id TEXT NOT NULL,                       -- of the text, as its sender has chosen it
    n INTEGER NOT NULL,
    total INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    message_id INTEGER REFERENCES messages ON DELETE CASCADE,
    send_id INTEGER REFERENCES sends ON DELETE CASCADE,
    sent INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    shown INTEGER                                -- the message that has it
) STRICT;
CREATE UNIQUE INDEX chat_parts_of_text ON chat_parts (conversation, direction, part_id, n);
CREATE INDEX chat_parts_received ON chat_parts (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX chat_parts_sent ON chat_parts (send_id) WHERE send_id IS NOT NULL;
CREATE INDEX chat_parts_shown ON chat_parts (shown) WHERE shown IS NOT NULL;
CREATE INDEX chat_parts_waiting ON chat_parts (conversation, direction, part_id, arrived)
    WHERE shown IS NULL;

ALTER TABLE chat_messages ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chat_messages ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0;

-- A text goes with any of its parts; what is left may be shown as an incomplete one.
CREATE TRIGGER chat_part_deleted AFTER DELETE ON chat_parts WHEN old.shown IS NOT NULL BEGIN
    DELETE FROM chat_messages WHERE id = old.shown;
    UPDATE chat_parts SET shown = NULL WHERE shown = old.shown;
END;

-- Own: where a text was shown of which parts were missing; a rebuild shows it there again.
CREATE TABLE chat_late (
    id INTEGER PRIMARY KEY,
    message_id INTEGER REFERENCES messages ON DELETE CASCADE,
    send_id INTEGER REFERENCES sends ON DELETE CASCADE,
    seq INTEGER NOT NULL
) STRICT;
CREATE INDEX chat_late_received ON chat_late (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX chat_late_sent ON chat_late (send_id) WHERE send_id IS NOT NULL;

-- Own: whether a second message with the same part was sent in place of the first.
CREATE TABLE chat_again (
    id INTEGER PRIMARY KEY,
    send_id INTEGER NOT NULL REFERENCES sends ON DELETE CASCADE,
    replaces INTEGER NOT NULL
) STRICT;
CREATE INDEX chat_again_sent ON chat_again (send_id);
""",
)

DERIVED = ("chat_words", "chat_parts", "chat_messages", "chat_conversations")
"""In this order: triggers change those behind, and words are not deleted one by one."""
