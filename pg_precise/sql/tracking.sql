-- Tracking: rows of a table are minted as they are written, a statement's rows at once.
--
-- What runs here is made of names that a table's owner chose, with the rights of the extension's
-- owner. So columns are only ever named by quote_ident, a payload is only read as one of three
-- types, and all other values are read by their type's output function (format does that) and never
-- by a cast, which a table's owner could have made.

CREATE FUNCTION precise.random_bytes() RETURNS bytea
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    RETURN pg_catalog.sha256(
        pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
        || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
        || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
        || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
    );
COMMENT ON FUNCTION precise.random_bytes() IS
    '32 bytes nobody can guess: the server''s own random source, 488 bits of it, hashed.';

-- In LANGUAGE sql without settings, so that it is inlined where it stands for a million rows.
CREATE FUNCTION precise.blind(secret bytea, label text, record_id text, version uuid) RETURNS bytea
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    AS $$
    SELECT @extschema@.precise_blind($1, @extschema@.precise_canonical(
        pg_catalog.jsonb_build_array($2, $3, pg_catalog.format('%s', $4))
    ))
    $$;
COMMENT ON FUNCTION precise.blind(bytea, text, text, uuid) IS
    'The blind of one version of a record, from its subject''s secret.';

CREATE FUNCTION precise.blind_with(subject text, label text, record_id text, version uuid)
    RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT precise.blind(s.secret, $2, $3, $4) FROM precise.subject_secret AS s WHERE s.subject = $1
    $$;
COMMENT ON FUNCTION precise.blind_with(text, text, text, uuid) IS
    'The blind of one version of a record, for whom its secret is not shown to. NULL if the secret '
    'is gone.';

