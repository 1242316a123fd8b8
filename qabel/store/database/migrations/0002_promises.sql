-- Events have the identity that they are about: clients restricted to it get events of its sends.
ALTER TABLE events ADD COLUMN identity_id INTEGER;
UPDATE events SET identity_id =
    (SELECT identity_id FROM sends WHERE sends.id = json_extract(CAST(detail AS TEXT), '$.id'))
    WHERE kind = 'outbox';

-- It was never read.
ALTER TABLE webhooks DROP COLUMN next_attempt;

-- Answers are the JSON that clients get, without the flag in brackets that stood before it.
UPDATE idempotency SET answer = substr(answer, instr(answer, ']') + 1) WHERE answer IS NOT NULL;
