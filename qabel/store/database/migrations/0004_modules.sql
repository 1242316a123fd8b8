-- The journal has the messages that are sent, too, from when they are queued. Those of before stand
-- behind the messages that had been received by then, in the order of their ids.
ALTER TABLE sends ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
WITH merged (send_id, number, time) AS (
    SELECT NULL, id, received FROM messages UNION ALL SELECT id, NULL, created FROM sends
), placed (send_id, seq) AS (
    SELECT send_id, coalesce(max(number) OVER (ORDER BY time, send_id IS NOT NULL, send_id
        ROWS UNBOUNDED PRECEDING), 0) FROM merged
)
UPDATE sends SET seq = placed.seq FROM placed WHERE placed.send_id = sends.id;
CREATE INDEX sends_in_journal ON sends (seq, id);

-- Which modules there are or were, and how far each has read the journal.
CREATE TABLE modules (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 0,          -- of its own tables
    seq INTEGER NOT NULL DEFAULT 0,              -- the last entry that it has dealt with,
    part INTEGER NOT NULL DEFAULT 0,             -- and of entries with the same number, the last send
    live INTEGER NOT NULL,                       -- because of entries up to this one nothing is sent
    is_emptying INTEGER NOT NULL DEFAULT 0       -- its derived tables are to be emptied
) STRICT, WITHOUT ROWID;

-- Entries that a module could not deal with.
CREATE TABLE set_aside (
    module TEXT NOT NULL REFERENCES modules (name) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (module, seq, part)
) STRICT, WITHOUT ROWID;