CREATE FUNCTION precise.blind_of(label text, proof_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT precise.blind(s.secret, p.label, p.record_id, p.version)
    FROM precise.proof AS p JOIN precise.subject_secret AS s ON s.subject = p.subject
    WHERE p.label = $1 AND p.proof_hash = $2
    $$;
COMMENT ON FUNCTION precise.blind_of(text, bytea) IS
    'The blind of a proof, for whom its record is shown to. NULL if the proof is not blinded, or '
    'the subject''s secret is gone.';

CREATE FUNCTION precise.payload_type(source regclass, payload text) RETURNS text
    -- PL/pgSQL, which keeps its plans: all that is written to a tracked table comes by here.
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    id oid;
    base oid;
BEGIN
    SELECT a.atttypid INTO base FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = payload_type.source AND a.attname = payload_type.payload::name
        AND a.attnum > 0 AND NOT a.attisdropped;
    WHILE base <> 0 LOOP
        id := base;
        SELECT t.typbasetype INTO base FROM pg_catalog.pg_type AS t WHERE t.oid = id;
    END LOOP;
    RETURN pg_catalog.format_type(id, NULL);
END
    $$;
COMMENT ON FUNCTION precise.payload_type(regclass, text) IS
    'The type of a column, that of its domain if it has one; NULL if there is no such column.';

CREATE FUNCTION precise.refusal(document anyelement) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    detail text;
BEGIN
    PERFORM @extschema@.precise_proof_hash(document);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN ARRAY[SQLSTATE, pg_catalog.substring(detail, '^At (.*?)(?:, byte \d+)?, in '), SQLERRM];
END
    $$;
COMMENT ON FUNCTION precise.refusal(anyelement) IS
    'Why a document is refused: code, place, message. NULL if it is not.';

CREATE FUNCTION precise.row_refusal(written record) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    detail text;
BEGIN
    PERFORM @extschema@.precise_mint_row(written);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN ARRAY[SQLSTATE, pg_catalog.substring(detail, '^At (.*?)(?:, byte \d+)?, in '), SQLERRM];
END
    $$;
COMMENT ON FUNCTION precise.row_refusal(record) IS
    'Why a row is refused: code, place, message. NULL if it is not.';

CREATE FUNCTION precise.record_expression(tracked precise.sources, source regclass) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind text;
BEGIN
    IF tracked.payload IS NULL THEN
        RETURN NULL;
    END IF;
    kind := precise.payload_type(source, tracked.payload);
    IF kind IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column',
            MESSAGE = pg_catalog.format('%s has no column %I', source, tracked.payload),
            HINT = 'Call precise.track again with the column that holds the record.';
    ELSIF kind = 'character varying' THEN
        kind := 'text';
    ELSIF kind NOT IN ('jsonb', 'json', 'text') THEN
        RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
            MESSAGE = pg_catalog.format(
                'column %I of %s is of type %s', tracked.payload, source, kind
            ),
            HINT = 'A record is in a column of type jsonb, json or text; without a column, the '
                || 'whole row is the record.';
    END IF;
    RETURN pg_catalog.format('n.%I::pg_catalog.%s', tracked.payload, kind);
END
    $$;
COMMENT ON FUNCTION precise.record_expression(precise.sources, regclass) IS
    'SQL for the record in a row n of a table; NULL where the row is the record.';

CREATE FUNCTION precise.hash_expression(document text, blind text DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN document IS NULL THEN
            '@extschema@.precise_proof_hash_of(@extschema@.precise_mint_row(n.*'
            || COALESCE(', ' || blind, '') || ')::pg_catalog.text)'
        ELSE '@extschema@.precise_proof_hash(' || document || COALESCE(', ' || blind, '') || ')'
    END
    $$;
COMMENT ON FUNCTION precise.hash_expression(text, text) IS
    'SQL for the proof hash of a record, or of the row n.';

CREATE FUNCTION precise.version_expression(document text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT '(SELECT p.proof_hash FROM precise.proof AS p '
        || 'WHERE p.label = $1 AND p.record_id = i.record_id AND p.version IS NOT NULL '
        || 'AND p.proof_hash = '
        || precise.hash_expression(
            document, 'precise.blind_with(p.subject, p.label, p.record_id, p.version)'
        )
        || ' LIMIT 1)'
    $$;
COMMENT ON FUNCTION precise.version_expression(text) IS
    'SQL for the proof hash of the version of a record that has its present content, if it was '
    'minted: for tables with subjects.';

CREATE FUNCTION precise.key_expression(columns text[]) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    -- A NULL prints as an empty text, which is no record id either.
    SELECT CASE pg_catalog.cardinality(columns)
        WHEN 1 THEN 'NULLIF(' || pg_catalog.min(c.printed) || ', '''')'
        ELSE COALESCE(
            '@extschema@.precise_canonical(pg_catalog.jsonb_build_array('
            || pg_catalog.string_agg(c.printed, ', ' ORDER BY c.place) || '))',
            'NULL::pg_catalog.text'
        )
    END
    FROM (
        SELECT 'pg_catalog.format(''%s'', n.' || pg_catalog.quote_ident(u.name) || ')', u.place
        FROM pg_catalog.unnest(columns) WITH ORDINALITY AS u (name, place)
    ) AS c (printed, place)
    $$;
COMMENT ON FUNCTION precise.key_expression(text[]) IS
    'SQL for the record id of a row n: the text of its key, or of a key of several columns the '
    'canonical JSON array of their texts.';

CREATE FUNCTION precise.minting(
    tracked precise.sources, source regclass, row_set text, counts boolean, careful boolean
) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    document text := precise.record_expression(tracked, source);
    subject text := precise.key_expression(ARRAY[tracked.subject]);
    id text := precise.key_expression(tracked.record_id);
    is_blinded boolean := tracked.subject IS NOT NULL;
    reasons text := '';
    raw text := 'NULL::pg_catalog.text';
    statements text[] := '{}';
BEGIN
    IF is_blinded THEN
        -- A subject gets its secret with its first proof. One that has proofs and no secret gets
        -- no other: somebody destroyed it, or it was not brought along.
        statements := statements || pg_catalog.format(
            'WITH made AS ('
            'INSERT INTO precise.subject_secret (subject, secret) '
            'SELECT w.subject, precise.random_bytes() '
            'FROM (SELECT DISTINCT %1$s FROM %2$s AS n) AS w (subject) '
            'WHERE w.subject IS NOT NULL '
            'AND NOT EXISTS (SELECT FROM precise.subject_secret AS s WHERE s.subject = w.subject) '
            'AND NOT EXISTS (SELECT FROM precise.suppressed AS u WHERE u.subject = w.subject) '
            'AND NOT EXISTS (SELECT FROM precise.proof AS p WHERE p.subject = w.subject) '
            'ORDER BY w.subject ON CONFLICT (subject) DO NOTHING'
            ') SELECT 0::bigint, 0::bigint, NULL::text[]',
            subject, row_set
        );
        -- Whoever forgets a subject waits for the proofs that are being made with its secret.
        statements := statements || pg_catalog.format(
            'SELECT pg_catalog.count(*), 0::bigint, NULL::text[] FROM ('
            'SELECT FROM precise.subject_secret AS s '
            'WHERE s.subject IN (SELECT %s FROM %s AS n) ORDER BY s.subject FOR KEY SHARE) AS s',
            subject, row_set
        );
        reasons := $r$
            WHEN u.subject IS NOT NULL THEN NULL
            WHEN i.subject IS NULL THEN
                ARRAY['PR305', NULL, 'the row names no subject whose secret would blind its proof']
            WHEN i.record_id IS NULL THEN
                ARRAY['PR113', NULL, 'the record has no usable record id']
            WHEN s.secret IS NULL THEN
                ARRAY['PR305', NULL, 'the subject has proofs, but no secret to blind another with']
        $r$;
    END IF;
    IF document IS NOT NULL THEN
        reasons := reasons || pg_catalog.format(
            'WHEN %s IS NULL THEN ARRAY[''PR114'', NULL, ''the row has no record''] ', document
        );
    END IF;
    IF careful AND document IS NULL THEN
        reasons := reasons || 'ELSE precise.row_refusal(n.*) ';
    ELSIF careful THEN
        reasons := reasons || pg_catalog.format(
            'WHEN @extschema@.precise_check(%1$s) IS NOT NULL THEN precise.refusal(%1$s) ', document
        );
    END IF;
    reasons := CASE WHEN reasons = '' THEN 'NULL' ELSE 'CASE ' || reasons || 'END' END;
    -- CASE has to have a WHEN.
    reasons := pg_catalog.replace(reasons, 'CASE ELSE ', 'CASE WHEN false THEN NULL ELSE ');
    IF NOT is_blinded THEN
        raw := pg_catalog.format(
            'CASE WHEN r.reason IS NOT NULL '
            'THEN pg_catalog.left(pg_catalog.format(''%%s'', %s), 65536) END',
            COALESCE(document, 'n.*')
        );
    END IF;
    RETURN statements || (
        'WITH hashed AS MATERIALIZED ('
        || 'SELECT i.record_id, i.subject, r.reason, ' || raw || ' AS raw, '
        || CASE WHEN is_blinded THEN
            'u.subject IS NOT NULL AS is_suppressed, v.version, '
            'CASE WHEN r.reason IS NULL AND u.subject IS NULL THEN '
            || precise.hash_expression(
                document, 'precise.blind(s.secret, $1, i.record_id, v.version)'
            ) || ' END AS proof_hash '
        ELSE
            'false AS is_suppressed, NULL::pg_catalog.uuid AS version, '
            'CASE WHEN r.reason IS NULL THEN '
            || precise.hash_expression(document) || ' END AS proof_hash '
        END
        || 'FROM ' || row_set || ' AS n '
        || 'CROSS JOIN LATERAL (SELECT ' || id || ', '
        || CASE WHEN is_blinded THEN subject ELSE 'NULL::pg_catalog.text' END
        || CASE WHEN is_blinded THEN
            ' OFFSET 0) AS i (record_id, subject) '
            'LEFT JOIN precise.suppressed AS u ON u.subject = i.subject '
            'LEFT JOIN precise.subject_secret AS s ON s.subject = i.subject '
        ELSE
            ') AS i (record_id, subject) '
        END
        || 'CROSS JOIN LATERAL (SELECT ' || reasons
        || '::pg_catalog.text[] OFFSET 0) AS r (reason) '
        || CASE WHEN is_blinded THEN
            -- A record whose content is one it had before keeps that version, and so its proof.
            'CROSS JOIN LATERAL (SELECT COALESCE('
            '(SELECT p.version FROM precise.proof AS p '
            'WHERE r.reason IS NULL AND u.subject IS NULL AND p.label = $1 '
            'AND p.record_id = i.record_id AND p.version IS NOT NULL AND p.subject = i.subject '
            'AND p.proof_hash = '
            || precise.hash_expression(
                document, 'precise.blind(s.secret, $1, i.record_id, p.version)'
            ) || ' LIMIT 1), pg_catalog.gen_random_uuid()) OFFSET 0) AS v (version)'
        ELSE '' END
        || '), refused AS ('
        || 'INSERT INTO precise.reject (label, record_id, code, place, message, raw) '
        || 'SELECT $1, h.record_id, h.reason[1], h.reason[2], h.reason[3], h.raw FROM hashed AS h '
        || 'WHERE h.reason IS NOT NULL '
        -- What a backfill finds again is not noted again.
        || CASE WHEN counts THEN '' ELSE
            'AND NOT EXISTS (SELECT FROM precise.reject AS j WHERE j.label = $1 '
            'AND j.record_id = h.record_id AND j.code = h.reason[1]) '
        END
        || 'UNION ALL '
        || 'SELECT $1, NULL, ''42501'', NULL, '
        || 'pg_catalog.format('
        || '''%s rows of suppressed subjects were not minted'', pg_catalog.count(*)), '
        || 'NULL FROM hashed AS h WHERE h.is_suppressed HAVING pg_catalog.count(*) > 0'
        || '), minted AS ('
        || 'INSERT INTO precise.proof AS p (label, proof_hash, record_id, subject, version, seen) '
        -- In the order of the key, so that two statements with the same contents do not wait for
        -- each other.
        || CASE WHEN is_blinded THEN
            'SELECT $1, h.proof_hash, h.record_id, h.subject, h.version, 1 FROM hashed AS h '
            'WHERE h.proof_hash IS NOT NULL ORDER BY h.proof_hash '
        ELSE
            'SELECT $1, h.proof_hash, pg_catalog.min(h.record_id COLLATE "C"), NULL, NULL, '
            'pg_catalog.count(*) FROM hashed AS h '
            'WHERE h.proof_hash IS NOT NULL GROUP BY h.proof_hash ORDER BY h.proof_hash '
        END
        || 'ON CONFLICT (proof_hash, label) '
        || CASE WHEN counts THEN 'DO UPDATE SET seen = p.seen + excluded.seen' ELSE 'DO NOTHING' END
        || ' RETURNING 1) '
        || 'SELECT (SELECT pg_catalog.count(*) FROM minted), pg_catalog.count(h.reason), '
        || 'pg_catalog.min(h.reason) FROM hashed AS h'
    );
END
    $$;
COMMENT ON FUNCTION precise.minting(precise.sources, regclass, text, boolean, boolean) IS
    'The SQL that mints a set of rows: how many proofs, how many refused, and why the first. If '
    'careful, it looks at each record before it hashes it, and so goes on behind one that is '
    'refused; if not, it ends there, and every record is read once.';

CREATE FUNCTION precise.written_hash(written record, payload text) RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'precise_written_hash';
COMMENT ON FUNCTION precise.written_hash(record, text) IS
    'The proof hash of the record in a column of a row; NULL if it holds none.';

CREATE FUNCTION precise.written_id(written record, columns text[]) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'precise_written_id';
COMMENT ON FUNCTION precise.written_id(record, text[]) IS
    'The record id of a row, as precise.key_expression says it; NULL where there is no key.';

CREATE FUNCTION precise.bulk_minting(tracked precise.sources, source regclass) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN pg_catalog.format(
        'INSERT INTO precise.proof (label, proof_hash, record_id, seen) '
        'SELECT $1, h.proof_hash, pg_catalog.min(h.record_id COLLATE "C"), pg_catalog.count(*) '
        'FROM (SELECT %s, %s FROM new_rows AS n) AS h (proof_hash, record_id) '
        'GROUP BY h.proof_hash ORDER BY h.proof_hash',
        precise.hash_expression(precise.record_expression(tracked, source)),
        precise.key_expression(tracked.record_id)
    );
END
    $$;
COMMENT ON FUNCTION precise.bulk_minting(precise.sources, regclass) IS
    'The SQL that mints many inserted rows where nothing is in the way: it fails if a row has no '
    'record, a record is refused, or a proof is there already.';

CREATE FUNCTION precise.mint_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- A key's text must not depend on a session's settings.
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
    SET extra_float_digits = 1 SET bytea_output = 'hex'
    AS $$
DECLARE
    tracked precise.sources;
    statement text;
    minted bigint;
    -- NULL as long as rows were neither minted nor refused one by one.
    refused bigint;
    reason text[];
    is_refusal boolean := false;
BEGIN
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = TG_RELID;
    IF NOT FOUND THEN
        -- A row that is written into a partition fires the partition's triggers only.
        SELECT s.* INTO tracked FROM precise.sources AS s
        WHERE s.source IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(TG_RELID) AS a);
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;

    BEGIN
        IF tracked.subject IS NULL THEN
            PERFORM FROM new_rows OFFSET 999 LIMIT 1;
            IF FOUND AND TG_OP = 'INSERT' THEN
                -- To look whether a proof is there already costs as much as to add it. Of many rows
                -- mostly none is; if one is, what was added up to it is undone.
                BEGIN
                    EXECUTE precise.bulk_minting(tracked, TG_RELID) USING tracked.label;
                    RETURN NULL;
                EXCEPTION WHEN unique_violation THEN
                    -- With a look, then.
                END;
            END IF;
            -- These are the same for every table, so that a session plans them once for each: for a
            -- single row, planning is what takes longest. In the order of the key, so that two
            -- with the same contents do not wait for each other. Two, since an update counts nothing
            -- as seen, and DO UPDATE, with whatever condition, would lock every proof it meets.
            IF TG_OP = 'INSERT' THEN
                INSERT INTO precise.proof AS p (label, proof_hash, record_id, seen)
                SELECT tracked.label, w.proof_hash, pg_catalog.min(w.record_id COLLATE "C"),
                    pg_catalog.count(*)
                FROM (
                    SELECT CASE
                        WHEN tracked.payload IS NULL THEN @extschema@.precise_proof_hash_of(
                            @extschema@.precise_mint_row(n.*)::pg_catalog.text
                        )
                        ELSE precise.written_hash(n.*, tracked.payload)
                    END, precise.written_id(n.*, tracked.record_id)
                    FROM new_rows AS n
                ) AS w (proof_hash, record_id)
                GROUP BY w.proof_hash ORDER BY w.proof_hash
                ON CONFLICT (proof_hash, label) DO UPDATE SET seen = p.seen + excluded.seen;
            ELSE
                INSERT INTO precise.proof AS p (label, proof_hash, record_id, seen)
                SELECT tracked.label, w.proof_hash, pg_catalog.min(w.record_id COLLATE "C"),
                    pg_catalog.count(*)
                FROM (
                    SELECT CASE
                        WHEN tracked.payload IS NULL THEN @extschema@.precise_proof_hash_of(
                            @extschema@.precise_mint_row(n.*)::pg_catalog.text
                        )
                        ELSE precise.written_hash(n.*, tracked.payload)
                    END, precise.written_id(n.*, tracked.record_id)
                    FROM new_rows AS n
                ) AS w (proof_hash, record_id)
                GROUP BY w.proof_hash ORDER BY w.proof_hash
                ON CONFLICT (proof_hash, label) DO NOTHING;
            END IF;
            RETURN NULL;
        END IF;
        FOREACH statement IN ARRAY
            precise.minting(tracked, TG_RELID, 'new_rows', TG_OP = 'INSERT', false)
        LOOP
            EXECUTE statement INTO minted, refused, reason USING tracked.label;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        reason := ARRAY[SQLSTATE, NULL, SQLERRM];
        is_refusal := SQLSTATE LIKE 'PR%'
            -- A row without a record has no proof hash.
            OR tracked.subject IS NULL AND SQLSTATE = '23502';
        IF tracked.on_reject = 'error' AND SQLSTATE <> '23502' THEN
            RAISE;
        END IF;
    END;
    IF is_refusal THEN
        -- Row by row, then.
        BEGIN
            FOREACH statement IN ARRAY
                precise.minting(tracked, TG_RELID, 'new_rows', TG_OP = 'INSERT', true)
            LOOP
                EXECUTE statement INTO minted, refused, reason USING tracked.label;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            IF tracked.on_reject = 'error' THEN
                RAISE;
            END IF;
            reason := ARRAY[SQLSTATE, NULL, SQLERRM];
            refused := NULL;
        END;
    END IF;
    IF refused IS NULL THEN
        BEGIN
            INSERT INTO precise.reject (label, code, message)
            SELECT tracked.label, reason[1], pg_catalog.format(
                '%s rows were not minted: %s', pg_catalog.count(*), reason[3]
            )
            FROM new_rows;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'rows of % were neither minted nor noted: %', TG_RELID::regclass, SQLERRM;
        END;
        RETURN NULL;
    END IF;

    IF refused > 0 AND tracked.on_reject = 'error' THEN
        RAISE EXCEPTION USING ERRCODE = reason[1], MESSAGE = reason[3],
            DETAIL = pg_catalog.format(
                'Of the rows written to %s, %s cannot be minted.', TG_RELID::regclass, refused
            ),
            HINT = 'precise.track(..., on_reject => ''keep'') stores such rows without a proof.';
    END IF;
    RETURN NULL;
