-- Cohorts and attribution as PostgreSQL likes them: arrays for indexes, rows for queries, and the
-- rule sets that sources go by.

CREATE FUNCTION precise_cohort_id_array(signals text, rules text) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(text, text) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals text, rules json) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(text, json) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals text, rules jsonb) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(text, jsonb) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals json, rules text) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(json, text) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals json, rules json) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(json, json) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals json, rules jsonb) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(json, jsonb) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals jsonb, rules text) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(jsonb, text) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals jsonb, rules json) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(jsonb, json) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

CREATE FUNCTION precise_cohort_id_array(signals jsonb, rules jsonb) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_cohort_id_array';
COMMENT ON FUNCTION precise_cohort_id_array(jsonb, jsonb) IS
    'precise_cohort_ids as an array: a GIN index on it finds the records of a cohort.';

-- The next are inlined where they stand in FROM: without settings and not STRICT, with the schema of
-- each name.


CREATE FUNCTION precise_contribution_rows(event text, policy text)
    RETURNS TABLE (
        contributor text, signal_type text, weight_ppm bigint, amount numeric, currency text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
    AS $$
    SELECT r.contributor, r.signal_type, r.weight_ppm, r.amount, r.currency
    FROM pg_catalog.json_to_recordset(@extschema@.precise_contributions($1, $2)) AS r (
        contributor pg_catalog.text, signal_type pg_catalog.text, weight_ppm pg_catalog.int8,
        amount pg_catalog.numeric, currency pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_contribution_rows(text, text) IS
    'precise_contributions as rows: one for each contributor.';

CREATE FUNCTION precise_contribution_rows(event json, policy text)
    RETURNS TABLE (
        contributor text, signal_type text, weight_ppm bigint, amount numeric, currency text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
    AS $$
    SELECT r.contributor, r.signal_type, r.weight_ppm, r.amount, r.currency
    FROM pg_catalog.json_to_recordset(@extschema@.precise_contributions($1, $2)) AS r (
        contributor pg_catalog.text, signal_type pg_catalog.text, weight_ppm pg_catalog.int8,
        amount pg_catalog.numeric, currency pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_contribution_rows(json, text) IS
    'precise_contributions as rows: one for each contributor.';

CREATE FUNCTION precise_contribution_rows(event jsonb, policy text)
    RETURNS TABLE (
        contributor text, signal_type text, weight_ppm bigint, amount numeric, currency text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
    AS $$
    SELECT r.contributor, r.signal_type, r.weight_ppm, r.amount, r.currency
    FROM pg_catalog.json_to_recordset(@extschema@.precise_contributions($1, $2)) AS r (
        contributor pg_catalog.text, signal_type pg_catalog.text, weight_ppm pg_catalog.int8,
        amount pg_catalog.numeric, currency pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_contribution_rows(jsonb, text) IS
    'precise_contributions as rows: one for each contributor.';

CREATE FUNCTION precise_credit_rows(credits text)
    RETURNS TABLE (
        cohort text, credit numeric, value numeric, removal_effect double precision, method text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
    AS $$
    SELECT r.cohort, r.credit, r.value, r.removal_effect, r.method
    FROM pg_catalog.json_to_recordset($1::pg_catalog.json) AS r (
        cohort pg_catalog.text, credit pg_catalog.numeric, value pg_catalog.numeric,
        removal_effect pg_catalog.float8, method pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_credit_rows(text) IS
    'What precise_attribution, precise_markov_solve, precise_shapley or precise_touch_credit gives, '
    'as rows; NULL where it says nothing.';

CREATE FUNCTION precise_credit_rows(credits json)
    RETURNS TABLE (
        cohort text, credit numeric, value numeric, removal_effect double precision, method text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
    AS $$
    SELECT r.cohort, r.credit, r.value, r.removal_effect, r.method
    FROM pg_catalog.json_to_recordset($1) AS r (
        cohort pg_catalog.text, credit pg_catalog.numeric, value pg_catalog.numeric,
        removal_effect pg_catalog.float8, method pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_credit_rows(json) IS
    'What precise_attribution, precise_markov_solve, precise_shapley or precise_touch_credit gives, '
    'as rows; NULL where it says nothing.';

CREATE FUNCTION precise_credit_rows(credits jsonb)
    RETURNS TABLE (
        cohort text, credit numeric, value numeric, removal_effect double precision, method text
    )
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
    AS $$
    SELECT r.cohort, r.credit, r.value, r.removal_effect, r.method
    FROM pg_catalog.jsonb_to_recordset($1) AS r (
        cohort pg_catalog.text, credit pg_catalog.numeric, value pg_catalog.numeric,
        removal_effect pg_catalog.float8, method pg_catalog.text
    )
    $$;
COMMENT ON FUNCTION precise_credit_rows(jsonb) IS
    'What precise_attribution, precise_markov_solve, precise_shapley or precise_touch_credit gives, '
    'as rows; NULL where it says nothing.';

CREATE FUNCTION precise.keep_ruleset() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND (NEW.label, NEW.version, NEW.rules::text, NEW.ruleset_hash, NEW.added_at)
            IS NOT DISTINCT FROM
            (OLD.label, OLD.version, OLD.rules::text, OLD.ruleset_hash, OLD.added_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = pg_catalog.format(
            'version %s of rule set %L stays as it is', OLD.version, OLD.label
        ),
        HINT = 'Audiences name its hash. Add another version: precise.add_ruleset(label, rules).';
END
    $$;
COMMENT ON FUNCTION precise.keep_ruleset() IS
    'Behind a trigger: of a rule set only whether it is active changes.';
CREATE TRIGGER keep_ruleset BEFORE UPDATE OR DELETE ON precise.ruleset
    FOR EACH ROW EXECUTE FUNCTION precise.keep_ruleset();

CREATE FUNCTION precise.add_ruleset(label text, rules text, activate boolean DEFAULT false)
    RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    -- It refuses what is none, under its code.
    hash bytea := @extschema@.precise_ruleset_hash(rules);
    says text := rules::json ->> 'version';
    kept precise.ruleset;
BEGIN
    IF label IS NULL OR rules IS NULL OR activate IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'cannot add a rule set: an argument is NULL';
    END IF;
    INSERT INTO precise.ruleset (label, version, rules, ruleset_hash)
    VALUES (
        add_ruleset.label, says, @extschema@.precise_canonical(add_ruleset.rules)::json, hash
    )
    ON CONFLICT ON CONSTRAINT ruleset_pkey DO NOTHING;
    SELECT r.* INTO STRICT kept FROM precise.ruleset AS r
    WHERE r.label = add_ruleset.label AND r.version = says;
    IF kept.ruleset_hash <> hash THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation',
            MESSAGE = pg_catalog.format(
                'version %s of rule set %L has other rules', kept.version, label
            ),
            HINT = 'Give these another version; what was added stays as it is.';
    END IF;
    IF activate THEN
        PERFORM precise.activate_ruleset(label, kept.version);
    END IF;
    RETURN kept.version;
END
    $$;
COMMENT ON FUNCTION precise.add_ruleset(text, text, boolean) IS
    'Keeps a rule set (SPEC.md section 8.5) as a version of its label, and gives that version. What '
    'is no rule set is refused by code. The same once more changes nothing; activate: it is also '
    'the one that counts from now on.';

-- For a text it is the first; a literal counts as one.

CREATE FUNCTION precise.add_ruleset(label text, rules json, activate boolean DEFAULT false)
    RETURNS text
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$ SELECT precise.add_ruleset($1, $2::text, $3) $$;
COMMENT ON FUNCTION precise.add_ruleset(text, json, boolean) IS
    'precise.add_ruleset(text, text, boolean) of the text that a json value is.';

CREATE FUNCTION precise.add_ruleset(label text, rules jsonb, activate boolean DEFAULT false)
    RETURNS text
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$ SELECT precise.add_ruleset($1, $2::text, $3) $$;
COMMENT ON FUNCTION precise.add_ruleset(text, jsonb, boolean) IS
    'precise.add_ruleset(text, text, boolean) of a jsonb value, which has one of two members of a '
    'name, and tells nobody of the other.';

CREATE FUNCTION precise.activate_ruleset(label text, version text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    -- One at a time: the second then sees what the first made active, and ends that.
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.activate_ruleset ' || activate_ruleset.label, 0)
    );
    UPDATE precise.ruleset AS r SET active = false
    WHERE r.label = activate_ruleset.label AND r.active AND r.version <> activate_ruleset.version;
    UPDATE precise.ruleset AS r SET active = true
    WHERE r.label = activate_ruleset.label AND r.version = activate_ruleset.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found',
            MESSAGE = pg_catalog.format('rule set %L has no version %L', label, version),
            HINT = 'precise.ruleset says which there are.';
    END IF;
END
    $$;
COMMENT ON FUNCTION precise.activate_ruleset(text, text) IS
    'Makes a version of a rule set the one that counts, in place of the one that did.';
