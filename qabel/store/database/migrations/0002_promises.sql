-- Every id that an identity or a contact ever had, with the digest of its public key: an id is
-- never given to another one.
CREATE TABLE used_ids (
    kind TEXT NOT NULL CHECK (kind IN ('identities', 'contacts')),
    id INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (kind, id, digest)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'identities', item.value ->> 'id', key_digest(unhex(item.value ->> '$.keys.public_key'))
    FROM documents, json_each(CAST(body AS TEXT), '$.identities') AS item WHERE name = 'synced';
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'contacts', item.value ->> 'id', key_digest(unhex(item.value ->> '$.keys.public_key'))
    FROM documents, json_each(CAST(body AS TEXT), '$.contacts') AS item WHERE name = 'synced';
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'identities', identity_id, key_digest(receiver)
    FROM (SELECT DISTINCT identity_id, receiver FROM messages);
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'identities', identity_id, key_digest(sender)
    FROM (SELECT DISTINCT identity_id, sender FROM sends);
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'contacts', contact_id, key_digest(sender)
    FROM (SELECT DISTINCT contact_id, sender FROM messages WHERE contact_id IS NOT NULL);
INSERT OR IGNORE INTO used_ids (kind, id, digest)
    SELECT 'contacts', contact_id, key_digest(recipient)
    FROM (SELECT DISTINCT contact_id, recipient FROM deliveries WHERE contact_id IS NOT NULL);

-- The last id that the first version may have given: those up to it are not given again, even where
-- nothing is left of them.
CREATE TABLE given_ids (
    kind TEXT PRIMARY KEY CHECK (kind IN ('identities', 'contacts')),
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO given_ids (kind, last)
    SELECT kind, coalesce((SELECT max(id) FROM used_ids WHERE used_ids.kind = names.kind
        AND id < 2147483647), 0)
    FROM (SELECT 'identities' AS kind UNION ALL SELECT 'contacts') AS names;

-- Events have the identity and the send that they are about: clients restricted to an identity get
-- events of its sends, and the events go with what they are about.
ALTER TABLE events ADD COLUMN identity_id INTEGER;
ALTER TABLE events ADD COLUMN identity BLOB;
ALTER TABLE events ADD COLUMN send_id INTEGER;
UPDATE events SET send_id = json_extract(CAST(detail AS TEXT), '$.id') WHERE kind = 'outbox';
UPDATE events SET (identity_id, identity) =
    (SELECT identity_id, sender FROM sends WHERE sends.id = events.send_id)
    WHERE kind = 'outbox';
CREATE INDEX events_of_sends ON events (send_id) WHERE send_id IS NOT NULL;

-- A token for one identity is bound to the identity's key, and ends with it.
ALTER TABLE tokens ADD COLUMN identity BLOB;
UPDATE tokens SET identity = (
    SELECT unhex(item.value ->> '$.keys.public_key')
    FROM documents, json_each(CAST(body AS TEXT), '$.identities') AS item
    WHERE name = 'synced' AND item.value ->> 'id' = identity_id
        AND coalesce(item.value ->> 'deleted', 0) = 0)
    WHERE identity_id IS NOT NULL;
DELETE FROM tokens WHERE identity_id IS NOT NULL AND identity IS NULL;
-- The scope settings included what has scopes of its own now.
UPDATE tokens SET scopes = (
    SELECT json_group_array(value) FROM (
        SELECT value FROM json_each(tokens.scopes)
        UNION SELECT value FROM json_each('["contacts","keys","preferences","servers"]')))
    WHERE scopes LIKE '%"settings"%';

-- Consumers and idempotency keys belong to a token, or to the owner of the daemon (0). Each token
-- goes on from where it has read.
CREATE TABLE owned_consumers (
    owner INTEGER NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO owned_consumers (owner, name, seq, moved) SELECT 0, name, seq, moved FROM consumers;
INSERT INTO owned_consumers (owner, name, seq, moved)
    SELECT tokens.id, consumers.name, seq, moved FROM consumers, tokens;
DROP TABLE consumers;
ALTER TABLE owned_consumers RENAME TO consumers;

-- Answers are the JSON that clients get, without the flag in brackets that stood before it.
CREATE TABLE owned_idempotency (
    owner INTEGER NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,                        -- of the request that the key came with first
    send_id INTEGER NOT NULL,
    answer BLOB,
    created INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
INSERT INTO owned_idempotency (owner, key, digest, send_id, answer, created)
    SELECT owners.id, key, digest, send_id, substr(answer, instr(answer, ']') + 1),
        idempotency.created
    FROM idempotency, (SELECT 0 AS id UNION ALL SELECT id FROM tokens) AS owners;
DROP TABLE idempotency;
ALTER TABLE owned_idempotency RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (created);
CREATE INDEX idempotency_of_sends ON idempotency (send_id);

CREATE TRIGGER token_revoked AFTER DELETE ON tokens BEGIN
    DELETE FROM consumers WHERE owner = old.id;
    DELETE FROM idempotency WHERE owner = old.id;
END;

-- The token that a message was sent with; none for the owner of the daemon.
ALTER TABLE sends ADD COLUMN token_id INTEGER;
CREATE INDEX sends_by_token ON sends (token_id) WHERE token_id IS NOT NULL;

-- What is about a message or a send goes with it.
CREATE INDEX undelivered_by_seq ON undelivered (seq);
ALTER TABLE undelivered ADD COLUMN send_id INTEGER;
UPDATE undelivered SET send_id = json_extract(CAST(body AS TEXT), '$.id') WHERE kind = 'outbox';
CREATE INDEX undelivered_of_sends ON undelivered (send_id) WHERE send_id IS NOT NULL;
DELETE FROM undelivered WHERE send_id IS NOT NULL AND send_id NOT IN (SELECT id FROM sends);
DELETE FROM undelivered WHERE kind = 'drop' AND seq NOT IN (SELECT id FROM messages);
DELETE FROM events WHERE send_id IS NOT NULL AND send_id NOT IN (SELECT id FROM sends);
UPDATE idempotency SET answer = NULL WHERE send_id NOT IN (SELECT id FROM sends);

-- Of a deleted send only the digest of its request stays, so that a repeated key sends nothing.
CREATE TRIGGER send_deleted AFTER DELETE ON sends BEGIN
    UPDATE idempotency SET answer = NULL WHERE send_id = old.id;
    DELETE FROM events WHERE send_id = old.id;
    DELETE FROM undelivered WHERE send_id = old.id;
END;

-- What is kept of strangers is bounded: the bytes of JSON text that a message counts for, 0 for
-- contacts'. An id counts with all digits that it may have, and the comma of the list too.
ALTER TABLE messages ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN stranger_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET stranger = 1 + 19 + octet_length(format(
    '{"version":%d,"time_stamp":%d,"acknowledge_id":%s,"sender":"%s","receiver":"%s",'
    || '"model_object":%s,"data":%s,%s"id":,"received":%d,"identity_id":%d,"contact_id":null}',
    version, time_stamp, json_quote(acknowledge_id), hex(sender), hex(receiver),
    json_quote(model_object), data,
    CASE WHEN meta_data IS NULL THEN '' ELSE '"meta_data":' || meta_data || ',' END,
    received, identity_id)) WHERE contact_id IS NULL;
UPDATE state SET stranger_bytes = (SELECT coalesce(sum(stranger), 0) FROM messages);
CREATE INDEX messages_of_strangers ON messages (sender) WHERE stranger > 0;
DROP TRIGGER message_kept;
CREATE TRIGGER message_kept AFTER INSERT ON messages BEGIN
    UPDATE state SET messages = messages + 1, stranger_bytes = stranger_bytes + new.stranger;
END;
DROP TRIGGER message_deleted;
CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
    UPDATE state SET messages = messages - 1, stranger_bytes = stranger_bytes - old.stranger;
    DELETE FROM undelivered WHERE seq = old.id;
END;
CREATE TRIGGER stranger_known AFTER UPDATE OF stranger ON messages BEGIN
    UPDATE state SET stranger_bytes = stranger_bytes + new.stranger - old.stranger;
END;
-- A message that was not kept for a reason that may pass has a foreign hash, with what tells when
-- to look at it again: whose it is (1 a stranger's, 2 one of a stranger who introduced himself, 3 a
-- blocked sender's, 0 for all others), the bytes that it would count for, and a digest of its
-- receiver and sender.
ALTER TABLE foreign_hashes ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE foreign_hashes ADD COLUMN size INTEGER;
ALTER TABLE foreign_hashes ADD COLUMN pair BLOB;
CREATE INDEX refused_hashes ON foreign_hashes (refused, size, pair) WHERE refused > 0;
CREATE TABLE refused (
    kind INTEGER PRIMARY KEY,
    messages INTEGER NOT NULL
) STRICT;
INSERT INTO refused (kind, messages) VALUES (1, 0), (2, 0), (3, 0);
CREATE TRIGGER hash_refused AFTER INSERT ON foreign_hashes WHEN new.refused > 0 BEGIN
    UPDATE refused SET messages = messages + 1 WHERE kind = new.refused;
END;
CREATE TRIGGER refused_forgotten AFTER DELETE ON foreign_hashes WHEN old.refused > 0 BEGIN
    UPDATE refused SET messages = messages - 1 WHERE kind = old.refused;
END;

-- Keys whose messages are passed over, whether they are contacts or not.
CREATE TABLE blocked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;

-- next_attempt was never read.
ALTER TABLE webhooks DROP COLUMN next_attempt;
ALTER TABLE webhooks RENAME COLUMN place TO cursor;

-- Identities that were purged, and of which something is still to be deleted.
CREATE TABLE purges (
    key BLOB NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;

-- Queues are in the order of their deliveries, also when one moves to another drop URL.
DROP INDEX postings_in_line;
CREATE INDEX postings_in_line ON postings (url, recipient, delivery_id) WHERE state = 'queued';

-- The newest time stamp that each identity has used in a message or an acknowledgement: the daemon's
-- own rise strictly, also when the clock is set back.
CREATE TABLE time_stamps (
    sender BLOB PRIMARY KEY,
    newest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO time_stamps (sender, newest) SELECT sender, max(created) FROM sends GROUP BY sender;

-- Each start of the daemon that took a number of the journal: its random mark, and the last number
-- before it. What was written before has the id of the database as its mark, and comes first.
CREATE TABLE starts (
    first INTEGER PRIMARY KEY,
    mark TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO starts (mark, first) SELECT database_id, -1 FROM state;

-- How often a drop held a message, by a digest under a random key, for some days: copies that were
-- sealed for several drops of an identity are shown once. It stays when the message is deleted.
ALTER TABLE state ADD COLUMN copies_key BLOB;
UPDATE state SET copies_key = randomblob(32);
CREATE TABLE copies (
    digest BLOB NOT NULL,
    place BLOB NOT NULL,
    day INTEGER NOT NULL,
    receiver BLOB NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (digest, place, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX copies_by_day ON copies (day);

-- How a drop is being read beyond its cursor: JSON, whose meaning is up to the receiver.
ALTER TABLE drops ADD COLUMN progress TEXT;