END
    $$;
COMMENT ON FUNCTION precise.mint_written() IS
    'Behind the triggers of a tracked table: mints the rows that a statement wrote.';

CREATE FUNCTION precise.row_set(source regclass) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    -- Tables that inherit from this one are tracked on their own.
    SELECT pg_catalog.format(
        '%s%I.%I', CASE WHEN c.relkind = 'r' THEN 'ONLY ' END, n.nspname, c.relname
    )
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = $1
    $$;
COMMENT ON FUNCTION precise.row_set(regclass) IS 'SQL for the rows of a table.';

CREATE FUNCTION precise.backfill(source regclass) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
    SET extra_float_digits = 1 SET bytea_output = 'hex'
    AS $$
DECLARE
    tracked precise.sources;
    row_set text;
    statement text;
    minted bigint;
    refused bigint;
    reason text[];
BEGIN
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = backfill.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s is not tracked', source),
            HINT = 'SELECT precise.track(table, column) tracks a table, and mints what is in it.';
    END IF;
    row_set := precise.row_set(source);
    BEGIN
        FOREACH statement IN ARRAY precise.minting(tracked, source, row_set, false, false) LOOP
            EXECUTE statement INTO minted, refused, reason USING tracked.label;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE NOT LIKE 'PR%' OR tracked.on_reject = 'error' THEN
            RAISE;
        END IF;
        FOREACH statement IN ARRAY precise.minting(tracked, source, row_set, false, true) LOOP
            EXECUTE statement INTO minted, refused, reason USING tracked.label;
        END LOOP;
    END;
    IF refused > 0 AND tracked.on_reject = 'error' THEN
        RAISE EXCEPTION USING ERRCODE = reason[1], MESSAGE = reason[3],
            DETAIL = pg_catalog.format('Of the rows of %s, %s cannot be minted.', source, refused),
            HINT = 'precise.track(..., on_reject => ''keep'') leaves such rows without a proof.';
    ELSIF refused > 0 THEN
        RAISE WARNING USING
            MESSAGE = pg_catalog.format('%s rows of %s cannot be minted', refused, source),
            HINT = 'precise.reject says which, and why.';
    END IF;
    RETURN minted;
