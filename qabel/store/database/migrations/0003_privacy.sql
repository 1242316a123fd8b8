-- Introductions -------------------------------------------------------------------------------

-- Whose messages each identity has opened, by the digest of the sender's key: they know the
-- identity, which need not introduce itself to them. It stays when messages and contacts go.
CREATE TABLE heard_from (
    identity BLOB NOT NULL,
    sender BLOB NOT NULL,
    PRIMARY KEY (identity, sender)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO heard_from (identity, sender)
    SELECT receiver, key_digest(sender) FROM (SELECT DISTINCT receiver, sender FROM messages);
INSERT OR IGNORE INTO heard_from (identity, sender)
    SELECT sender, key_digest(recipient)
    FROM (SELECT DISTINCT sender, recipient FROM deliveries WHERE acknowledged IS NOT NULL);

-- Whether the message to a recipient introduces its sender. Answers that are kept say so, too.
ALTER TABLE deliveries ADD COLUMN introduced INTEGER NOT NULL DEFAULT 0;
UPDATE idempotency SET answer = CAST(json_set(CAST(answer AS TEXT), '$.recipients', (
    SELECT json_group_array(json_set(value, '$.introduced', json('false')))
    FROM json_each(CAST(idempotency.answer AS TEXT), '$.recipients'))) AS BLOB)
    WHERE answer IS NOT NULL;

-- Acknowledgements -------------------------------------------------------------------------------

-- How many acknowledgements each contact of an identity may get: a bucket of tokens, by when it is
-- full again. Times are those of a schedule that goes on from the time of day at each start.
CREATE TABLE acknowledgement_pairs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity BLOB NOT NULL,
    contact BLOB NOT NULL,
    full_at INTEGER NOT NULL DEFAULT 0,
    paused_until INTEGER NOT NULL DEFAULT 0,     -- after a failure
    failures INTEGER NOT NULL DEFAULT 0,         -- in a row
    next INTEGER,                                -- when the first that waits may be sent
    UNIQUE (identity, contact)
) STRICT;
CREATE INDEX acknowledgements_next ON acknowledgement_pairs (next) WHERE next IS NOT NULL;

-- Acknowledgements that wait. They are made and sealed when they are sent.
CREATE TABLE acknowledgements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pair_id INTEGER NOT NULL REFERENCES acknowledgement_pairs ON DELETE CASCADE,
    acknowledge_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    since INTEGER NOT NULL,                      -- when its time was drawn, last
    delay INTEGER NOT NULL,                      -- the time that was drawn, after that
    due INTEGER NOT NULL,                        -- the same, moved by another draw at each start
    refusals INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX acknowledgements_of_pair ON acknowledgements (pair_id, due);
CREATE INDEX acknowledgements_by_creation ON acknowledgements (created);

ALTER TABLE state ADD COLUMN acknowledgements_given_up INTEGER NOT NULL DEFAULT 0;

-- Those that waited as sends: each is due at the start, which draws a time for it.
INSERT INTO acknowledgement_pairs (identity, contact)
    SELECT DISTINCT sender, recipient FROM deliveries
    WHERE kind = 'acknowledgement' AND state = 'queued';
INSERT INTO acknowledgements (pair_id, acknowledge_id, created, since, delay, due)
    SELECT pairs.id, acknowledge_id, created, created, 0, created
    FROM deliveries JOIN acknowledgement_pairs AS pairs
        ON identity = sender AND contact = recipient
    WHERE kind = 'acknowledgement' AND state = 'queued' ORDER BY deliveries.id;
-- Where there were none, the tables are as new.
DELETE FROM sqlite_sequence WHERE seq = 0
    AND name IN ('acknowledgement_pairs', 'acknowledgements');
DELETE FROM sends WHERE kind = 'acknowledgement';
DROP INDEX acknowledgements_by_age;
-- Messages that waited behind them are the next.
UPDATE postings SET next_attempt = unixepoch() * 1000
    WHERE next_attempt IS NULL AND state = 'queued' AND NOT EXISTS
        (SELECT 1 FROM postings AS other WHERE other.url = postings.url
        AND other.recipient = postings.recipient AND other.state = 'queued'
        AND other.delivery_id < postings.delivery_id);
