-- What is asked later: receipts, whether a table is still what was minted, and to be forgotten.

CREATE FUNCTION precise.state_of(tracked precise.sources) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    named text;
    enabled bigint;
    expected bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = tracked.source) THEN
        RETURN 'the table is gone';
    END IF;
    FOREACH named IN ARRAY tracked.record_id || ARRAY[tracked.payload, tracked.subject] LOOP
        IF named IS NOT NULL AND precise.payload_type(tracked.source, named) IS NULL THEN
            RETURN pg_catalog.format('column %I is gone', named);
        END IF;
    END LOOP;
    IF precise.payload_type(tracked.source, tracked.payload)
        NOT IN ('jsonb', 'json', 'text', 'character varying')
    THEN
        RETURN pg_catalog.format(
            'column %I is of type %s', tracked.payload,
            precise.payload_type(tracked.source, tracked.payload)
        );
    END IF;
    SELECT pg_catalog.count(*) * 2 INTO expected FROM precise.members(tracked.source);
    SELECT pg_catalog.count(*) INTO enabled
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid IN (SELECT precise.members(tracked.source))
        AND t.tgfoid = 'precise.mint_written'::regproc
        AND t.tgenabled IN ('O', 'A');
    RETURN CASE WHEN enabled < expected THEN
        pg_catalog.format('%s of %s triggers are missing or disabled', expected - enabled, expected)
    ELSE
        'tracked'
    END;
END
    $$;
COMMENT ON FUNCTION precise.state_of(precise.sources) IS
    'tracked, or what keeps a table''s rows from being minted.';

CREATE VIEW precise.status AS
    SELECT s.source, s.label, precise.state_of(s) AS state,
        (
            SELECT pg_catalog.count(*) FROM precise.proof AS p
            WHERE p.label = s.label AND p.batch_id IS NULL
        ) AS pending,
        (SELECT pg_catalog.count(*) FROM precise.reject AS r WHERE r.label = s.label) AS rejects,
        (
            SELECT pg_catalog.max(r.at) FROM precise.reject AS r WHERE r.label = s.label
        ) AS last_reject,
        (
            SELECT pg_catalog.count(*) FROM precise.batch AS b
            WHERE b.label = s.label AND b.state <> 'committed'
        ) AS uncommitted,
        (
            SELECT pg_catalog.now() - pg_catalog.max(b.committed_at) FROM precise.batch AS b
            WHERE b.label = s.label
        ) AS last_commit_age
    FROM precise.sources AS s;
COMMENT ON VIEW precise.status IS 'How each tracked table is doing.';
COMMENT ON COLUMN precise.status.state IS 'tracked, or what keeps its rows from being minted.';
COMMENT ON COLUMN precise.status.pending IS 'Proofs that are in no batch yet.';
COMMENT ON COLUMN precise.status.rejects IS 'Rows that were not minted, noted in precise.reject.';
COMMENT ON COLUMN precise.status.uncommitted IS 'Batches that are not in the log yet.';
COMMENT ON COLUMN precise.status.last_commit_age IS 'How long ago its last batch went to the log.';

CREATE FUNCTION precise.receipt(proof_hash bytea, label text DEFAULT NULL) RETURNS json
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    proof precise.proof;
    batch precise.batch;
    inclusion jsonb;
BEGIN
    SELECT p.* INTO proof
    FROM precise.proof AS p JOIN precise.batch AS b ON b.id = p.batch_id
    WHERE p.proof_hash = receipt.proof_hash AND b.state = 'committed'
        AND (receipt.label IS NULL OR p.label = receipt.label)
    ORDER BY b.committed_at, b.id
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT b.* INTO batch FROM precise.batch AS b WHERE b.id = proof.batch_id;
    SELECT @extschema@.precise_inclusion(p.proof_hash, receipt.proof_hash)::jsonb INTO inclusion
    FROM precise.proof AS p WHERE p.batch_id = batch.id;
    IF (inclusion ->> 'count')::bigint <> batch.count THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('proofs of batch %s are missing', batch.id),
            HINT = 'A receipt needs them all. If they were archived, make it from the archive.';
    END IF;
    -- What is NULL here is left out.
    RETURN @extschema@.precise_canonical(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'anchors', '[]'::jsonb,
        'batch', inclusion,
        'blinded', CASE WHEN proof.version IS NOT NULL THEN true END,
        -- What the log proof is of.
        'entry', COALESCE(batch.log_entry, batch.entry),
        'proof_hash', precise.hex(proof.proof_hash),
        'tlog_proof', batch.tlog_proof,
        'v', 1
    )));
END
    $$;
COMMENT ON FUNCTION precise.receipt(bytea, text) IS
    'The receipt of a proof (SPEC.md section 5): all that its record''s holder needs to verify it, '
    'but for the blind. NULL until its batch is committed; without a label, from the batch that '
    'was committed first.';

