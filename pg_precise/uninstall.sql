-- Takes pg_precise out of a database: psql -X -d DATABASE -f uninstall.sql, as a superuser.
--
-- Tables are untracked and keep their rows. Proofs, batches and secrets are dropped: dump
-- precise.batch and precise.proof first if receipts are still to be given. If something of yours
-- uses the extension, such as an index on one of its functions, nothing is dropped, and the error
-- says what it is.
\set ON_ERROR_STOP on
BEGIN;

-- All triggers of the extension, also those of partitions that were detached since.
DO $$
DECLARE
    trigger_name name;
    tracked regclass;
BEGIN
    FOR trigger_name, tracked IN
        SELECT t.tgname, t.tgrelid::regclass
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = t.tgfoid
            AND d.deptype = 'e'
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_precise'
        WHERE t.tgparentid = 0
    LOOP
        EXECUTE pg_catalog.format('DROP TRIGGER %I ON %s', trigger_name, tracked);
    END LOOP;
END
$$;

DROP EXTENSION pg_precise;
COMMIT;

\echo 'pg_precise is gone from this database. Its roles belong to the whole server; once no other'
\echo 'database has the extension: DROP ROLE precise_minter, precise_committer, precise_auditor;'
