-- What is refused, and how.
\set SHOW_CONTEXT never
SELECT precise_canonical('{"a":}');
\echo :SQLSTATE
SELECT precise_canonical('{"a":1e999}');
\echo :SQLSTATE
SELECT precise_proof_id('\x00');
\echo :SQLSTATE
SELECT precise.track('pg_catalog.pg_class');
SELECT precise.track('no_such_table');
CREATE TABLE strict (id bigint PRIMARY KEY, payload text);
SELECT precise.track('strict', 'no_such_column');
SELECT precise.track('strict', 'payload', on_reject => 'error');
INSERT INTO strict VALUES (1, '{"a":1'), (2, '{}');
SELECT count(*) FROM strict;
-- Kept instead, a row is noted.
SELECT precise.track('strict', 'payload', on_reject => 'keep');
INSERT INTO strict VALUES (1, '{"a":1'), (2, '{}');
SELECT record_id, code, message FROM precise.reject;
CALL precise.close_batch(max_leaves => 0);
-- Triggers need it.
\set VERBOSITY terse
DROP EXTENSION pg_precise;