CREATE FUNCTION precise.verify_table(source regclass)
    RETURNS TABLE (finding text, record_id text, proof_hash bytea, detail text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
    SET extra_float_digits = 1 SET bytea_output = 'hex'
    -- The server does not know how many rows there are in the steps below, and they are many.
    SET enable_nestloop = off SET jit = off
    AS $$
DECLARE
    tracked precise.sources;
    document text;
    row_set text;
    hash text;
BEGIN
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.source = verify_table.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%s is not tracked', source),
            HINT = 'Proofs of its rows are there only if precise.track was called for it.';
    ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = source) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table',
            MESSAGE = pg_catalog.format('the table that was tracked as %L is gone', tracked.label),
            HINT = 'Its proofs stay. precise.untrack takes it out of precise.sources.';
    END IF;
    document := precise.record_expression(tracked, source);
    row_set := precise.row_set(source);
    hash := precise.hash_expression(document);
    IF tracked.subject IS NOT NULL THEN
        hash := precise.version_expression(document);
    END IF;
    RETURN QUERY EXECUTE
        'WITH stored AS MATERIALIZED ('
        || 'SELECT i.record_id, r.reason, CASE WHEN r.reason IS NULL THEN ' || hash
        || ' END AS proof_hash FROM ' || row_set || ' AS n '
        || 'CROSS JOIN LATERAL (SELECT ' || precise.key_expression(tracked.record_id)
        || ') AS i (record_id) CROSS JOIN LATERAL (SELECT '
        || COALESCE(
            'CASE WHEN ' || document || ' IS NULL THEN ''the row has no record'' '
            || 'ELSE (precise.refusal(' || document || '))[3] END',
            '(precise.row_refusal(n.*))[3]'
        )
        || ' OFFSET 0) AS r (reason)'
        || '), minted AS MATERIALIZED ('
        || 'SELECT p.proof_hash, p.record_id, p.batch_id, v.reason, '
        || CASE WHEN tracked.subject IS NULL THEN 'true' ELSE
            'p.version IS NULL '
            'OR precise.blind_with(p.subject, p.label, p.record_id, p.version) IS NOT NULL'
        END
        || ' AS opens FROM precise.proof AS p '
        || 'LEFT JOIN precise.void AS v ON v.proof_hash = p.proof_hash WHERE p.label = $1'
        || '), records AS MATERIALIZED ('
        || 'SELECT m.record_id, pg_catalog.bool_and(m.opens) AS open FROM minted AS m '
        || 'WHERE m.record_id IS NOT NULL GROUP BY m.record_id'
        || ') '
        || 'SELECT CASE WHEN k.record_id IS NULL THEN ''row unproven'' '
        || 'WHEN k.open THEN ''row altered'' ELSE ''row unverifiable'' END, '
        || 's.record_id, s.proof_hash, COALESCE(s.reason, '
        || 'CASE WHEN k.record_id IS NULL '
        || 'THEN ''neither its content nor its record id has a proof'' '
        || 'WHEN k.open THEN ''its record id has a proof, of another content'' '
        || 'ELSE ''the secret that would open its proof is not here'' END) '
        || 'FROM stored AS s LEFT JOIN minted AS m ON m.proof_hash = s.proof_hash '
        || 'LEFT JOIN records AS k ON k.record_id = s.record_id '
        || 'WHERE m.proof_hash IS NULL '
        || 'UNION ALL '
        || 'SELECT ''proof void'', s.record_id, s.proof_hash, m.reason '
        || 'FROM stored AS s JOIN minted AS m ON m.proof_hash = s.proof_hash '
        || 'WHERE m.reason IS NOT NULL '
        || 'UNION ALL '
        || 'SELECT ''proof without row'', m.record_id, m.proof_hash, '
        || 'COALESCE(''in batch '' || m.batch_id, ''in no batch'') '
        || 'FROM minted AS m WHERE m.reason IS NULL '
        || 'AND NOT EXISTS (SELECT FROM stored AS s WHERE s.proof_hash = m.proof_hash) '
        || 'AND NOT EXISTS (SELECT FROM stored AS s WHERE s.record_id = m.record_id)'
        USING tracked.label;
END
    $$;
COMMENT ON FUNCTION precise.verify_table(regclass) IS
    'Compares a tracked table with its proofs. row altered: its content has no proof, its record '
    'id has; row unproven: neither has; row unverifiable: its subject''s secret is not here; proof void: the row is there, its proof was voided; proof '
    'without row: neither its content nor its record is there any more. No row: all is well.';

CREATE FUNCTION precise.void_proof(proof_hash bytea, reason text DEFAULT 'correction') RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM precise.proof AS p WHERE p.proof_hash = void_proof.proof_hash) THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = 'there is no such proof';
    END IF;
    INSERT INTO precise.void (proof_hash, reason, salt)
    VALUES (void_proof.proof_hash, void_proof.reason, precise.random_bytes())
    ON CONFLICT ON CONSTRAINT void_pkey DO NOTHING;
END
    $$;
