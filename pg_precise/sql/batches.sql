-- Batches: pending proofs become sets with a root, each with its entry for the log.

CREATE FUNCTION precise.hex(hash bytea) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT '0x' || pg_catalog.encode($1, 'hex') $$;
COMMENT ON FUNCTION precise.hex(bytea) IS 'A hash as it is spelled in documents.';

CREATE FUNCTION precise.leading(hash bytea) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT (pg_catalog.get_byte($1, 0)::bigint << 24) | (pg_catalog.get_byte($1, 1)::bigint << 16)
        | (pg_catalog.get_byte($1, 2)::bigint << 8) | pg_catalog.get_byte($1, 3)::bigint
    $$;
COMMENT ON FUNCTION precise.leading(bytea) IS 'The first 32 bits of a hash.';

CREATE FUNCTION precise.cut_bits(closest bigint) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF closest IS NULL THEN
        RETURN 0;
    ELSIF closest = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'PR904',
            MESSAGE = 'too many hashes share their first 32 bits',
            HINT = 'Proof hashes are uniform; this column holds something else.';
    END IF;
    -- As many bits as the two have in common, and one more.
    RETURN 33 - pg_catalog.length(pg_catalog.ltrim(closest::bit(32)::text, '0'));
END
    $$;
COMMENT ON FUNCTION precise.cut_bits(bigint) IS
    'By how many leading bits a sorted set has to be cut, if those of any two hashes that stand '
    'the limit apart differ at least by this; NULL: it is no larger than the limit.';

CREATE FUNCTION precise.entry(
    kind text, label text, part jsonb, batch_root bytea, count bigint, closed_at timestamptz,
    audience_hash bytea DEFAULT NULL, statement_hash bytea DEFAULT NULL
) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT @extschema@.precise_canonical(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'audience_hash', precise.hex(audience_hash),
        'batch_root', precise.hex(batch_root),
        'canon', 'precise-jcs-1',
        'closed_at', pg_catalog.to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'count', count,
        'kind', kind,
        'label', label,
        'part', part,
        'statement_hash', precise.hex(statement_hash),
        'v', 1
    )))
    $$;
COMMENT ON FUNCTION precise.entry(text, text, jsonb, bytea, bigint, timestamptz, bytea, bytea) IS
    'The log entry of a batch (SPEC.md section 4), which knows nothing of the log.';

CREATE FUNCTION precise.tell(batch_ids bigint[]) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
    -- A notification holds 8,000 bytes; 300 ids of at most 19 digits fit.
    SELECT pg_catalog.pg_notify(
        'precise_batch', pg_catalog.string_agg(b.id::text, ',' ORDER BY b.place)
    )
    FROM pg_catalog.unnest(batch_ids) WITH ORDINALITY AS b (id, place)
    GROUP BY (b.place - 1) / 300
    $$;
COMMENT ON FUNCTION precise.tell(bigint[]) IS
    'NOTIFY precise_batch with the ids of new batches, separated by commas.';

CREATE FUNCTION precise.close_pending(label text, max_leaves bigint) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    -- The server does not know how many proofs and cells there are, and they are many.
    SET enable_nestloop = off SET jit = off
    AS $$
DECLARE
    now_utc timestamptz := pg_catalog.date_trunc('second', pg_catalog.clock_timestamp());
    ids bigint[];
    hashed numeric;
    claimed bigint;
