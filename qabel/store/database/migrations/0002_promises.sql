-- Events say whom they are about, so that who is restricted to one identity hears of its sends.
ALTER TABLE events ADD COLUMN identity_id INTEGER;
UPDATE events SET identity_id =
    (SELECT identity_id FROM sends WHERE sends.id = json_extract(CAST(detail AS TEXT), '$.id'))
    WHERE kind = 'outbox';

-- It was written, and never read.
ALTER TABLE webhooks DROP COLUMN next_attempt;

-- Answers are the JSON that clients get; whether they were complete stood before them in brackets.
UPDATE idempotency SET answer = substr(answer, instr(answer, ']') + 1) WHERE answer IS NOT NULL;
