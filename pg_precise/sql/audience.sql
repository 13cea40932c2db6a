-- Audiences: one proof for a whole table, and the cohorts in it that are large enough to be named.

CREATE FUNCTION precise.row_document(written record) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_row_document';
COMMENT ON FUNCTION precise.row_document(record) IS
    'A row in canonical form (SPEC.md section 1.4); NULL if it is refused.';

CREATE FUNCTION precise.seat(
    record text, key bytea, rules text, member text, zip text, dma text
) RETURNS text[]
    LANGUAGE c STABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'precise_seat';
COMMENT ON FUNCTION precise.seat(text, bytea, text, text, text, text) IS
    'Whose a record in canonical form is, hashed under the key; its market area; and the cohorts '
    'that it is in by the rules, or without rules by its cohort_id. The last three are each the row '
    'of a column that stands in for a field, in canonical form, or NULL.';

CREATE FUNCTION precise.take_seat(
    internal, seat text[], proof_hash bytea, key bytea, k bigint, ruleset_hash bytea,
    batch_roots bytea, count bigint
) RETURNS internal
    LANGUAGE c IMMUTABLE
    AS 'MODULE_PATHNAME', 'precise_take_seat';
CREATE FUNCTION precise.finish_census(internal) RETURNS bytea[]
    LANGUAGE c IMMUTABLE
    AS 'MODULE_PATHNAME', 'precise_finish_census';
CREATE AGGREGATE precise.census(
    seat text[], proof_hash bytea, key bytea, k bigint, ruleset_hash bytea, batch_roots bytea,
    count bigint
) (
    SFUNC = precise.take_seat, STYPE = internal, FINALFUNC = precise.finish_census,
    FINALFUNC_MODIFY = READ_WRITE
);
COMMENT ON AGGREGATE precise.census(text[], bytea, bytea, bigint, bytea, bytea, bigint) IS
    'The audience of records'' seats: its document, the ids of the cohorts it names, each with a '
    'line feed behind, and 32 bytes of each member for precise.released_member.';

CREATE FUNCTION precise.differing(earlier bytea, entries bytea) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'precise_differing';
COMMENT ON FUNCTION precise.differing(bytea, bytea) IS
    'How many members'' seats are not the same in two parts of precise.released_member; NULL is an '
    'empty part.';

CREATE FUNCTION precise.column_expression(source regclass, named text, types text[]) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind text := precise.payload_type(source, named);
BEGIN
    IF named IS NULL THEN
        RETURN 'NULL';
    ELSIF kind IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column',
            MESSAGE = pg_catalog.format('%s has no column %I', source, named),
            HINT = 'precise.sources names it.';
    ELSIF kind <> ALL (types) THEN
        RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
            MESSAGE = pg_catalog.format('column %I of %s is of type %s', named, source, kind),
            HINT = pg_catalog.format(
                'It may be of these types: %s.', pg_catalog.array_to_string(types, ', ')
            );
    END IF;
    RETURN pg_catalog.format('precise.row_document(ROW(n.%I))', named);
END
    $$;
COMMENT ON FUNCTION precise.column_expression(regclass, text, text[]) IS
    'SQL for the row of a single column of a row n, in canonical form; NULL for no column.';