BEGIN
    -- One at a time for each label. Forgetting a subject, which may take proofs away, waits too.
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.close_batch ' || close_pending.label, 0)
    );
    -- A single statement, so that it sees one set of proofs from its first step to its last:
    -- those minted meanwhile stay pending.
    WITH pending AS MATERIALIZED (
        SELECT p.proof_hash, precise.leading(p.proof_hash) AS bits
        FROM precise.proof AS p
        WHERE p.label = close_pending.label AND p.batch_id IS NULL
        -- Held in the order in which writers count content that comes again, so that they and
        -- this wait for each other and not in a circle.
        ORDER BY p.proof_hash
        FOR NO KEY UPDATE
    ), cut AS MATERIALIZED (
        SELECT precise.cut_bits(pg_catalog.min(d.bits)) AS bits
        FROM (
            SELECT p.bits # pg_catalog.lead(p.bits, close_pending.max_leaves::integer)
                OVER (ORDER BY p.proof_hash)
            FROM pending AS p
        ) AS d (bits)
    ), cells AS (
        SELECT p.bits >> (32 - cut.bits) AS cell, pg_catalog.count(*) AS count,
            @extschema@.precise_merkle_root(p.proof_hash) AS batch_root
        FROM pending AS p CROSS JOIN cut
        GROUP BY p.bits >> (32 - cut.bits)
        ORDER BY p.bits >> (32 - cut.bits)
    ), batches AS MATERIALIZED (
        SELECT pg_catalog.nextval('precise.batch_id') AS id, c.cell, c.count, c.batch_root,
            CASE WHEN cut.bits > 0 THEN pg_catalog.jsonb_build_object(
                'bits', cut.bits, 'index', c.cell, 'parts', (SELECT pg_catalog.count(*) FROM cells)
            ) END AS part
        FROM cells AS c CROSS JOIN cut
    ), claims AS (
        UPDATE precise.proof AS p SET batch_id = b.id
        FROM batches AS b CROSS JOIN cut
        WHERE p.label = close_pending.label AND p.batch_id IS NULL
            AND precise.leading(p.proof_hash) >> (32 - cut.bits) = b.cell
        RETURNING 1
    ), closed AS (
        INSERT INTO precise.batch (id, label, part, batch_root, count, entry, closed_at)
        SELECT b.id, close_pending.label, b.part, b.batch_root, b.count,
            precise.entry('records', close_pending.label, b.part, b.batch_root, b.count, now_utc),
            now_utc
        FROM batches AS b
        RETURNING id
    )
    SELECT (SELECT pg_catalog.array_agg(c.id ORDER BY c.id) FROM closed AS c),
        (SELECT pg_catalog.sum(b.count) FROM batches AS b),
        (SELECT pg_catalog.count(*) FROM claims)
    INTO ids, hashed, claimed;
    IF hashed <> claimed THEN
        -- The proofs are held, so this cannot be; a root of other proofs would be public for ever.
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = pg_catalog.format(
                'pending proofs of %L changed while they were batched', label
            ),
            HINT = 'Nothing was closed. Try again.';
    END IF;
    RETURN ids;
END
    $$;
COMMENT ON FUNCTION precise.close_pending(text, bigint) IS
    'What precise.close_batch does for one label; the batches'' ids, NULL if nothing is pending.';

CREATE PROCEDURE precise.close_batch(label text DEFAULT NULL, max_leaves bigint DEFAULT 1048576)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    each text;
    ids bigint[];
    closed bigint[] := '{}';
BEGIN
    IF max_leaves IS NULL OR max_leaves NOT BETWEEN 1 AND 2147483647 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'max_leaves is not between 1 and 2147483647',
            HINT = 'It is how many proofs a batch may have at most.';
    END IF;
    -- In one order, so that two at once wait for each other and not in a circle.
    FOR each IN
        SELECT close_batch.label WHERE close_batch.label IS NOT NULL
        UNION
        SELECT p.label FROM precise.proof AS p
        WHERE close_batch.label IS NULL AND p.batch_id IS NULL
        ORDER BY 1
    LOOP
        ids := precise.close_pending(each, max_leaves);
        closed := closed || COALESCE(ids, '{}');
    END LOOP;
    IF closed = '{}' THEN
        RAISE NOTICE USING MESSAGE = CASE
            WHEN label IS NULL THEN 'nothing is pending'
            ELSE pg_catalog.format('nothing of %L is pending', label)
        END;
    ELSE
        PERFORM precise.tell(closed);
    END IF;
END
    $$;
COMMENT ON PROCEDURE precise.close_batch(text, bigint) IS
    'Puts a label''s pending proofs (NULL: those of every label) into batches, cut so that none '
    'has more than max_leaves, and tells the committer: NOTIFY precise_batch with their ids. All '
    'or nothing, and safe to run twice at once.';