END
    $$;
COMMENT ON FUNCTION precise.backfill(regclass) IS
    'Mints the rows of a tracked table that have no proof; how many proofs there are more. It can '
    'be run again at any time.';

CREATE FUNCTION precise.track(
    source regclass,
    payload text DEFAULT NULL,
    label text DEFAULT NULL,
    record_id text DEFAULT NULL,
    subject text DEFAULT NULL,
    backfill boolean DEFAULT true,
    on_reject text DEFAULT NULL
) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    class pg_catalog.pg_class;
    tracked precise.sources;
    named text;
    member regclass;
BEGIN
    SELECT c.* INTO class FROM pg_catalog.pg_class AS c WHERE c.oid = track.source;
    IF class.oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = 'there is no such table';
    ELSIF class.relkind NOT IN ('r', 'p') OR class.relpersistence = 't' THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
            MESSAGE = pg_catalog.format('%s is not a table that lasts', source),
            HINT = 'Only tables can be tracked: no view, foreign or temporary table.';
    ELSIF class.relnamespace::regnamespace::text
        IN ('precise', 'pg_catalog', 'information_schema')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
            MESSAGE = pg_catalog.format('%s cannot be tracked', source);
    END IF;

    IF EXISTS (
        SELECT FROM precise.sources AS s
        WHERE s.source <> track.source AND (
            s.source IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(track.source) AS a)
            OR s.source IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(track.source) AS t)
        )
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format(
                'a partition of %s, or what it is a partition of, is tracked already', source
            ),
            HINT = 'A partitioned table is tracked with its partitions; precise.untrack the other.';
    END IF;

    -- What is left out stays as it was: above all, a subject is not lost by not being named again.
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = track.source;
    tracked.source := source;
    tracked.label := COALESCE(label, tracked.label, class.relname);
    tracked.payload := COALESCE(payload, tracked.payload);
    tracked.subject := COALESCE(subject, tracked.subject);
    tracked.on_reject := COALESCE(on_reject, tracked.on_reject, 'keep');
    IF record_id IS NOT NULL THEN
        tracked.record_id := ARRAY[record_id];
    ELSIF tracked.record_id IS NULL THEN
        SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.place) INTO tracked.record_id
        FROM pg_catalog.pg_index AS i
        CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indrelid = track.source AND i.indisprimary AND k.place <= i.indnkeyatts;
    END IF;
    IF tracked.on_reject NOT IN ('keep', 'error') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('on_reject is keep or error, not %L', on_reject);
    ELSIF pg_catalog.octet_length(tracked.label) NOT BETWEEN 1 AND 1024 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a label has 1 to 1024 bytes';
    ELSIF tracked.subject IS NOT NULL AND tracked.record_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s has no primary key', source),
            HINT = 'Blinds are made of record ids: name the column that holds them with record_id.';
    END IF;
    FOREACH named IN ARRAY tracked.record_id || ARRAY[tracked.payload, tracked.subject] LOOP
        IF named IS NOT NULL AND precise.payload_type(source, named) IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'undefined_column',
                MESSAGE = pg_catalog.format('%s has no column %I', source, named);
        END IF;
    END LOOP;
    -- For its errors.
    PERFORM precise.record_expression(tracked, source);

    -- A table that was dropped and made again goes on under its label.
    DELETE FROM precise.sources AS s
    WHERE s.label = tracked.label
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.source);
    SELECT s.source::text INTO named FROM precise.sources AS s
    WHERE s.label = tracked.label AND s.source <> track.source;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation',
            MESSAGE = pg_catalog.format('the label %L is that of %s', tracked.label, named),
            HINT = 'Give another one: precise.track(..., label => ...).';
    END IF;
    INSERT INTO precise.sources AS s (source, label, payload, record_id, subject, on_reject)
    VALUES (
        tracked.source, tracked.label, tracked.payload, tracked.record_id, tracked.subject,
        tracked.on_reject
    )
    ON CONFLICT ON CONSTRAINT sources_pkey DO UPDATE
    SET label = excluded.label, payload = excluded.payload, record_id = excluded.record_id,
        subject = excluded.subject, on_reject = excluded.on_reject;

    FOR member IN SELECT precise.members(track.source) LOOP
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER precise_mint_insert AFTER INSERT ON %s '
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT '
            'EXECUTE FUNCTION precise.mint_written()',
            member
        );
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER precise_mint_update AFTER UPDATE ON %s '
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT '
            'EXECUTE FUNCTION precise.mint_written()',
            member
        );
    END LOOP;
    -- The triggers' lock keeps writers out until the end: between what is in the table now and what
    -- the triggers will see there is nothing.
    RETURN CASE WHEN track.backfill THEN precise.backfill(track.source) ELSE 0 END;