CREATE FUNCTION precise.key_of_releases(label text) RETURNS bytea
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kept bytea;
BEGIN
    -- One release of a label at a time, so that each is compared with all others.
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.release ' || key_of_releases.label, 0)
    );
    SELECT k.key INTO kept FROM precise.release_key AS k WHERE k.label = key_of_releases.label;
    IF kept IS NULL AND EXISTS (
        SELECT FROM precise.release AS r WHERE r.label = key_of_releases.label
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('earlier releases under %L cannot be compared', label),
            DETAIL = 'The key of what is kept of their members is not here: no dump has it.',
            HINT = 'precise.import_secrets brings it. Without it, whoever owns precise.release can '
                || 'delete these releases, and nothing is compared with them any more.';
    ELSIF kept IS NULL THEN
        INSERT INTO precise.release_key AS k (label, key)
        VALUES (key_of_releases.label, precise.random_bytes())
        RETURNING k.key INTO kept;
    END IF;
    RETURN kept;
END
    $$;
COMMENT ON FUNCTION precise.key_of_releases(text) IS
    'The key of a label''s released members, which is made for its first release. Until the end of '
    'the transaction nobody else releases anything under the label.';

CREATE FUNCTION precise.check_differences(label text, k bigint, members bytea[])
    RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    earlier bigint;
    differing bigint;
    is_new boolean := true;
BEGIN
    FOR earlier IN
        SELECT r.number FROM precise.release AS r
        WHERE r.label = check_differences.label ORDER BY r.number DESC
    LOOP
        SELECT COALESCE(pg_catalog.sum(precise.differing(o.entries, n.entries)), 0) INTO differing
        FROM (
            SELECT m.part, m.entries FROM precise.released_member AS m
            WHERE m.label = check_differences.label AND m.number = earlier
        ) AS o
        FULL JOIN pg_catalog.unnest(members) WITH ORDINALITY AS n (entries, part)
            ON n.part = o.part;
        IF differing = 0 THEN
            is_new := false;
        ELSIF differing < k THEN
            RAISE EXCEPTION USING ERRCODE = 'PR506',
                MESSAGE = 'a release differs from an earlier one by too few members',
                DETAIL = pg_catalog.format(
                    '%s members differ from release %s under %L, and k is %s. Whoever compares the '
                    || 'two would learn about them.',
                    differing, earlier, label, k
                ),
                HINT = 'Release again when k members have changed, or none.';
        END IF;
    END LOOP;
    RETURN is_new;
END
    $$;
COMMENT ON FUNCTION precise.check_differences(text, bigint, bytea[]) IS
    'Refuses members of whom few are seated otherwise than in an earlier release under the label '
    '(SPEC.md section 8.8); whether none of these has the same.';

CREATE FUNCTION precise.mint_audience(source regclass, OUT proof_id text, OUT cohort_ids text[])
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
    rules precise.ruleset;
    key bytea;
    document text;
    hash text;
    canonical text;
    least bigint;
    skipped bigint;
    census bytea[];
    audience text;
    audience_hash bytea;
    is_new boolean;
    k_before bigint;
    number_given bigint;
    ids bigint[];
BEGIN
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = mint_audience.source;
    least := COALESCE(tracked.k, 1000);
    IF least < 2 THEN
        RAISE EXCEPTION USING ERRCODE = 'PR503',
            MESSAGE = 'k is below 2',
            DETAIL = pg_catalog.format('precise.sources has k = %s for %s.', least, source),
            HINT = 'A cohort of one would name its member.';
    END IF;
    IF tracked.ruleset IS NOT NULL THEN
        SELECT r.* INTO rules FROM precise.ruleset AS r
        WHERE r.label = tracked.ruleset AND r.active;
        IF NOT FOUND AND NOT EXISTS (
            SELECT FROM precise.ruleset AS r WHERE r.label = tracked.ruleset
        ) THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = pg_catalog.format('there is no rule set %L', tracked.ruleset),
                DETAIL = pg_catalog.format('precise.sources names it for %s.', source),
                HINT = 'precise.add_ruleset(label, rules, true) adds one, and makes it active.';
        ELSIF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = pg_catalog.format('rule set %L has no active version', tracked.ruleset),
                DETAIL = pg_catalog.format('precise.sources names it for %s.', source),
                HINT = 'precise.activate_ruleset(label, version) makes one active.';
        END IF;
    END IF;
    IF precise.payload_type(source, 'audience_data') IS NOT NULL THEN
        tracked.payload := 'audience_data';
    ELSIF tracked.source IS NULL AND precise.payload_type(source, 'payload') IS NOT NULL THEN
        tracked.payload := 'payload';
    END IF;
    IF tracked.member IS NULL AND precise.payload_type(source, 'member_id') IS NOT NULL THEN
        tracked.member := 'member_id';
    END IF;
    -- What it would be tracked as, if nothing else is said.
    SELECT COALESCE(tracked.label, c.relname::text) INTO tracked.label
    FROM pg_catalog.pg_class AS c WHERE c.oid = mint_audience.source;
    key := precise.key_of_releases(tracked.label);

    document := precise.record_expression(tracked, source);
    canonical := COALESCE(
        'CASE WHEN @extschema@.precise_check(' || document || ') IS NULL '
        || 'THEN @extschema@.precise_canonical(' || document || ') END',
        'precise.row_document(n.*)'
    );
    -- The leaves go into receipts. Where they are blinded, they are those that were minted.
    hash := CASE WHEN tracked.subject IS NULL THEN '@extschema@.precise_proof_hash(r.canonical)'
        ELSE precise.version_expression(document) END;

    -- A table of the caller's that happens to have this name is in the way.
    IF pg_catalog.to_regclass('pg_temp.precise_audience') IS NOT NULL THEN
        DROP TABLE pg_temp.precise_audience;
    END IF;
    CREATE TEMP TABLE precise_audience (proof_hash bytea, seat text[]) ON COMMIT DROP;
    EXECUTE 'INSERT INTO pg_temp.precise_audience (proof_hash, seat) '
        || 'SELECT h.hash, CASE WHEN h.hash IS NOT NULL THEN precise.seat(r.canonical, $2, $3, '
        || precise.column_expression(source, tracked.member, ARRAY[
            'text', 'character varying', 'smallint', 'integer', 'bigint', 'numeric', 'uuid'
        ]) || ', '
        || precise.column_expression(source, tracked.zip, ARRAY['text', 'character varying']) || ', '
        || precise.column_expression(source, tracked.dma, ARRAY['text', 'character varying'])
        || ') END FROM ' || precise.row_set(source) || ' AS n '
        || 'CROSS JOIN LATERAL (SELECT ' || precise.key_expression(tracked.record_id)
        || ') AS i (record_id) CROSS JOIN LATERAL (SELECT ' || canonical
        || ' OFFSET 0) AS r (canonical) '
        || 'CROSS JOIN LATERAL (SELECT CASE WHEN r.canonical IS NOT NULL THEN ' || hash
        || ' END OFFSET 0) AS h (hash)'
        USING tracked.label, key, rules.rules::text;
    SELECT pg_catalog.count(*) INTO skipped
    FROM pg_temp.precise_audience AS a WHERE a.proof_hash IS NULL;
    IF skipped > 0 THEN
        RAISE WARNING '% rows of % are not in the audience: they have no proof', skipped, source;
    END IF;

    IF pg_catalog.to_regclass('pg_temp.precise_audience_cell') IS NOT NULL THEN
        DROP TABLE pg_temp.precise_audience_cell;
    END IF;
    CREATE TEMP TABLE precise_audience_cell ON COMMIT DROP AS
    WITH leaves AS MATERIALIZED (
        SELECT DISTINCT a.proof_hash, precise.leading(a.proof_hash) AS bits
        FROM pg_temp.precise_audience AS a WHERE a.proof_hash IS NOT NULL
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

    SELECT precise.census(
        a.seat, a.proof_hash, key, least, rules.ruleset_hash, c.batch_roots, c.count
    )
    INTO census
    FROM pg_temp.precise_audience AS a
    CROSS JOIN (
        SELECT pg_catalog.string_agg(b.batch_root, ''::bytea ORDER BY b.cell),
            pg_catalog.sum(b.count)::bigint
        FROM pg_temp.precise_audience_cell AS b
    ) AS c (batch_roots, count)
    WHERE a.proof_hash IS NOT NULL;
    audience := pg_catalog.convert_from(census[1], 'UTF8');
    cohort_ids := pg_catalog.string_to_array(
        pg_catalog.rtrim(pg_catalog.convert_from(census[2], 'UTF8'), E'\n'), E'\n'
    );
    audience_hash := @extschema@.precise_proof_hash(audience);
    proof_id := @extschema@.precise_proof_id(audience_hash);

    is_new := precise.check_differences(tracked.label, least, census[3:]);
    SELECT (b.document::json ->> 'k')::bigint INTO k_before
    FROM precise.release AS r
    JOIN precise.batch AS b ON b.label = r.proof_id AND b.kind = 'audience'
    WHERE r.label = tracked.label ORDER BY r.number DESC LIMIT 1;
    IF least < k_before THEN
        RAISE WARNING USING
            MESSAGE = pg_catalog.format(
                'k is %s, and was %s in the last release under %L', least, k_before, tracked.label
            ),
            DETAIL = 'Whoever compares the two may learn about as few members as the lower k.',
            HINT = 'It is not stopped. If it was not meant: precise.sources has k.';
    END IF;
    IF is_new THEN
        -- Counted on from the last that is seen: if another was made meanwhile, it has the number.
        INSERT INTO precise.release AS r (label, number, proof_id)
        SELECT tracked.label, COALESCE(pg_catalog.max(e.number), 0) + 1,
            mint_audience.proof_id
        FROM precise.release AS e WHERE e.label = tracked.label
        RETURNING r.number INTO number_given;
        INSERT INTO precise.released_member (label, number, part, entries)
        SELECT tracked.label, number_given, m.part, m.entries
        FROM pg_catalog.unnest(census[3:]) WITH ORDINALITY AS m (entries, part)
        WHERE m.entries <> '';
    END IF;

    -- The same rows are the same audience: it is in the outbox once.
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.close_batch ' || mint_audience.proof_id, 0)
    );
    IF EXISTS (SELECT FROM precise.batch AS b WHERE b.label = mint_audience.proof_id) THEN
        RAISE NOTICE 'this audience was minted before';
    ELSE
        UPDATE pg_temp.precise_audience_cell AS c
        SET id = pg_catalog.nextval('precise.batch_id');
        INSERT INTO precise.batch
            (id, kind, label, part, batch_root, count, entry, closed_at, document)
        SELECT c.id, 'audience', mint_audience.proof_id, part.part, c.batch_root, c.count,
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
        SELECT mint_audience.proof_id, a.proof_hash, pg_catalog.count(*), c.id
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
COMMENT ON FUNCTION precise.mint_audience(regclass) IS
    'What precise.mint_audience_proof does, for a table that was found.';

CREATE FUNCTION precise.audience(proof_id text) RETURNS json
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT b.document::json FROM precise.batch AS b
    WHERE b.label = $1 AND b.kind = 'audience' ORDER BY b.id LIMIT 1
    $$;
COMMENT ON FUNCTION precise.audience(text) IS
    'The document of an audience that was minted here (SPEC.md section 8.4), to the byte; NULL: '
    'none has this proof id.';

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
    FROM precise.mint_audience(source) AS a;
END
    $$;
COMMENT ON PROCEDURE precise.mint_audience_proof(text, text, text[]) IS
    'CALL precise.mint_audience_proof(''public.events'', NULL, NULL): where NULL stands it gives '
    'its results. Mints a table''s audience: its records'' batches, and one proof of the cohorts in '
    'it that have at least k members (precise.sources, else 1000). Gives that proof''s id and the '
    'cohorts'' ids. A record is the column audience_data, else the tracked payload, else payload, '
    'else the row. The active rule set that precise.sources names says which cohorts it is in, '
    'without one its cohort_id does; whose it is its member_id says. Smaller cohorts are made wider, '
    'zip code to three digits of it to market area to none. Refused (PR506) where fewer than k '
    'members are not where they were in an earlier release under the same label.';