COMMENT ON FUNCTION precise.void_proof(bytea, text) IS
    'Says that a proof no longer holds, of an old version for instance. It stays in its batch.';

CREATE FUNCTION precise.forget_subject(
    subject text, reason text DEFAULT 'erasure', OUT voided bigint, OUT dropped bigint
)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    each text;
BEGIN
    IF subject IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'cannot forget a subject that is NULL';
    END IF;
    IF reason IS NULL OR reason NOT IN ('erasure', 'opt_out') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('%L is no reason to forget a subject', reason),
            HINT = 'It is erasure, or opt_out: then nothing about the subject is minted again.';
    END IF;
    -- What is imported meanwhile must not bring the secret back.
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(
        pg_catalog.hashtextextended('precise.import_secrets', 0)
    );
    -- Batches that are being closed first: a proof of the subject's in one of them is voided, not
    -- dropped. Then the secret, which whoever is minting with it holds on to.
    FOR each IN
        SELECT DISTINCT p.label FROM precise.proof AS p
        WHERE p.subject = forget_subject.subject ORDER BY p.label
    LOOP
        PERFORM pg_catalog.pg_advisory_xact_lock(
            pg_catalog.hashtextextended('precise.close_batch ' || each, 0)
        );
    END LOOP;
    IF reason = 'opt_out' THEN
        INSERT INTO precise.suppressed (subject) VALUES (forget_subject.subject)
        ON CONFLICT ON CONSTRAINT suppressed_pkey DO NOTHING;
    END IF;
    -- A row in its place, if it has none, stops those who are about to make one.
    INSERT INTO precise.subject_secret (subject, secret)
    VALUES (forget_subject.subject, precise.random_bytes())
    ON CONFLICT ON CONSTRAINT subject_secret_pkey DO NOTHING;
    PERFORM FROM precise.subject_secret AS s WHERE s.subject = forget_subject.subject FOR UPDATE;

    -- What has accrued for is voided, so that it is taken back.
    DELETE FROM precise.proof AS p
    WHERE p.subject = forget_subject.subject AND p.batch_id IS NULL AND NOT EXISTS (
        SELECT FROM precise.ledger_entry AS e WHERE e.proof_hash = p.proof_hash
    );
    GET DIAGNOSTICS dropped = ROW_COUNT;
    INSERT INTO precise.void (proof_hash, reason, salt)
    SELECT p.proof_hash, forget_subject.reason, precise.random_bytes()
    FROM precise.proof AS p WHERE p.subject = forget_subject.subject
    ON CONFLICT ON CONSTRAINT void_pkey DO NOTHING;
    GET DIAGNOSTICS voided = ROW_COUNT;
    DELETE FROM precise.subject_secret AS s WHERE s.subject = forget_subject.subject;
    -- What is left is hashes nobody can open. Rejects were noted without their records.
    DELETE FROM precise.reject AS r
    USING precise.proof AS p
    WHERE p.subject = forget_subject.subject AND r.label = p.label AND r.record_id = p.record_id;
    UPDATE precise.proof AS p SET subject = NULL, record_id = NULL
    WHERE p.subject = forget_subject.subject;
END
    $$;
COMMENT ON FUNCTION precise.forget_subject(text, text) IS
    'Forgets a subject: voids its proofs, drops those in no batch, destroys its secret, and if it '
    'opts out, mints nothing about it again. The records themselves are the application''s to '
    'delete. What that means for backups is in docs/erasure.md.';

CREATE FUNCTION precise.archive(label text, before timestamptz)
    RETURNS TABLE (
        proof_hash text, proof_id text, record_id text, version uuid, seen bigint,
        minted_at timestamptz, batch_id bigint, entry text, tlog_proof text, checkpoint text
    )
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT precise.hex(p.proof_hash), @extschema@.precise_proof_id(p.proof_hash), p.record_id,
        p.version, p.seen, p.minted_at, p.batch_id, COALESCE(b.log_entry, b.entry), b.tlog_proof,
        b.checkpoint
    FROM precise.batch AS b JOIN precise.proof AS p ON p.batch_id = b.id
    WHERE b.label = $1 AND b.state = 'committed' AND b.committed_at < $2
    ORDER BY p.batch_id, p.proof_hash
    $$;
COMMENT ON FUNCTION precise.archive(text, timestamptz) IS
    'The proofs of batches that were committed before a time, batch by batch, for \copy to a file.';

CREATE FUNCTION precise.drop_archived(label text, before timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    dropped bigint;
BEGIN
    DELETE FROM precise.proof AS p
    USING precise.batch AS b
    WHERE b.id = p.batch_id AND b.label = drop_archived.label
        AND b.state = 'committed' AND b.committed_at < drop_archived.before;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
    $$;
COMMENT ON FUNCTION precise.drop_archived(text, timestamptz) IS
    'Deletes what precise.archive gives for the same label and time, and says how many proofs that '
    'were. Receipts of theirs are then made from the archive; their batches stay.';