END
    $$;
COMMENT ON FUNCTION precise.track(regclass, text, text, text, text, boolean, text) IS
    'Mints the rows of a table from now on, and those in it; how many proofs that made. payload: '
    'the column with the record (jsonb, json, text), NULL: the whole row. label: the name of its '
    'batches, NULL: the table''s. record_id: a column, NULL: the primary key. subject: the column '
    'that says whom a record is about, whose secret then blinds its proof. on_reject: keep a row '
    'that cannot be minted and note it in precise.reject (as it is without saying), or error. '
    'Called again, it changes what is given, and what is left out stays as it was.';

CREATE FUNCTION precise.members(source regclass) RETURNS SETOF regclass
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT c.oid::regclass FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p')
        AND (
            c.oid = $1
            OR c.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree($1) AS t)
        )
    $$;
COMMENT ON FUNCTION precise.members(regclass) IS 'A table and its partitions.';

CREATE FUNCTION precise.untrack(source regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    member regclass;
BEGIN
    DELETE FROM precise.sources AS s WHERE s.source = untrack.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s is not tracked', source);
    END IF;
    FOR member IN SELECT precise.members(untrack.source) LOOP
        EXECUTE pg_catalog.format('DROP TRIGGER IF EXISTS precise_mint_insert ON %s', member);
        EXECUTE pg_catalog.format('DROP TRIGGER IF EXISTS precise_mint_update ON %s', member);
    END LOOP;
END
    $$;
COMMENT ON FUNCTION precise.untrack(regclass) IS
    'Mints no more of a table''s rows. Its proofs and batches stay.';
