-- Audiences: one proof for a whole table, and the cohorts in it that are large enough to be named.

CREATE FUNCTION precise.wider(cohort text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE
        WHEN cohort ~ '_[0-9]{5}$' THEN
            pg_catalog.regexp_replace(cohort, '_([0-9]{3})[0-9]{2}$', '_zip3_\1')
        WHEN cohort ~ '_(zip3|dma)_[0-9]{3}$' THEN
            pg_catalog.regexp_replace(cohort, '_(zip3|dma)_[0-9]{3}$', '')
        ELSE ''
    END
    $$;
COMMENT ON FUNCTION precise.wider(text) IS
    'The next wider cohort: name_10013, name_zip3_100, name, and the empty one, which is the '
    'remainder.';

CREATE FUNCTION precise.member_expression(source regclass, member text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind text := precise.payload_type(source, member);
BEGIN
    IF kind IN ('text', 'character varying', 'smallint', 'integer', 'bigint', 'uuid') THEN
        RETURN precise.key_expression(ARRAY[member]);
    ELSIF kind IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column',
            MESSAGE = pg_catalog.format('%s has no column %I', source, member),
            HINT = 'precise.sources names it as the column of members.';
    ELSIF kind = 'numeric' THEN
        -- 7.0 and 7.00 are one number, so they are one member.
        RETURN pg_catalog.format(
            'NULLIF(pg_catalog.format(''%%s'', pg_catalog.trim_scale(n.%I)), '''')', member
        );
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
        MESSAGE = pg_catalog.format('column %I of %s is of type %s', member, source, kind),
        HINT = 'A member is named by a text, a whole number, a numeric or a uuid.';
END
    $$;
COMMENT ON FUNCTION precise.member_expression(regclass, text) IS
    'SQL for the member that a column of a row n names; NULL where it names none.';

CREATE FUNCTION precise.cohort_expression(source regclass) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind text := precise.payload_type(source, 'cohort_id');
BEGIN
    IF kind IN ('text', 'character varying', 'character') THEN
        RETURN 'n.cohort_id::pg_catalog.text';
    ELSIF kind IN ('json', 'jsonb') THEN
        RETURN 'CASE WHEN pg_catalog.jsonb_typeof(n.cohort_id::pg_catalog.jsonb) = ''string'' '
            || 'THEN n.cohort_id::pg_catalog.jsonb #>> ''{}'' END';
    ELSIF kind IS NULL OR kind IN (
        'boolean', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'
    ) THEN
        -- In the record it is no string, so the record is in no cohort.
        RETURN 'NULL::pg_catalog.text';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
        MESSAGE = pg_catalog.format('column cohort_id of %s is of type %s', source, kind),
        HINT = 'A cohort is named by a text.';
END
    $$;
COMMENT ON FUNCTION precise.cohort_expression(regclass) IS
    'SQL for the cohort that a row n, which is the record, is in; NULL where it is in none.';

CREATE FUNCTION precise.audience(source regclass, OUT proof_id text, OUT cohort_ids text[])
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
    SET extra_float_digits = 1 SET bytea_output = 'hex'
    -- The server does not know how many rows there are in the steps below, and they are many.
    SET enable_nestloop = off SET jit = off
    AS $$
DECLARE
    now_utc timestamptz := pg_catalog.date_trunc('second', pg_catalog.clock_timestamp());
    tracked precise.sources;
    document text;
    hash text;
    fields text;
    member text := 'NULL::pg_catalog.text';
    cohort text;
    least bigint;
    left_over bigint;
    skipped bigint;
    wrong text;
    roots jsonb;
    audience text;
    audience_hash bytea;
    ids bigint[];
BEGIN
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = audience.source;
    least := COALESCE(tracked.k, 1000);
    IF least < 2 THEN
        RAISE EXCEPTION USING ERRCODE = 'PR503',
            MESSAGE = 'k is below 2',
            DETAIL = pg_catalog.format('precise.sources has k = %s for %s.', least, source),
            HINT = 'A cohort of one would name its member.';
    END IF;
    IF precise.payload_type(audience.source, 'audience_data') IS NOT NULL THEN
        tracked.payload := 'audience_data';
    ELSIF tracked.source IS NULL
        AND precise.payload_type(audience.source, 'payload') IS NOT NULL
    THEN
        tracked.payload := 'payload';
    END IF;

    document := precise.record_expression(tracked, source);
    hash := precise.hash_expression(document);
    IF tracked.subject IS NOT NULL THEN
        -- The leaves go into receipts, so they are blinded here as well: they are those minted.
        hash := precise.version_expression(document);
    END IF;
    -- A field of the record, if it is a text.
    fields := 'CASE WHEN r.is_sound THEN '
        || COALESCE('@extschema@.precise_canonical(' || document || ')::pg_catalog.jsonb', 'NULL')
        || ' END';
    IF document IS NOT NULL THEN
        cohort := 'CASE WHEN pg_catalog.jsonb_typeof(f.fields -> ''cohort_id'') = ''string'' '
            || 'THEN f.fields ->> ''cohort_id'' END';
        member := 'CASE pg_catalog.jsonb_typeof(f.fields -> ''member_id'') '
            || 'WHEN ''string'' THEN NULLIF(f.fields ->> ''member_id'', '''') '
            || 'WHEN ''number'' THEN @extschema@.precise_canonical(f.fields -> ''member_id'') END';
    ELSE
        cohort := precise.cohort_expression(source);
    END IF;
    IF tracked.member IS NOT NULL THEN
        member := precise.member_expression(source, tracked.member);
    ELSIF precise.payload_type(source, 'member_id') IS NOT NULL THEN
        member := precise.member_expression(source, 'member_id');
    END IF;

    -- A table of the caller's that happens to have this name is in the way.
    IF pg_catalog.to_regclass('pg_temp.precise_audience') IS NOT NULL THEN
        DROP TABLE pg_temp.precise_audience;
    END IF;
    CREATE TEMP TABLE precise_audience (proof_hash bytea, cohort text COLLATE "C", member text)
        ON COMMIT DROP;
    EXECUTE 'INSERT INTO pg_temp.precise_audience (proof_hash, cohort, member) '
        || 'SELECT h.hash, ' || cohort || ', COALESCE(''m'' || (' || member || '), '
        || '''r'' || pg_catalog.row_number() OVER ()) '
        || 'FROM ' || precise.row_set(source) || ' AS n '
        || 'CROSS JOIN LATERAL (SELECT ' || precise.key_expression(tracked.record_id)
        || ') AS i (record_id) CROSS JOIN LATERAL (SELECT ' || COALESCE(
            document || ' IS NOT NULL AND @extschema@.precise_check(' || document || ') IS NULL',
            'precise.row_refusal(n.*) IS NULL'
        )
        || ' OFFSET 0) AS r (is_sound) '
        || 'CROSS JOIN LATERAL (SELECT CASE WHEN r.is_sound THEN ' || hash || ' END OFFSET 0) '
        || 'AS h (hash) '
        || 'CROSS JOIN LATERAL (SELECT (' || fields || ')::pg_catalog.jsonb OFFSET 0) AS f (fields)'
        USING tracked.label;
    DELETE FROM pg_temp.precise_audience AS a WHERE a.proof_hash IS NULL;
    GET DIAGNOSTICS skipped = ROW_COUNT;
    IF skipped > 0 THEN
        RAISE WARNING '% rows of % are not in the audience: they have no proof', skipped, source;
    END IF;

    -- A name that itself ends as a place does would be another cohort once its place is gone.
    SELECT pg_catalog.min(c.cohort) INTO wrong
    FROM (
        SELECT DISTINCT a.cohort,
            pg_catalog.regexp_replace(a.cohort, '(_[0-9]{5}|_(zip3|dma)_[0-9]{3})$', '')
        FROM pg_temp.precise_audience AS a
    ) AS c (cohort, name)
    WHERE c.name !~ '^[a-z][a-z0-9_]{0,62}$'
        OR c.name ~ '(_|_[0-9]{5}|_(zip3|dma)_[0-9]{3})$';
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PR501',
            MESSAGE = 'a cohort id is malformed',
            DETAIL = pg_catalog.format('A record of %s has %L.', source, wrong),
            HINT = 'It is a name of a-z, 0-9 and _, and perhaps _10013, _zip3_100 or _dma_501.';
    END IF;
    -- What is too small is made wider, the narrowest first; what is too small at its widest is the
    -- remainder.
    FOR width IN 1..3 LOOP
        UPDATE pg_temp.precise_audience AS a SET cohort = precise.wider(a.cohort)
        WHERE a.cohort IN (
            SELECT c.cohort FROM pg_temp.precise_audience AS c
            WHERE CASE
                WHEN c.cohort ~ '_[0-9]{5}$' THEN 1
                WHEN c.cohort ~ '_(zip3|dma)_[0-9]{3}$' THEN 2
                ELSE 3
            END = width AND c.cohort <> ''
            GROUP BY c.cohort HAVING pg_catalog.count(DISTINCT c.member) < least
        );
    END LOOP;
    -- A remainder that is itself too small could be found by subtraction. It takes the smallest
    -- cohort with it, and with that is large enough. Who is in no cohort is part of it.
    SELECT pg_catalog.count(DISTINCT a.member) INTO left_over
    FROM pg_temp.precise_audience AS a WHERE COALESCE(a.cohort, '') = '';
    IF left_over > 0 AND left_over < least THEN
        UPDATE pg_temp.precise_audience AS a SET cohort = ''
        WHERE a.cohort = (
            SELECT c.cohort FROM pg_temp.precise_audience AS c WHERE c.cohort <> ''
            GROUP BY c.cohort ORDER BY pg_catalog.count(DISTINCT c.member), c.cohort LIMIT 1
        );
    END IF;
    SELECT pg_catalog.array_agg(DISTINCT a.cohort::text COLLATE "C") INTO cohort_ids
    FROM pg_temp.precise_audience AS a WHERE a.cohort <> '';
    IF cohort_ids IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PR502',
            MESSAGE = 'an audience cannot be released',
            DETAIL = pg_catalog.format(
                'In %s no cohort with %s members is left to be named.', source, least
            ),
            HINT = 'precise.sources has k, the members a cohort must have.';
    END IF;

    IF pg_catalog.to_regclass('pg_temp.precise_audience_cell') IS NOT NULL THEN
        DROP TABLE pg_temp.precise_audience_cell;
    END IF;
    CREATE TEMP TABLE precise_audience_cell ON COMMIT DROP AS
    WITH leaves AS MATERIALIZED (
        SELECT DISTINCT a.proof_hash, precise.leading(a.proof_hash) AS bits
        FROM pg_temp.precise_audience AS a
    ), cut AS MATERIALIZED (
        SELECT precise.cut_bits(pg_catalog.min(d.bits)) AS bits
        FROM (
            SELECT l.bits # pg_catalog.lead(l.bits, 1048576) OVER (ORDER BY l.proof_hash)
            FROM leaves AS l
        ) AS d (bits)
    )
    SELECT l.bits >> (32 - cut.bits) AS cell, cut.bits, pg_catalog.count(*) AS count,
        @extschema@.precise_merkle_root(l.proof_hash) AS batch_root, NULL::bigint AS id
    FROM leaves AS l CROSS JOIN cut
    GROUP BY l.bits >> (32 - cut.bits), cut.bits;

    SELECT pg_catalog.jsonb_agg(precise.hex(c.batch_root) ORDER BY c.cell) INTO roots
    FROM pg_temp.precise_audience_cell AS c;
    SELECT @extschema@.precise_canonical(pg_catalog.jsonb_build_object(
        'batch_roots', roots,
        'canon', 'precise-jcs-1',
        'cohort_count', pg_catalog.count(*),
        'cohorts_root', precise.hex(@extschema@.precise_merkle_root(
            @extschema@.precise_proof_hash(pg_catalog.jsonb_build_object('id', c.id, 'n', c.n))
        )),
        'count', (SELECT pg_catalog.sum(b.count) FROM pg_temp.precise_audience_cell AS b),
        'k', least,
        'kind', 'audience',
        'v', 1
    )) INTO audience
    FROM (
        SELECT a.cohort AS id, pg_catalog.count(DISTINCT a.member) AS n
        FROM pg_temp.precise_audience AS a WHERE a.cohort <> '' GROUP BY a.cohort
    ) AS c;
    audience_hash := @extschema@.precise_proof_hash(audience);
    proof_id := @extschema@.precise_proof_id(audience_hash);

    -- The same rows are the same audience: it is in the outbox once.
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.close_batch ' || audience.proof_id, 0)
    );
    IF EXISTS (SELECT FROM precise.batch AS b WHERE b.label = audience.proof_id) THEN
        RAISE NOTICE 'this audience was minted before';
    ELSE
        UPDATE pg_temp.precise_audience_cell AS c
        SET id = pg_catalog.nextval('precise.batch_id');
        INSERT INTO precise.batch
            (id, kind, label, part, batch_root, count, entry, closed_at, document)
        SELECT c.id, 'audience', audience.proof_id, part.part, c.batch_root, c.count,
            precise.entry(
                'audience', NULL, part.part, c.batch_root, c.count, now_utc, audience_hash
            ),
            now_utc, audience
        FROM pg_temp.precise_audience_cell AS c
        CROSS JOIN LATERAL (
            SELECT CASE WHEN c.bits > 0 THEN pg_catalog.jsonb_build_object(
                'bits', c.bits, 'index', c.cell,
                'parts', (SELECT pg_catalog.count(*) FROM pg_temp.precise_audience_cell)
            ) END
        ) AS part (part);
        INSERT INTO precise.proof (label, proof_hash, seen, batch_id)
        SELECT audience.proof_id, a.proof_hash, pg_catalog.count(*), c.id
        FROM pg_temp.precise_audience AS a
        JOIN pg_temp.precise_audience_cell AS c
            ON precise.leading(a.proof_hash) >> (32 - c.bits) = c.cell
        GROUP BY a.proof_hash, c.id ORDER BY a.proof_hash;
        SELECT pg_catalog.array_agg(c.id ORDER BY c.id) INTO ids
        FROM pg_temp.precise_audience_cell AS c;
        PERFORM precise.tell(ids);
    END IF;
    DROP TABLE pg_temp.precise_audience;
    DROP TABLE pg_temp.precise_audience_cell;
END
    $$;
COMMENT ON FUNCTION precise.audience(regclass) IS
    'What precise.mint_audience_proof does, for a table that was found.';

CREATE PROCEDURE precise.mint_audience_proof(
    source_table text, INOUT proof_id text DEFAULT NULL, INOUT cohort_ids text[] DEFAULT NULL
)
    -- Without a search_path of its own, so that a table is found as the caller finds it.
    LANGUAGE plpgsql AS $$
DECLARE
    source pg_catalog.regclass := pg_catalog.to_regclass(source_table);
BEGIN
    IF source IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table',
            MESSAGE = pg_catalog.format('there is no table %s', source_table);
    END IF;
    SELECT a.proof_id, a.cohort_ids
    INTO mint_audience_proof.proof_id, mint_audience_proof.cohort_ids
    FROM precise.audience(source) AS a;
END
    $$;
COMMENT ON PROCEDURE precise.mint_audience_proof(text, text, text[]) IS
    'CALL precise.mint_audience_proof(''public.events'', NULL, NULL): where NULL stands it '
    'gives its results. Mints a table''s audience: its records'' batches, and one proof of the cohorts in it that '
    'have at least k members (precise.sources, else 1000). Gives that proof''s id and the '
    'cohorts'' ids. A record is the column audience_data, else the tracked payload, else '
    'payload, else the row; '
    'it says which cohort it is in with cohort_id, and whose with member_id. Smaller cohorts are '
    'made wider, zip code to three digits of it to none.';
