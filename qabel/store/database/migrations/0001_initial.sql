-- Times are milliseconds since the epoch. Keys of people are 32 bytes. JSON is kept as text.

-- One row: the identity of the database, and counts that would be slow to compute.
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    database_id TEXT NOT NULL,
    last_seq INTEGER NOT NULL DEFAULT 0,         -- the newest number in the journal; none is used twice
    floor INTEGER NOT NULL DEFAULT 0,            -- events up to this number have expired
    messages INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0,           -- deliveries of messages, without acknowledgements
    sent INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO state (only, database_id) VALUES (1, lower(hex(randomblob(8))));

CREATE TABLE documents (
    name TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The journal consists of this table and `messages`, whose ids are in the same sequence.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    detail BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    moved INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Receiving -----------------------------------------------------------------------------------

CREATE TABLE drops (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL UNIQUE,
    owners TEXT NOT NULL,                        -- the identities that the foreign hashes are foreign to
    cursor TEXT,
    last_read INTEGER,
    last_full_read INTEGER,
    last_pruned INTEGER
) STRICT;

-- Hashes of our own messages, from all drops: kept forever.
CREATE TABLE own_hashes (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Hashes of messages in one drop that none of its owners can open.
CREATE TABLE foreign_hashes (
    drop_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    day INTEGER NOT NULL,                        -- since the epoch: about when the server last sent it
    PRIMARY KEY (drop_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    time_stamp INTEGER NOT NULL,
    acknowledge_id TEXT NOT NULL,
    sender BLOB NOT NULL,
    receiver BLOB NOT NULL,
    model_object TEXT NOT NULL,
    data TEXT NOT NULL,
    meta_data TEXT,
    received INTEGER NOT NULL,
    identity_id INTEGER NOT NULL,
    contact_id INTEGER
) STRICT;
-- Each filter has its index, which also has the id to continue from.
CREATE INDEX messages_by_identity ON messages (identity_id);
CREATE INDEX messages_by_identity_and_model ON messages (identity_id, model_object);
CREATE INDEX messages_by_contact ON messages (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX messages_by_contact_and_model ON messages (contact_id, model_object)
    WHERE contact_id IS NOT NULL;
CREATE INDEX messages_by_model ON messages (model_object);

CREATE TRIGGER message_kept AFTER INSERT ON messages BEGIN
    UPDATE state SET messages = messages + 1;
END;
CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
    UPDATE state SET messages = messages - 1;
END;

-- Sending -------------------------------------------------------------------------------------

CREATE TABLE sends (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'acknowledgement')),
    sender BLOB NOT NULL,
    identity_id INTEGER NOT NULL,
    model_object TEXT NOT NULL,
    acknowledge_id TEXT NOT NULL,
    message BLOB,                                -- JSON: what was sent, for its sender to see
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX sends_listed ON sends (id) WHERE kind = 'message';
CREATE INDEX sends_by_identity ON sends (identity_id) WHERE kind = 'message';
CREATE INDEX acknowledgements_by_age ON sends (created) WHERE kind = 'acknowledgement';

-- A send to one of its recipients.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    send_id INTEGER NOT NULL REFERENCES sends ON DELETE CASCADE,
    kind TEXT NOT NULL,
    sender BLOB NOT NULL,
    recipient BLOB NOT NULL,
    contact_id INTEGER,
    acknowledge_id TEXT NOT NULL,
    sealed BLOB,                                 -- the box; deleted once it is settled
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    reason TEXT,
    created INTEGER NOT NULL,
    settled INTEGER,
    acknowledged INTEGER
) STRICT;
CREATE INDEX deliveries_of_send ON deliveries (send_id);
CREATE INDEX deliveries_queued ON deliveries (created) WHERE state = 'queued' AND kind = 'message';
CREATE INDEX deliveries_settled ON deliveries (settled)
    WHERE kind = 'message' AND settled IS NOT NULL;
CREATE INDEX deliveries_to_acknowledge ON deliveries (recipient, acknowledge_id)
    WHERE acknowledge_id <> '0' AND kind = 'message';

CREATE TRIGGER delivery_added AFTER INSERT ON deliveries WHEN new.kind = 'message' BEGIN
    UPDATE state SET queued = queued + 1;
END;
CREATE TRIGGER delivery_changed AFTER UPDATE OF state ON deliveries
    WHEN new.kind = 'message' AND old.state <> new.state BEGIN
    UPDATE state SET
        queued = queued + (new.state = 'queued') - (old.state = 'queued'),
        sent = sent + (new.state = 'sent') - (old.state = 'sent'),
        failed = failed + (new.state = 'failed') - (old.state = 'failed');
END;
CREATE TRIGGER delivery_deleted AFTER DELETE ON deliveries WHEN old.kind = 'message' BEGIN
    UPDATE state SET
        queued = queued - (old.state = 'queued'),
        sent = sent - (old.state = 'sent'),
        failed = failed - (old.state = 'failed');
END;

-- A delivery to one drop URL of its recipient. Postings to the same URL are posted in order: only
-- the first queued one has a next_attempt.
CREATE TABLE postings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    url TEXT NOT NULL,
    recipient BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'posted', 'refused')),
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER
) STRICT;
CREATE INDEX postings_of_delivery ON postings (delivery_id);
CREATE INDEX postings_in_line ON postings (url, recipient) WHERE state = 'queued';
CREATE INDEX postings_due ON postings (next_attempt) WHERE next_attempt IS NOT NULL;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,                        -- of the request that the key came with first
    send_id INTEGER NOT NULL,
    answer BLOB,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created);

-- Clients and webhooks ------------------------------------------------------------------------

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,                        -- JSON list
    digest BLOB NOT NULL UNIQUE,
    identity_id INTEGER,
    created INTEGER NOT NULL,
    last_used INTEGER
) STRICT;

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    kinds TEXT NOT NULL,                         -- JSON list
    place INTEGER NOT NULL,
    created INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER,
    last_error TEXT,
    last_success INTEGER
) STRICT;

CREATE TABLE undelivered (
    webhook_id INTEGER NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    error TEXT NOT NULL,
    given_up INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, seq)
) STRICT, WITHOUT ROWID;
