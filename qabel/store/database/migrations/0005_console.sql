-- Sessions of the console are tokens that end when they are not used for a while.
ALTER TABLE tokens ADD COLUMN idle INTEGER;      -- milliseconds without use; NULL: it does not end so

-- The key with which the daemon proves to the console that it is no other program.
CREATE TABLE console (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    proof_key BLOB NOT NULL
) STRICT;

-- Acknowledgements that say instead that there is no module for a message.
ALTER TABLE acknowledgements ADD COLUMN is_refusal INTEGER NOT NULL DEFAULT 0;

-- The push service whose interface a webhook has; NULL for calls with the entry as JSON.
ALTER TABLE webhooks ADD COLUMN preset TEXT;

-- What is to be deleted, as far as it is still there.
CREATE TABLE deletions (
    message_id INTEGER UNIQUE REFERENCES messages ON DELETE CASCADE,
    send_id INTEGER UNIQUE REFERENCES sends ON DELETE CASCADE
) STRICT;

-- Messages of modules are stored before they are sealed.
CREATE INDEX deliveries_unsealed ON deliveries (sender, recipient)
    WHERE sealed IS NULL AND state = 'queued';

-- A key may have led to several sends, whose ids follow one another.
ALTER TABLE idempotency ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
CREATE INDEX idempotency_of_several ON idempotency (send_id) WHERE count > 1;
DROP TRIGGER send_deleted;
CREATE TRIGGER send_deleted AFTER DELETE ON sends BEGIN
    UPDATE idempotency SET answer = NULL WHERE send_id = old.id;
    UPDATE idempotency SET answer = NULL
        WHERE count > 1 AND send_id < old.id AND send_id > old.id - 1000
        AND send_id + count > old.id;
    DELETE FROM events WHERE send_id = old.id;
    DELETE FROM undelivered WHERE send_id = old.id;
END;
