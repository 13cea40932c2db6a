-- A tracked table's rows are minted as they are written.
CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb);
INSERT INTO events VALUES (1, '{"event":"before"}');
SELECT precise.track('events', 'payload');
INSERT INTO events VALUES (2, '{"event":"click"}'), (3, '{"event":"click"}');
UPDATE events SET payload = '{"event":"mended"}' WHERE id = 1;
SELECT record_id, seen, proof_hash = precise_proof_hash(payload) AS is_of_row
FROM precise.proof LEFT JOIN events ON id::text = record_id
WHERE label = 'events' ORDER BY minted_at, record_id, seen, is_of_row;
SELECT source, state, pending, rejects FROM precise.status;
SELECT * FROM precise.verify_table('events');
DELETE FROM events WHERE id = 3;
DELETE FROM events WHERE id = 2;
SELECT finding, record_id FROM precise.verify_table('events');
-- Untracked, it is as it was.
SELECT precise.untrack('events');
INSERT INTO events VALUES (4, '{"event":"unseen"}');
SELECT count(*) FROM precise.proof WHERE record_id = '4';
