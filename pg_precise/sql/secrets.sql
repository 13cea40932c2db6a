-- Subjects' secrets, and the keys of releases, on their way to another database. No dump has them,
-- so who moves one needs this.
--
-- Both functions run with their caller's rights: it takes those of precise_minter, and the right to
-- name files of the server's. The key itself is never in a statement.

CREATE FUNCTION precise.seal(
    key_file text, salt bytea, number bigint, is_last boolean, secrets text
) RETURNS bytea
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'precise_seal';
COMMENT ON FUNCTION precise.seal(text, bytea, bigint, boolean, text) IS
    'A chunk of an export: AES-256-GCM, bound to its place and to the export of this salt.';

CREATE FUNCTION precise.unseal(
    key_file text, first bytea, number bigint, is_last boolean, chunk bytea
) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'precise_unseal';
COMMENT ON FUNCTION precise.unseal(text, bytea, bigint, boolean, bytea) IS
    'What is in a chunk, which must be the one of this number in the export whose first is given.';

CREATE FUNCTION precise.export_secrets(key_file text) RETURNS TABLE (chunk bytea)
    -- STABLE, so that all steps see one set of secrets.
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    -- No secret goes into a temporary file: they are read along the index, and a chunk has room.
    SET enable_sort = off SET work_mem = '64MB'
    AS $$
DECLARE
    salt bytea := precise.random_bytes();
    remaining bigint;
    exported bigint;
    number bigint := 0;
    behind text := '';
    taken bigint;
    secrets json;
    keys json;
BEGIN
    SELECT pg_catalog.count(*) INTO remaining FROM precise.subject_secret;
    SELECT COALESCE(pg_catalog.json_agg(
        pg_catalog.json_build_array(k.label, pg_catalog.encode(k.key, 'hex'))
    ), '[]') INTO keys FROM precise.release_key AS k;
    exported := remaining;
    LOOP
        SELECT pg_catalog.count(*), pg_catalog.max(s.subject), pg_catalog.json_agg(
            pg_catalog.json_build_array(
                s.subject, pg_catalog.encode(s.secret, 'hex'), s.made_at
            )
        )
        INTO taken, behind, secrets
        FROM (
            SELECT s.subject, s.secret, s.made_at FROM precise.subject_secret AS s
            WHERE s.subject >= behind AND (number = 0 OR s.subject <> behind)
            ORDER BY s.subject LIMIT 4096
        ) AS s;
        remaining := remaining - taken;
        number := number + 1;
        chunk := precise.seal(
            key_file, salt, number, remaining = 0,
            pg_catalog.json_build_object(
                'exported_at', pg_catalog.now(), 'secrets', COALESCE(secrets, '[]'),
                -- There are few, all of them in the first chunk.
                'release_keys', CASE WHEN number = 1 THEN keys ELSE '[]' END
            )::text
        );
        RETURN NEXT;
        EXIT WHEN remaining = 0;
    END LOOP;
    RAISE LOG 'the secrets of % subjects were exported', exported;
END
    $$;
COMMENT ON FUNCTION precise.export_secrets(text) IS
    'The secrets of all subjects and the keys of releases, encrypted with the key in a file of the '
    'server''s (64 hex digits, mode 600), in chunks of 4,096 secrets. Whoever has chunks and key can undo what erasures there are '
    'from now on: destroy the key when the secrets have arrived.';

CREATE FUNCTION precise.import_secrets(
    key_file text, chunks regclass, without_proofs boolean DEFAULT false,
    OUT imported bigint, OUT present bigint, OUT suppressed bigint, OUT unknown bigint
)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    -- As above: an opened chunk has room. The server does not know how much is in one.
    SET work_mem = '64MB' SET enable_nestloop = off
    AS $$
DECLARE
    each record;
    opened json;
    counted record;
    first bytea;
    conflicting bigint := 0;
    other_key text;
