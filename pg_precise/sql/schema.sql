-- What stands behind the functions: the schema of their steps and tables.

DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
            MESSAGE = 'this database does not hold its text as UTF-8',
            DETAIL = 'Proofs are made of UTF-8, and text that was converted may not be what was sent.',
            HINT = 'Use a database with ENCODING ''UTF8''.';
    END IF;
END
$$;

CREATE SCHEMA precise;
COMMENT ON SCHEMA precise IS 'Precise: what stands behind its functions.';
GRANT USAGE ON SCHEMA precise TO PUBLIC;
