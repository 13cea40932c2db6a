-- Proofs that wait go into batches, each into one.
CREATE TABLE orders (id bigint PRIMARY KEY, payload jsonb);
SELECT precise.track('orders', 'payload');
INSERT INTO orders SELECT i, jsonb_build_object('order', i) FROM generate_series(1, 100) AS i;
CALL precise.close_batch('orders');
CALL precise.close_batch('orders');
SELECT label, count, state, entry::jsonb ->> 'kind' AS kind,
    batch_root = (SELECT precise_merkle_root(proof_hash) FROM precise.proof WHERE label = 'orders')
        AS is_of_proofs
FROM precise.batch WHERE label = 'orders';
-- There is no receipt before the log has the batch.
SELECT precise.receipt(precise_proof_hash('{"order":7}')) IS NULL AS waits;
SET ROLE precise_committer;
UPDATE precise.batch
SET state = 'committed', log_origin = 'example.com/log', log_index = 0,
    tlog_proof = 'c2sp.org/tlog-proof@v1', checkpoint = 'example.com/log', committed_at = now()
WHERE label = 'orders';
-- The entry is the minter's.
UPDATE precise.batch SET entry = '{}';
RESET ROLE;
SELECT precise.receipt(precise_proof_hash('{"order":7}')) ->> 'tlog_proof' AS tlog_proof;
-- A limit cuts a set.
INSERT INTO orders SELECT i, jsonb_build_object('order', i) FROM generate_series(101, 200) AS i;
CALL precise.close_batch('orders', max_leaves => 60);
SELECT count(*) > 1 AS was_cut, sum(count) FROM precise.batch
WHERE label = 'orders' AND part IS NOT NULL;
