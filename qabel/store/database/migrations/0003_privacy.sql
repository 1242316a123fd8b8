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
