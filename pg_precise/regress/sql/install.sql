-- What CREATE EXTENSION makes.
CREATE EXTENSION pg_precise;
SELECT count(*) FROM pg_roles WHERE rolname LIKE 'precise\_%';
SELECT relname FROM pg_class
WHERE relnamespace = 'precise'::regnamespace AND relkind IN ('r', 'v') ORDER BY relname;
-- Nobody may read secrets by default, and everyone may use the functions.
SELECT has_table_privilege('precise_auditor', 'precise.subject_secret', 'SELECT');
SELECT has_function_privilege('public', 'precise_proof_hash(jsonb)', 'EXECUTE');
-- It is there once.
CREATE EXTENSION pg_precise;