BEGIN
    IF key_file IS NULL OR chunks IS NULL OR without_proofs IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'cannot import secrets: an argument is NULL';
    END IF;
    -- Who is being forgotten meanwhile must be seen as forgotten: nobody is until the end, and
    -- what was done before is looked at anew by each statement.
    IF pg_catalog.current_setting('transaction_isolation')
        IN ('repeatable read', 'serializable')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_transaction_state',
            MESSAGE = 'secrets cannot be imported in a transaction that sees an earlier state',
            HINT = 'Import in a transaction of isolation level READ COMMITTED.';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('precise.import_secrets', 0)
    );
    imported := 0;
    present := 0;
    suppressed := 0;
    unknown := 0;
    FOR each IN EXECUTE pg_catalog.format(
        -- By their bytes is by their numbers: a table has no order.
        'SELECT c.chunk, pg_catalog.row_number() OVER w AS number, '
        'pg_catalog.count(*) OVER () AS count '
        'FROM %s AS c WINDOW w AS (ORDER BY c.chunk) ORDER BY c.chunk',
        chunks
    ) LOOP
        IF each.chunk IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
                MESSAGE = 'there is a chunk that is NULL', DETAIL = 'Nothing was imported.';
        END IF;
        first := COALESCE(first, each.chunk);
        opened := precise.unseal(key_file, first, each.number, each.number = each.count, each.chunk);
        INSERT INTO precise.release_key (label, key)
        SELECT k.pair ->> 0, pg_catalog.decode(k.pair ->> 1, 'hex')
        FROM pg_catalog.json_array_elements(opened -> 'release_keys') AS k (pair)
        ORDER BY k.pair ->> 0
        ON CONFLICT ON CONSTRAINT release_key_pkey DO NOTHING;
        SELECT k.pair ->> 0 INTO other_key
        FROM pg_catalog.json_array_elements(opened -> 'release_keys') AS k (pair)
        JOIN precise.release_key AS r ON r.label = k.pair ->> 0
        WHERE r.key <> pg_catalog.decode(k.pair ->> 1, 'hex')
        LIMIT 1;
        IF other_key IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'unique_violation',
                MESSAGE = pg_catalog.format('releases under %L have another key here', other_key),
                DETAIL = 'Nothing was imported.',
                HINT = 'Is this the database the secrets were exported for?';
        END IF;
        WITH given AS MATERIALIZED (
            SELECT s.secret ->> 0 AS subject, pg_catalog.decode(s.secret ->> 1, 'hex') AS secret,
                (s.secret ->> 2)::timestamptz AS made_at
            FROM pg_catalog.json_array_elements(opened -> 'secrets') AS s (secret)
        ), known AS MATERIALIZED (
            SELECT g.*, u.subject IS NOT NULL AS is_suppressed,
                -- Who was forgotten since the export has no proof from before it. Nor has one all
                -- of whose proofs were archived.
                without_proofs OR EXISTS (
                    SELECT FROM precise.proof AS p
                    WHERE p.subject = g.subject
                        AND p.minted_at <= (opened ->> 'exported_at')::timestamptz
                ) AS is_known
            FROM given AS g LEFT JOIN precise.suppressed AS u ON u.subject = g.subject
        ), made AS (
            INSERT INTO precise.subject_secret (subject, secret, made_at)
            SELECT k.subject, k.secret, k.made_at FROM known AS k
            WHERE k.is_known AND NOT k.is_suppressed
            ORDER BY k.subject
            ON CONFLICT ON CONSTRAINT subject_secret_pkey DO NOTHING
            RETURNING subject
        )
        SELECT pg_catalog.count(m.subject) AS imported,
            pg_catalog.count(*) FILTER (WHERE k.is_suppressed) AS suppressed,
            pg_catalog.count(*) FILTER (WHERE NOT k.is_suppressed AND NOT k.is_known) AS unknown,
            pg_catalog.count(*) FILTER (
                WHERE k.is_known AND NOT k.is_suppressed AND s.secret = k.secret
            ) AS present,
            -- Or there since a moment ago.
            pg_catalog.count(*) FILTER (
                WHERE k.is_known AND NOT k.is_suppressed
                    AND m.subject IS NULL AND s.secret IS DISTINCT FROM k.secret
            ) AS conflicting
        INTO counted
        FROM known AS k
        LEFT JOIN made AS m ON m.subject = k.subject
        LEFT JOIN precise.subject_secret AS s ON s.subject = k.subject;
        imported := imported + counted.imported;
        present := present + counted.present;
        suppressed := suppressed + counted.suppressed;
        unknown := unknown + counted.unknown;
        conflicting := conflicting + counted.conflicting;
    END LOOP;
    IF first IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'data_exception',
            MESSAGE = pg_catalog.format('cannot import secrets: %s is empty', chunks),
            HINT = 'Also an export of no secrets is one chunk.';
    ELSIF conflicting > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation',
            MESSAGE = pg_catalog.format('%s subjects have other secrets here', conflicting),
            DETAIL = 'Nothing was imported.',
            HINT = 'A proof opens with the secret it was minted with, and a subject has one. '
                || CASE WHEN without_proofs THEN
                    'Without without_proofs, only those with proofs from before the export count.'
                ELSE 'Is this the database the secrets were exported for?' END;
    END IF;
END
    $$;
COMMENT ON FUNCTION precise.import_secrets(text, regclass, boolean) IS
    'Takes in secrets from the chunks of one precise.export_secrets, in the column chunk of a '
    'table, all or nothing. imported: how many; present: how many were here already; suppressed: '
    'how many not, since their subjects opted out; unknown: how many not, since their subjects have '
    'no proof here from before the export, which is how those look who were forgotten since. '
    'without_proofs takes these as well, for archived proofs. The keys of releases come along, and '
    'are not counted.';
