-- The ledger: what contributors are due for tracked events, what was settled, and what is left
-- (SPEC.md section 10).
--
-- Whatever writes to it holds one lock, so that transactions have numbers without gaps and each
-- names the hash of the one before.

CREATE TABLE precise.royalty_rate (
    contributor text NOT NULL CHECK (contributor <> ''),
    rate_ppm integer NOT NULL CHECK (rate_ppm BETWEEN 0 AND 1000000),
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (contributor, valid_from)
);
COMMENT ON TABLE precise.royalty_rate IS
    'What part of the price a contributor is due for its share of an impression. Add rows: what '
    'was accrued keeps its rate.';
COMMENT ON COLUMN precise.royalty_rate.contributor IS
    'Its id, as events have it in attribution.data_contributors.';
COMMENT ON COLUMN precise.royalty_rate.rate_ppm IS
    'In parts per million: 1000000 is the whole of its share.';
COMMENT ON COLUMN precise.royalty_rate.valid_from IS
    'The rate of an event is the last one that is valid from a time not after the event''s.';

CREATE TABLE precise.ledger_transaction (
    number bigint PRIMARY KEY CHECK (number > 0),
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('accrual', 'void', 'settlement')),
    entries_root bytea NOT NULL CHECK (pg_catalog.octet_length(entries_root) = 32),
    count bigint NOT NULL CHECK (count >= 0),
    previous bytea NOT NULL CHECK (pg_catalog.octet_length(previous) = 32),
    hash bytea NOT NULL CHECK (pg_catalog.octet_length(hash) = 32),
    document text NOT NULL
);
COMMENT ON TABLE precise.ledger_transaction IS
    'The ledger: transactions that each name the hash of the one before. None is ever changed.';
COMMENT ON COLUMN precise.ledger_transaction.kind IS
    'accrual: entries of events; void: entries that take others back; settlement: of a period.';
COMMENT ON COLUMN precise.ledger_transaction.entries_root IS
    'precise_merkle_root of the proof hashes of its entries'' documents.';
COMMENT ON COLUMN precise.ledger_transaction.hash IS 'precise_proof_hash of the document.';
COMMENT ON COLUMN precise.ledger_transaction.document IS
    'The transaction with its postings, in canonical form. The other columns are of it.';

CREATE TABLE precise.ledger_entry (
    id bytea PRIMARY KEY CHECK (pg_catalog.octet_length(id) = 32),
    transaction bigint NOT NULL REFERENCES precise.ledger_transaction,
    proof_hash bytea NOT NULL CHECK (pg_catalog.octet_length(proof_hash) = 32),
    contributor text NOT NULL,
    signal_type text NOT NULL,
    campaign text NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    late boolean NOT NULL,
    amount numeric(38, 24) NOT NULL,
    rate_ppm integer NOT NULL
);
CREATE INDEX ledger_entry_transaction ON precise.ledger_entry (transaction);
CREATE INDEX ledger_entry_proof ON precise.ledger_entry (proof_hash);
COMMENT ON TABLE precise.ledger_entry IS
    'What one event makes one contributor due for one kind of signal, or takes it back.';
COMMENT ON COLUMN precise.ledger_entry.id IS
    'precise_ledger_entry_id, or precise_ledger_void_id of an entry that takes another back.';
COMMENT ON COLUMN precise.ledger_entry.proof_hash IS 'The event''s proof.';
COMMENT ON COLUMN precise.ledger_entry.campaign IS 'The event''s campaign_id; empty: none.';
COMMENT ON COLUMN precise.ledger_entry.period IS
    'The month of the event; if that was settled already, the month in which the entry was made.';
COMMENT ON COLUMN precise.ledger_entry.late IS
    'Whether the month was settled in which the entry would be otherwise.';

CREATE TABLE precise.posting (
    transaction bigint NOT NULL REFERENCES precise.ledger_transaction,
    account text NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    amount numeric(38, 24) NOT NULL,
    PRIMARY KEY (transaction, account, currency, period)
);
COMMENT ON TABLE precise.posting IS
    'What each transaction adds to which account, as its document says: a trigger writes it, also '
    'where a dump is restored, and nobody else can. It is not in a dump.';
COMMENT ON COLUMN precise.posting.account IS
    'contributor/...: accrued and not settled; campaign/...: who pays; carry/...: carried; '
    'payable/...: to be paid.';

CREATE TABLE precise.account (
    account text NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    balance numeric(38, 24) NOT NULL,
    PRIMARY KEY (account, currency, period)
);
COMMENT ON TABLE precise.account IS
    'The sums of precise.posting, kept by the trigger that writes those. Not in a dump.';

CREATE TABLE precise.settlement (
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    transaction bigint NOT NULL UNIQUE REFERENCES precise.ledger_transaction,
    statement text NOT NULL,
    statement_hash bytea NOT NULL CHECK (pg_catalog.octet_length(statement_hash) = 32),
    key bytea NOT NULL CHECK (pg_catalog.octet_length(key) = 32),
    PRIMARY KEY (period, currency)
);
COMMENT ON TABLE precise.settlement IS 'Periods that were settled, each with its statement.';
COMMENT ON COLUMN precise.settlement.statement IS
    'Every contributor''s line, in canonical form (SPEC.md section 10.3). It stays here.';
COMMENT ON COLUMN precise.settlement.statement_hash IS
    'precise_proof_hash of its head, which is the statement without lines. The label of its '
    'batches is the proof id of this.';
COMMENT ON COLUMN precise.settlement.key IS
    'What the salts of its lines are made with. Whoever has it can try names against them.';

CREATE TABLE precise.exempt (
    proof_hash bytea PRIMARY KEY CHECK (pg_catalog.octet_length(proof_hash) = 32)
);
COMMENT ON TABLE precise.exempt IS
    'Proofs with which the ledger is done: what they prove is no impression, or names no '
    'contributor; or they are void, and what had accrued was taken back.';

CREATE TABLE precise.accrual (
    label text PRIMARY KEY,
    batch_id bigint NOT NULL
);
COMMENT ON TABLE precise.accrual IS
    'How far each label is accrued: the last batch with whose proofs the ledger is done, but for '
    'those in precise.reject.';

SELECT pg_catalog.pg_extension_config_dump('precise.royalty_rate', '');
SELECT pg_catalog.pg_extension_config_dump('precise.ledger_transaction', '');
SELECT pg_catalog.pg_extension_config_dump('precise.ledger_entry', '');
SELECT pg_catalog.pg_extension_config_dump('precise.settlement', '');
SELECT pg_catalog.pg_extension_config_dump('precise.exempt', '');
SELECT pg_catalog.pg_extension_config_dump('precise.accrual', '');

CREATE VIEW precise.balance AS
    SELECT b.contributor, b.currency, b.period,
        pg_catalog.trim_scale(
            COALESCE(pg_catalog.sum(b.balance) FILTER (WHERE b.kind = 'contributor'), 0)
        ) AS accrued,
        pg_catalog.trim_scale(
            COALESCE(pg_catalog.sum(b.balance) FILTER (WHERE b.kind = 'carry'), 0)
        ) AS carried,
        pg_catalog.trim_scale(
            COALESCE(pg_catalog.sum(b.balance) FILTER (WHERE b.kind = 'payable'), 0)
        ) AS payable
    FROM (
        SELECT pg_catalog.split_part(a.account, '/', 1) AS kind,
            pg_catalog.substr(a.account, pg_catalog.strpos(a.account, '/') + 1) AS contributor,
            a.currency, a.period, a.balance
        FROM precise.account AS a
    ) AS b
    WHERE b.kind IN ('contributor', 'carry', 'payable')
    GROUP BY b.contributor, b.currency, b.period;
COMMENT ON VIEW precise.balance IS 'What contributors are due, by currency and period.';
COMMENT ON COLUMN precise.balance.accrued IS 'Accrued, and not settled.';
COMMENT ON COLUMN precise.balance.carried IS
    'What the settlement of this period added to what is carried: of all periods, the sum is.';
COMMENT ON COLUMN precise.balance.payable IS 'To be paid for this period.';

CREATE FUNCTION precise.keep_ledger() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = pg_catalog.format(
            'cannot %s precise.%s: the ledger stays as it is', pg_catalog.lower(TG_OP),
            TG_TABLE_NAME
        ),
        HINT = 'What is wrong in it is taken back: void the proof, and CALL precise.accrue().';
END
    $$;
COMMENT ON FUNCTION precise.keep_ledger() IS
    'Behind triggers: what is in the ledger is neither changed nor taken out.';
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON precise.ledger_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION precise.keep_ledger();
ALTER TABLE precise.ledger_transaction ENABLE ALWAYS TRIGGER keep_ledger;
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON precise.ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION precise.keep_ledger();
ALTER TABLE precise.ledger_entry ENABLE ALWAYS TRIGGER keep_ledger;
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON precise.posting
    FOR EACH STATEMENT EXECUTE FUNCTION precise.keep_ledger();
ALTER TABLE precise.posting ENABLE ALWAYS TRIGGER keep_ledger;
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON precise.settlement
    FOR EACH STATEMENT EXECUTE FUNCTION precise.keep_ledger();
ALTER TABLE precise.settlement ENABLE ALWAYS TRIGGER keep_ledger;

CREATE FUNCTION precise.post() RETURNS trigger
    -- With its owner's rights: nobody else writes postings.
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    INSERT INTO precise.posting (transaction, account, currency, period, amount)
    SELECT t.number, p.posting ->> 0, p.posting ->> 1, p.posting ->> 2,
        (p.posting ->> 3)::numeric
    FROM new_transactions AS t
    CROSS JOIN LATERAL pg_catalog.json_array_elements(t.document::json -> 'postings')
        AS p (posting);
    -- In the order of the key, as everywhere.
    INSERT INTO precise.account AS a (account, currency, period, balance)
    SELECT p.account, p.currency, p.period, pg_catalog.sum(p.amount)
    FROM precise.posting AS p JOIN new_transactions AS t ON t.number = p.transaction
    GROUP BY p.account, p.currency, p.period
    ORDER BY p.account, p.currency, p.period
    ON CONFLICT ON CONSTRAINT account_pkey DO UPDATE SET balance = a.balance + excluded.balance;
    RETURN NULL;
EXCEPTION WHEN numeric_value_out_of_range THEN
    RAISE EXCEPTION USING ERRCODE = 'PR907',
        MESSAGE = 'an account''s balance leaves 10^14',
        HINT = 'Nothing was posted. Settle what there is, and accrue fewer events at a time.';
END
    $$;
COMMENT ON FUNCTION precise.post() IS
    'Behind a trigger: posts what new transactions say to their accounts.';
CREATE TRIGGER post AFTER INSERT ON precise.ledger_transaction
    REFERENCING NEW TABLE AS new_transactions FOR EACH STATEMENT
    EXECUTE FUNCTION precise.post();

CREATE FUNCTION precise.check_transaction() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    fault text := precise.transaction_fault(NEW);
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = pg_catalog.format('transaction %s is refused: %s', NEW.number, fault),
            HINT = 'precise.accrue and precise.settle write transactions.';
    END IF;
    RETURN NULL;
END
    $$;
COMMENT ON FUNCTION precise.check_transaction() IS
    'Behind a constraint trigger, at the end of a transaction: what was added to the ledger sums '
    'to 0, and continues it.';

CREATE FUNCTION precise.transaction_fault(checked precise.ledger_transaction) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    -- What is no JSON is refused under its own code.
    document jsonb := checked.document::jsonb;
    wrong text;
BEGIN
    SELECT p.currency INTO wrong FROM precise.posting AS p WHERE p.transaction = checked.number
    GROUP BY p.currency HAVING pg_catalog.sum(p.amount) <> 0
    ORDER BY p.currency LIMIT 1;
    IF FOUND THEN
        RETURN pg_catalog.format('its postings in %s do not sum to 0', wrong);
    END IF;
    IF @extschema@.precise_canonical(checked.document) <> checked.document
        OR document - 'postings' <> pg_catalog.jsonb_build_object(
            'at', pg_catalog.to_char(
                checked.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
            ),
            'count', checked.count, 'entries_root', precise.hex(checked.entries_root),
            'kind', checked.kind, 'number', checked.number,
            'previous', precise.hex(checked.previous)
        )
    THEN
        RETURN 'its document is not that of its columns';
    ELSIF @extschema@.precise_proof_hash(checked.document) <> checked.hash THEN
        RETURN 'its hash is not that of its document';
    ELSIF checked.previous IS DISTINCT FROM (
        SELECT t.hash FROM precise.ledger_transaction AS t WHERE t.number = checked.number - 1
        UNION ALL
        SELECT pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex') WHERE checked.number = 1
    )
    THEN
        RETURN 'it does not name the hash of the one before';
    ELSIF (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
            p.account, p.currency, p.period, pg_catalog.trim_scale(p.amount)::text
        ) ORDER BY p.account COLLATE "C", p.currency COLLATE "C", p.period COLLATE "C")
        FROM precise.posting AS p WHERE p.transaction = checked.number
    ) IS DISTINCT FROM NULLIF(document -> 'postings', '[]')
    THEN
        RETURN 'its postings are not those of its document';
    END IF;
    RETURN NULL;
END
    $$;
COMMENT ON FUNCTION precise.transaction_fault(precise.ledger_transaction) IS
    'What is wrong with a transaction but for its entries; NULL: nothing.';

CREATE CONSTRAINT TRIGGER check_transaction AFTER INSERT ON precise.ledger_transaction
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION precise.check_transaction();

CREATE FUNCTION precise.check_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    full_up bigint;
BEGIN
    -- Not "as many as": what loads a dump may bring them one by one.
    SELECT t.number INTO full_up
    FROM (SELECT DISTINCT n.transaction FROM new_entries AS n) AS n
    JOIN precise.ledger_transaction AS t ON t.number = n.transaction
    CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) FROM precise.ledger_entry AS e WHERE e.transaction = t.number
    ) AS e (count)
    WHERE e.count > t.count
    ORDER BY t.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = pg_catalog.format('transaction %s has all its entries', full_up),
            HINT = 'Entries come with a transaction of their own: CALL precise.accrue().';
    END IF;
    RETURN NULL;
END
    $$;
COMMENT ON FUNCTION precise.check_entries() IS
    'Behind a trigger: no transaction gets more entries than its document counts.';
CREATE TRIGGER check_entries AFTER INSERT ON precise.ledger_entry
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT
    EXECUTE FUNCTION precise.check_entries();

-- In LANGUAGE sql without settings, so that it is inlined where it stands for a million rows.
CREATE FUNCTION precise.entry_document(
    amount numeric, campaign text, contributor text, currency text, id bytea, late boolean,
    period text, proof_hash bytea, rate_ppm integer, signal_type text
) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT '{"amount":"' || pg_catalog.trim_scale($1)::pg_catalog.text
        || '","campaign":' || pg_catalog.to_json($2)::pg_catalog.text
        || ',"contributor":' || pg_catalog.to_json($3)::pg_catalog.text
        || ',"currency":"' || $4 || '","id":"0x' || pg_catalog.encode($5, 'hex')
        || CASE WHEN $6 THEN '","late":true' ELSE '","late":false' END
        || ',"period":"' || $7 || '","proof_hash":"0x' || pg_catalog.encode($8, 'hex')
        || '","rate_ppm":' || $9::pg_catalog.text
        || ',"signal_type":' || pg_catalog.to_json($10)::pg_catalog.text || '}'
    $$;
COMMENT ON FUNCTION precise.entry_document(
    numeric, text, text, text, bytea, boolean, text, bytea, integer, text
) IS 'An entry as SPEC.md section 10.5 has it.';

CREATE FUNCTION precise.lock_ledger() RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('precise.ledger', 0));
    -- A clock that was put back does not put anything into a month that is settled.
    RETURN GREATEST(
        pg_catalog.date_trunc('second', pg_catalog.clock_timestamp()),
        (SELECT t.at FROM precise.ledger_transaction AS t ORDER BY t.number DESC LIMIT 1)
    );
END
    $$;
COMMENT ON FUNCTION precise.lock_ledger() IS
    'Keeps others from writing to the ledger until the end of the transaction; what time it is for '
    'what is written.';

CREATE FUNCTION precise.append_transaction(
    kind text, at timestamptz, entries_root bytea, count bigint, postings text
) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    last precise.ledger_transaction;
    document text;
BEGIN
    SELECT t.* INTO last FROM precise.ledger_transaction AS t ORDER BY t.number DESC LIMIT 1;
    last.number := COALESCE(last.number, 0) + 1;
    last.hash := COALESCE(last.hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'));
    entries_root := COALESCE(
        entries_root, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')
    );
    document := @extschema@.precise_canonical(
        '{"at":"' || pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        || '","count":' || count || ',"entries_root":"' || precise.hex(entries_root)
        || '","kind":"' || kind || '","number":' || last.number
        || ',"postings":[' || postings || '],"previous":"' || precise.hex(last.hash) || '"}'
    );
    INSERT INTO precise.ledger_transaction
        (number, at, kind, entries_root, count, previous, hash, document)
    VALUES (
        last.number, append_transaction.at, append_transaction.kind,
        append_transaction.entries_root, append_transaction.count, last.hash,
        @extschema@.precise_proof_hash(document), document
    );
    RETURN last.number;
END
    $$;
COMMENT ON FUNCTION precise.append_transaction(text, timestamptz, bytea, bigint, text) IS
    'Appends a transaction with these postings, which are JSON; its number.';

CREATE FUNCTION precise.append_entries(kind text, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    root bytea;
    appended bigint;
    postings text;
    number_given bigint;
BEGIN
    SELECT @extschema@.precise_merkle_root(@extschema@.precise_proof_hash(
        precise.entry_document(
            e.amount, e.campaign, e.contributor, e.currency, e.id, e.late, e.period,
            e.proof_hash, e.rate_ppm, e.signal_type
        )
    )), pg_catalog.count(*)
    INTO root, appended
    FROM pg_temp.precise_entry AS e;
    IF appended = 0 THEN
        RETURN 0;
    END IF;
    WITH owed AS MATERIALIZED (
        SELECT e.contributor, e.campaign, e.currency, e.period, pg_catalog.sum(e.amount) AS amount
        FROM pg_temp.precise_entry AS e
        GROUP BY e.contributor, e.campaign, e.currency, e.period
    ), posted (account, currency, period, amount) AS (
        SELECT 'contributor/' || o.contributor, o.currency, o.period, pg_catalog.sum(o.amount)
        FROM owed AS o GROUP BY 1, 2, 3
        UNION ALL
        SELECT 'campaign/' || o.campaign, o.currency, o.period, -pg_catalog.sum(o.amount)
        FROM owed AS o GROUP BY 1, 2, 3
    )
    SELECT pg_catalog.string_agg(
        '[' || pg_catalog.to_json(p.account)::text || ',"' || p.currency || '","' || p.period
        || '","' || pg_catalog.trim_scale(p.amount)::text || '"]',
        ',' ORDER BY p.account COLLATE "C", p.currency COLLATE "C", p.period COLLATE "C"
    )
    INTO postings
    FROM posted AS p;
    number_given := precise.append_transaction(kind, at, root, appended, postings);
    INSERT INTO precise.ledger_entry (
        id, transaction, proof_hash, contributor, signal_type, campaign, currency, period, late,
        amount, rate_ppm
    )
    SELECT e.id, number_given, e.proof_hash, e.contributor, e.signal_type, e.campaign, e.currency,
        e.period, e.late, e.amount, e.rate_ppm
    FROM pg_temp.precise_entry AS e;
    RETURN appended;
END
    $$;
COMMENT ON FUNCTION precise.append_entries(text, timestamptz) IS
    'Appends a transaction with the entries in pg_temp.precise_entry; how many those are.';

CREATE FUNCTION precise.owed(
    document text, policy text,
    OUT at timestamptz, OUT campaign text, OUT due json, OUT reason text[]
)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    no_time CONSTANT text[] := ARRAY[
        'PR117', '$.timestamp', 'an impression has no timestamp, or one that is no time'
    ];
    event record;
    detail text;
BEGIN
    due := @extschema@.precise_contributions(document, policy);
    IF due::text = '[]' THEN
        RETURN;
    END IF;
    SELECT e.* INTO event FROM pg_catalog.json_to_record(document::json)
        AS e (event_type text, "timestamp" text, campaign_id json);
    IF event.event_type IS DISTINCT FROM 'impression' THEN
        due := '[]';
        RETURN;
    ELSIF due -> 0 ->> 'amount' IS NULL THEN
        reason := ARRAY['PR603', '$.metadata.clearing_price', 'an impression has no price'];
    ELSIF due -> 0 ->> 'currency' IS NULL THEN
        reason := ARRAY['PR602', '$.metadata.currency', 'an impression has no currency'];
    ELSIF event."timestamp" ~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}'
        || 'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
        || '(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$')
    THEN
        at := event."timestamp"::timestamptz;
    ELSE
        reason := no_time;
    END IF;
    campaign := CASE WHEN pg_catalog.json_typeof(event.campaign_id) IN ('string', 'number')
        THEN event.campaign_id #>> '{}' ELSE '' END;
EXCEPTION
    WHEN datetime_field_overflow THEN
        reason := no_time;
    WHEN OTHERS THEN
        IF SQLSTATE NOT LIKE 'PR%' THEN
            RAISE;
        END IF;
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        reason := ARRAY[
            SQLSTATE, pg_catalog.substring(detail, '^At (.*?)(?:, byte \d+)?, in '), SQLERRM
        ];
END
    $$;
COMMENT ON FUNCTION precise.owed(text, text) IS
    'Of an event in canonical form: when it was, whose campaign it is of, and what '
    'precise_contributions says of it, [] where nothing accrues; or why nothing can: code, place, '
    'message.';

CREATE FUNCTION precise.key_condition(tracked precise.sources, source regclass) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    -- By the columns themselves, so that an index finds the rows; NULL where a type is not one of
    -- those whose texts read back.
    SELECT CASE WHEN pg_catalog.bool_and(k.type IN (
        'smallint', 'integer', 'bigint', 'text', 'character varying', 'uuid', 'date',
        'timestamp with time zone', 'timestamp without time zone'
    )) THEN pg_catalog.string_agg(
        pg_catalog.format(
            'n.%I = (%s)::%s', k.name,
            CASE WHEN pg_catalog.cardinality(tracked.record_id) = 1 THEN 'c.record_id'
                ELSE pg_catalog.format('c.record_id::pg_catalog.json ->> %s', k.place - 1) END,
            k.type
        ),
        ' AND ' ORDER BY k.place
    ) END
    FROM (
        SELECT u.name, u.place, precise.payload_type(source, u.name)
        FROM pg_catalog.unnest(tracked.record_id) WITH ORDINALITY AS u (name, place)
    ) AS k (name, place, type)
    $$;
COMMENT ON FUNCTION precise.key_condition(precise.sources, regclass) IS
    'SQL for whether a row n is that of the record id in c, in a form that indexes serve.';

CREATE FUNCTION precise.reading(tracked precise.sources, source regclass, condition text)
    RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    document text := precise.record_expression(tracked, source);
    record text := ' CROSS JOIN LATERAL (SELECT ' || COALESCE(
        'CASE WHEN @extschema@.precise_check(' || document || ') IS NULL '
        || 'THEN @extschema@.precise_canonical(' || document || ') END',
        'precise.row_document(n.*)'
    ) || ' OFFSET 0) AS r (canonical) ';
BEGIN
    -- A record counts if it has the content that was minted. Several rows may have it.
    RETURN 'INSERT INTO pg_temp.precise_read (proof_hash, at, campaign, due, reason) '
        || 'SELECT f.proof_hash, o.at, o.campaign, o.due, o.reason FROM ('
        || CASE WHEN condition IS NULL THEN
            'SELECT DISTINCT ON (c.proof_hash) c.proof_hash, h.canonical FROM ('
            || 'SELECT r.canonical, @extschema@.precise_proof_hash(r.canonical) FROM '
            || precise.row_set(source) || ' AS n' || record || 'OFFSET 0'
            || ') AS h (canonical, proof_hash) JOIN ('
            || 'SELECT c.proof_hash FROM pg_temp.precise_candidate AS c WHERE c.version IS NULL '
            || 'AND NOT EXISTS (SELECT FROM pg_temp.precise_read AS k '
            || 'WHERE k.proof_hash = c.proof_hash) OFFSET 0'
            || ') AS c ON c.proof_hash = h.proof_hash'
        ELSE
            'SELECT ' || CASE WHEN precise.is_key(source, tracked.record_id) THEN ''
                ELSE 'DISTINCT ON (c.proof_hash) ' END
            || 'c.proof_hash, r.canonical FROM pg_temp.precise_candidate AS c JOIN '
            || precise.row_set(source) || ' AS n ON ' || condition || record
            || 'WHERE c.proof_hash = CASE WHEN c.version IS NULL '
            || 'THEN @extschema@.precise_proof_hash(r.canonical) '
            || 'ELSE @extschema@.precise_proof_hash(r.canonical, '
            || 'precise.blind_with(c.subject, $1, c.record_id, c.version)) END'
        END
        || ' OFFSET 0) AS f CROSS JOIN LATERAL precise.owed(f.canonical, $2) AS o';
END
    $$;
COMMENT ON FUNCTION precise.reading(precise.sources, regclass, text) IS
    'The SQL that reads the records of pg_temp.precise_candidate: in the rows n of which a '
    'condition holds, without one in all.';

CREATE FUNCTION precise.is_key(source regclass, columns text[]) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
            AND i.indexprs IS NULL AND (
                SELECT pg_catalog.bool_and(a.attname::text = ANY ($2))
                FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                JOIN pg_catalog.pg_attribute AS a
                    ON a.attrelid = i.indrelid AND a.attnum = k.number
                WHERE k.place <= i.indnkeyatts
            )
    )
    $$;
COMMENT ON FUNCTION precise.is_key(regclass, text[]) IS
    'Whether no two rows of a table have the same in these columns.';

CREATE FUNCTION precise.begin_accrual() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    name text;
BEGIN
    -- Tables of the caller's that happen to have these names are in the way.
    FOREACH name IN ARRAY ARRAY[
        'precise_candidate', 'precise_read', 'precise_entry', 'precise_due'
    ] LOOP
        IF pg_catalog.to_regclass('pg_temp.' || name) IS NOT NULL THEN
            EXECUTE pg_catalog.format('DROP TABLE pg_temp.%I', name);
        END IF;
    END LOOP;
    CREATE TEMP TABLE precise_candidate (
        proof_hash bytea, record_id text, subject text, version uuid, seen bigint, batch_id bigint,
        is_again boolean, reason text[]
    ) ON COMMIT DROP;
    CREATE TEMP TABLE precise_read (
        proof_hash bytea, at timestamptz, campaign text, due json, reason text[]
    ) ON COMMIT DROP;
    CREATE TEMP TABLE precise_entry (
        id bytea, proof_hash bytea, contributor text, signal_type text, campaign text,
        currency text, period text, late boolean, amount numeric, rate_ppm integer
    ) ON COMMIT DROP;
END
    $$;
COMMENT ON FUNCTION precise.begin_accrual() IS 'Makes the tables in which accruing works.';

CREATE FUNCTION precise.take_back(at timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
    AS $$
DECLARE
    this_period text := pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM');
    taken bigint;
BEGIN
    INSERT INTO pg_temp.precise_candidate (proof_hash)
    SELECT v.proof_hash FROM precise.void AS v
    WHERE NOT EXISTS (SELECT FROM precise.exempt AS x WHERE x.proof_hash = v.proof_hash);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    ANALYZE pg_temp.precise_candidate;
    INSERT INTO pg_temp.precise_entry (
        id, proof_hash, contributor, signal_type, campaign, currency, period, late, amount, rate_ppm
    )
    SELECT @extschema@.precise_ledger_void_id(e.proof_hash, e.contributor, e.signal_type),
        e.proof_hash, e.contributor, e.signal_type, e.campaign, e.currency,
        CASE WHEN s.period IS NULL THEN e.period ELSE this_period END,
        s.period IS NOT NULL, -e.amount, e.rate_ppm
    FROM pg_temp.precise_candidate AS c
    JOIN precise.ledger_entry AS e ON e.proof_hash = c.proof_hash
    LEFT JOIN precise.settlement AS s ON s.period = e.period AND s.currency = e.currency;
    taken := precise.append_entries('void', at);
    INSERT INTO precise.exempt (proof_hash) SELECT c.proof_hash FROM pg_temp.precise_candidate AS c;
    TRUNCATE pg_temp.precise_candidate, pg_temp.precise_entry;
    IF taken > 0 THEN
        RAISE NOTICE '% entries of void proofs were taken back', taken;
    END IF;
END
    $$;
COMMENT ON FUNCTION precise.take_back(timestamptz) IS
    'Takes back what has accrued of proofs that are void since.';

CREATE FUNCTION precise.accrue_label(
    tracked precise.sources, at timestamptz, "from" timestamptz, "to" timestamptz
) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601'
    SET extra_float_digits = 1 SET bytea_output = 'hex'
    SET jit = off
    AS $$
DECLARE
    this_period text := pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM');
    policy text := COALESCE(tracked.royalty_policy, 'split');
    condition text := precise.key_condition(tracked, tracked.source);
    mark bigint;
    reached bigint;
    accrued bigint;
    late bigint;
    repeats bigint;
    rejected bigint;
BEGIN
    -- For its errors.
    PERFORM @extschema@.precise_contributions('{}', policy);

    -- A batch is closed once and for all, and those of a label one after the other. So what is
    -- left is in the batches behind the last with which the ledger is done, or in none, or it was
    -- rejected before.
    SELECT a.batch_id INTO mark FROM precise.accrual AS a WHERE a.label = tracked.label;
    mark := COALESCE(mark, 0);
    INSERT INTO pg_temp.precise_candidate
        (proof_hash, record_id, subject, version, seen, batch_id, is_again)
    SELECT p.proof_hash, p.record_id, p.subject, p.version, p.seen, p.batch_id, false
    FROM precise.proof AS p
    WHERE p.label = tracked.label AND (p.batch_id IS NULL OR p.batch_id > mark)
        AND NOT EXISTS (
            SELECT FROM precise.reject AS r
            WHERE r.label = tracked.label AND r.proof_hash = p.proof_hash
        )
    UNION ALL
    SELECT p.proof_hash, p.record_id, p.subject, p.version, p.seen, p.batch_id, true
    FROM precise.reject AS r
    JOIN precise.proof AS p ON p.proof_hash = r.proof_hash AND p.label = r.label
    WHERE r.label = tracked.label;
    SELECT pg_catalog.max(c.batch_id) INTO reached FROM pg_temp.precise_candidate AS c;
    ANALYZE pg_temp.precise_candidate;
    DELETE FROM pg_temp.precise_candidate AS c
    WHERE EXISTS (SELECT FROM precise.ledger_entry AS e WHERE e.proof_hash = c.proof_hash)
        OR EXISTS (SELECT FROM precise.exempt AS x WHERE x.proof_hash = c.proof_hash)
        OR EXISTS (SELECT FROM precise.void AS v WHERE v.proof_hash = c.proof_hash);

    IF EXISTS (SELECT FROM pg_temp.precise_candidate AS c WHERE c.record_id IS NOT NULL) THEN
        BEGIN
            EXECUTE precise.reading(
                tracked, tracked.source, COALESCE(
                    condition, precise.key_expression(tracked.record_id) || ' = c.record_id'
                )
            )
            USING tracked.label, policy;
        EXCEPTION WHEN data_exception THEN
            -- The key has another type than when a proof was made, and a text does not read back.
            EXECUTE precise.reading(
                tracked, tracked.source,
                precise.key_expression(tracked.record_id) || ' = c.record_id'
            )
            USING tracked.label, policy;
        END;
    END IF;
    -- What was read is counted before it is asked for: a plan for few would take hours for many.
    ANALYZE pg_temp.precise_read;
    IF EXISTS (
        -- A proof names one row of several that had its content; that one may have another now.
        SELECT FROM pg_temp.precise_candidate AS c
        WHERE (c.record_id IS NULL OR c.seen > 1 AND NOT c.is_again) AND NOT EXISTS (
            SELECT FROM pg_temp.precise_read AS k WHERE k.proof_hash = c.proof_hash
        )
    ) THEN
        EXECUTE precise.reading(tracked, tracked.source, NULL) USING tracked.label, policy;
    END IF;
    ANALYZE pg_temp.precise_read;
    UPDATE pg_temp.precise_candidate AS c SET reason = ARRAY[
        'P0002', NULL, 'no row has the content any more that was minted'
    ]
    WHERE NOT EXISTS (SELECT FROM pg_temp.precise_read AS k WHERE k.proof_hash = c.proof_hash);
    UPDATE pg_temp.precise_candidate AS c SET reason = k.reason
    FROM pg_temp.precise_read AS k WHERE k.proof_hash = c.proof_hash AND k.reason IS NOT NULL;
    INSERT INTO precise.exempt (proof_hash)
    SELECT k.proof_hash FROM pg_temp.precise_read AS k
    WHERE k.reason IS NULL AND k.due::text = '[]';

    INSERT INTO pg_temp.precise_entry (
        id, proof_hash, contributor, signal_type, campaign, currency, period, late, amount, rate_ppm
    )
    SELECT @extschema@.precise_ledger_entry_id(k.proof_hash, d.contributor, d.signal_type),
        k.proof_hash, d.contributor, d.signal_type, k.campaign, d.currency,
        CASE WHEN s.period IS NULL THEN pg_catalog.to_char(k.at AT TIME ZONE 'UTC', 'YYYY-MM')
            ELSE this_period END,
        s.period IS NOT NULL, d.amount * r.rate_ppm * 0.000001, r.rate_ppm
    FROM pg_temp.precise_read AS k
    CROSS JOIN LATERAL pg_catalog.json_to_recordset(k.due)
        AS d (contributor text, signal_type text, amount numeric, currency text)
    LEFT JOIN (
        SELECT r.contributor, r.rate_ppm, r.valid_from, pg_catalog.lead(r.valid_from, 1, 'infinity')
            OVER (PARTITION BY r.contributor ORDER BY r.valid_from) AS valid_to
        FROM precise.royalty_rate AS r
    ) AS r ON r.contributor = d.contributor AND r.valid_from <= k.at AND k.at < r.valid_to
    LEFT JOIN precise.settlement AS s ON s.currency = d.currency
        AND s.period = pg_catalog.to_char(k.at AT TIME ZONE 'UTC', 'YYYY-MM')
    WHERE k.reason IS NULL
        AND ("from" IS NULL OR k.at >= "from") AND ("to" IS NULL OR k.at < "to");
    -- An event accrues as a whole or not at all.
    WITH without AS (
        SELECT e.proof_hash, pg_catalog.min(e.contributor COLLATE "C") AS contributor
        FROM pg_temp.precise_entry AS e WHERE e.rate_ppm IS NULL GROUP BY e.proof_hash
    ), noted AS (
        UPDATE pg_temp.precise_candidate AS c SET reason = ARRAY[
            'PR611', '$.attribution.data_contributors',
            pg_catalog.format('contributor %L has no royalty rate at that time', w.contributor)
        ]
        FROM without AS w WHERE w.proof_hash = c.proof_hash
    )
    DELETE FROM pg_temp.precise_entry AS e USING without AS w WHERE w.proof_hash = e.proof_hash;

    SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE e.late),
        COALESCE(pg_catalog.sum(c.seen - 1), 0)
    INTO accrued, late, repeats
    FROM (
        SELECT e.proof_hash, pg_catalog.bool_or(e.late) AS late
        FROM pg_temp.precise_entry AS e GROUP BY e.proof_hash
    ) AS e JOIN pg_temp.precise_candidate AS c ON c.proof_hash = e.proof_hash;
    PERFORM precise.append_entries('accrual', at);

    -- What was noted stays noted as long as it holds, once.
    DELETE FROM precise.reject AS r
    WHERE r.label = tracked.label AND r.proof_hash IS NOT NULL AND (
        EXISTS (SELECT FROM precise.ledger_entry AS e WHERE e.proof_hash = r.proof_hash)
        OR EXISTS (SELECT FROM precise.exempt AS x WHERE x.proof_hash = r.proof_hash)
        OR EXISTS (SELECT FROM precise.void AS v WHERE v.proof_hash = r.proof_hash)
        OR NOT EXISTS (
            SELECT FROM precise.proof AS p
            WHERE p.proof_hash = r.proof_hash AND p.label = r.label
        )
        OR EXISTS (
            SELECT FROM pg_temp.precise_candidate AS c
            WHERE c.proof_hash = r.proof_hash AND c.reason IS NOT NULL
                AND (r.code, r.place, r.message) IS DISTINCT FROM
                    (c.reason[1], c.reason[2], c.reason[3])
        )
    );
    INSERT INTO precise.reject (label, record_id, code, place, message, proof_hash)
    SELECT tracked.label, c.record_id, c.reason[1], c.reason[2], c.reason[3], c.proof_hash
    FROM pg_temp.precise_candidate AS c
    WHERE c.reason IS NOT NULL AND NOT EXISTS (
        SELECT FROM precise.reject AS r
        WHERE r.label = tracked.label AND r.proof_hash = c.proof_hash
    );
    SELECT pg_catalog.count(*) INTO rejected FROM pg_temp.precise_candidate AS c
    WHERE c.reason IS NOT NULL;
    IF "from" IS NULL AND "to" IS NULL AND reached > mark THEN
        INSERT INTO precise.accrual AS a (label, batch_id) VALUES (tracked.label, reached)
        ON CONFLICT ON CONSTRAINT accrual_pkey DO UPDATE SET batch_id = excluded.batch_id;
    END IF;
    TRUNCATE pg_temp.precise_candidate, pg_temp.precise_read, pg_temp.precise_entry;
    RAISE NOTICE USING MESSAGE = pg_catalog.format(
        '%s: %s events accrued, %s of them late; %s repeats suppressed, %s rejected',
        tracked.label, accrued, late, repeats, rejected
    );
END
    $$;
COMMENT ON FUNCTION precise.accrue_label(
    precise.sources, timestamptz, timestamptz, timestamptz
) IS 'What precise.accrue does for one tracked table.';

CREATE FUNCTION precise.accrue_all(at timestamptz, "from" timestamptz, "to" timestamptz)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    tracked precise.sources;
BEGIN
    FOR tracked IN SELECT s.* FROM precise.sources AS s ORDER BY s.label LOOP
        BEGIN
            PERFORM precise.accrue_label(tracked, at, "from", "to");
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING
                MESSAGE = pg_catalog.format('nothing of %s accrued: %s', tracked.label, SQLERRM),
                HINT = 'The others did. precise.status shows what is wrong with a tracked table.';
            PERFORM precise.begin_accrual();
        END;
    END LOOP;
END
    $$;
COMMENT ON FUNCTION precise.accrue_all(timestamptz, timestamptz, timestamptz) IS
    'What precise.accrue does for all tracked tables; what is wrong with one keeps none back.';

CREATE PROCEDURE precise.accrue(
    label text DEFAULT NULL, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL
)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    at timestamptz := precise.lock_ledger();
    tracked precise.sources;
BEGIN
    PERFORM precise.begin_accrual();
    PERFORM precise.take_back(at);
    IF label IS NULL THEN
        PERFORM precise.accrue_all(at, "from", "to");
        RETURN;
    END IF;
    SELECT s.* INTO tracked FROM precise.sources AS s WHERE s.label = accrue.label;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('no table is tracked as %L', label),
            HINT = 'precise.sources says which labels there are.';
    END IF;
    PERFORM precise.accrue_label(tracked, at, "from", "to");
END
    $$;
COMMENT ON PROCEDURE precise.accrue(text, timestamptz, timestamptz) IS
    'Adds to the ledger what contributors are due for the events of a tracked table (NULL: of all) '
    'that were minted since, and takes back what had accrued of proofs that are void. Each proof '
    'accrues once, however often this is called and by how many at once. What cannot accrue is '
    'noted in precise.reject, and tried again the next time. from, to: only events from the one '
    'time and before the other.';

CREATE FUNCTION precise.minor_digits(currency text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN $1 IN (
            'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
            'VND', 'VUV', 'XAF', 'XOF', 'XPF'
        ) THEN 0
        WHEN $1 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        ELSE 2
    END
    $$;
COMMENT ON FUNCTION precise.minor_digits(text) IS
    'The decimals of a currency''s minor unit, by ISO 4217.';

CREATE FUNCTION precise.close_settlement(
    period text, currency text, head text, closed_at timestamptz
) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
    AS $$
DECLARE
    hash bytea := @extschema@.precise_proof_hash(head);
    ids bigint[];
BEGIN
    WITH leaves AS MATERIALIZED (
        SELECT e.id, precise.leading(e.id) AS bits FROM precise.ledger_entry AS e
        WHERE e.period = close_settlement.period AND e.currency = close_settlement.currency
    ), cut AS MATERIALIZED (
        SELECT precise.cut_bits(pg_catalog.min(d.bits)) AS bits
        FROM (
            SELECT l.bits # pg_catalog.lead(l.bits, 1048576) OVER (ORDER BY l.id)
            FROM leaves AS l
        ) AS d (bits)
    ), cells AS MATERIALIZED (
        SELECT l.bits >> (32 - cut.bits) AS cell, cut.bits, pg_catalog.count(*) AS count,
            @extschema@.precise_merkle_root(l.id) AS batch_root
        FROM leaves AS l CROSS JOIN cut
        GROUP BY l.bits >> (32 - cut.bits), cut.bits
        ORDER BY l.bits >> (32 - cut.bits)
    ), closed AS (
        INSERT INTO precise.batch (kind, label, part, batch_root, count, entry, closed_at, document)
        SELECT 'settlement', @extschema@.precise_proof_id(hash), part.part, c.batch_root, c.count,
            precise.entry(
                'settlement', NULL, part.part, c.batch_root, c.count, closed_at, NULL, hash
            ),
            close_settlement.closed_at, head
        FROM cells AS c
        CROSS JOIN LATERAL (
            SELECT CASE WHEN c.bits > 0 THEN pg_catalog.jsonb_build_object(
                'bits', c.bits, 'index', c.cell, 'parts', (SELECT pg_catalog.count(*) FROM cells)
            ) END
        ) AS part (part)
        RETURNING id
    )
    SELECT pg_catalog.array_agg(c.id ORDER BY c.id) INTO ids FROM closed AS c;
    PERFORM precise.tell(ids);
END
    $$;
COMMENT ON FUNCTION precise.close_settlement(text, text, text, timestamptz) IS
    'Puts the ids of a period''s entries into batches that name the statement with this head.';

CREATE PROCEDURE precise.settle(period text, currency text, minor_digits integer DEFAULT NULL)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off
    AS $$
DECLARE
    at timestamptz := precise.lock_ledger();
    unsettled text;
    settlement json;
    statement text;
    head text;
    line_key bytea := precise.random_bytes();
    postings text;
    number_given bigint;
BEGIN
    IF period !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' OR period < '0001' OR period IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PR609',
            MESSAGE = pg_catalog.format('%L is no period', period),
            HINT = 'A period is a month, such as 2026-11.';
    ELSIF currency !~ '^[A-Z]{3}$' OR currency IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PR602',
            MESSAGE = pg_catalog.format('%L is no currency', currency),
            HINT = 'It is three capital letters, as ISO 4217 has them.';
    ELSIF at < (period || '-01T00:00:00Z')::timestamptz + interval '1 month' THEN
        RAISE EXCEPTION USING ERRCODE = 'PR608',
            MESSAGE = pg_catalog.format('period %s is not over', period),
            HINT = 'It can be settled when its last day in UTC has passed.';
    ELSIF EXISTS (
        SELECT FROM precise.settlement AS s
        WHERE s.period = settle.period AND s.currency = settle.currency
    ) THEN
        RAISE NOTICE '% was settled in % before; nothing is changed', period, currency;
        RETURN;
    END IF;
    -- What is there and not accrued would be late.
    PERFORM precise.begin_accrual();
    PERFORM precise.take_back(at);
    PERFORM precise.accrue_all(at, NULL, NULL);

    SELECT pg_catalog.min(a.period) INTO unsettled FROM precise.account AS a
    WHERE a.currency = settle.currency AND a.period < settle.period
        AND a.account ^@ 'contributor/' AND NOT EXISTS (
            SELECT FROM precise.settlement AS s
            WHERE s.period = a.period AND s.currency = a.currency
        );
    IF unsettled IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PR612',
            MESSAGE = pg_catalog.format('%s is not settled in %s', unsettled, currency),
            HINT = 'Settle periods in their order, so that what is carried is paid in the next.';
    ELSIF NOT EXISTS (
        SELECT FROM precise.account AS a
        WHERE a.currency = settle.currency AND a.period = settle.period
            AND a.account ^@ 'contributor/'
    ) THEN
        RAISE NOTICE 'nothing has accrued in % for %; nothing is settled', currency, period;
        RETURN;
    END IF;

    CREATE TEMP TABLE precise_due ON COMMIT DROP AS
    SELECT d.contributor, COALESCE(pg_catalog.sum(d.balance) FILTER (WHERE NOT d.is_carry), 0)
            AS accrued, COALESCE(pg_catalog.sum(d.balance) FILTER (WHERE d.is_carry), 0) AS carried
    FROM (
        SELECT pg_catalog.substr(a.account, 13), false, a.balance FROM precise.account AS a
        WHERE a.currency = settle.currency AND a.period = settle.period
            AND a.account ^@ 'contributor/'
        UNION ALL
        SELECT pg_catalog.substr(a.account, 7), true, a.balance FROM precise.account AS a
        WHERE a.currency = settle.currency AND a.account ^@ 'carry/'
    ) AS d (contributor, is_carry, balance)
    GROUP BY d.contributor
    -- Who is due nothing in this period has a line if there is something from before.
    HAVING pg_catalog.count(*) FILTER (WHERE NOT d.is_carry) > 0 OR pg_catalog.sum(d.balance) <> 0;
    IF EXISTS (
        SELECT FROM pg_temp.precise_due AS d WHERE pg_catalog.abs(d.accrued + d.carried) >= 1e14
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'PR907',
            MESSAGE = 'a contributor''s balance leaves 10^14',
            HINT = 'SPEC.md section 10.1 has the limit.';
    END IF;
    SELECT @extschema@.precise_settle(
        pg_catalog.json_agg(pg_catalog.json_build_object(
            'accrued', pg_catalog.trim_scale(d.accrued + d.carried)::text,
            'contributor', d.contributor, 'currency', settle.currency
        )),
        COALESCE(settle.minor_digits, precise.minor_digits(settle.currency))
    )
    INTO settlement FROM pg_temp.precise_due AS d;
    statement := @extschema@.precise_statement(settlement, period, line_key);
    head := @extschema@.precise_canonical(statement::jsonb - 'lines');

    WITH lines AS MATERIALIZED (
        SELECT d.contributor, d.accrued, d.carried, l.amount, l.carried AS carried_on
        FROM pg_catalog.json_to_recordset(statement::json -> 'lines')
            AS l (contributor text, amount numeric, carried numeric)
        JOIN pg_temp.precise_due AS d ON d.contributor = l.contributor
    ), posted (account, amount) AS (
        SELECT 'contributor/' || l.contributor, -l.accrued FROM lines AS l
        UNION ALL
        SELECT 'carry/' || l.contributor, l.carried_on - l.carried FROM lines AS l
        UNION ALL
        SELECT 'payable/' || l.contributor, l.amount FROM lines AS l
    )
    SELECT pg_catalog.string_agg(
        '[' || pg_catalog.to_json(p.account)::text || ',"' || settle.currency || '","'
        || settle.period || '","' || pg_catalog.trim_scale(p.amount)::text || '"]',
        ',' ORDER BY p.account COLLATE "C"
    )
    INTO postings FROM posted AS p;
    number_given := precise.append_transaction('settlement', at, NULL, 0, postings);
    INSERT INTO precise.settlement
        (period, currency, transaction, statement, statement_hash, key)
    VALUES (
        settle.period, settle.currency, number_given, statement,
        @extschema@.precise_proof_hash(head), line_key
    );
    PERFORM precise.close_settlement(period, currency, head, at);
    DROP TABLE pg_temp.precise_due;
    RAISE NOTICE USING MESSAGE = pg_catalog.format(
        '%s is settled: %s %s to %s contributors', period, statement::json ->> 'total', currency,
        statement::json ->> 'count'
    );
END
    $$;
COMMENT ON PROCEDURE precise.settle(text, text, integer) IS
    'Settles a month in one currency, after it is over: turns what contributors are due into '
    'payments, carries what is less than a minor unit, and closes a batch that commits to each '
    'line. It accrues first what is there. Called again, it changes nothing. minor_digits: those of '
    'the currency by ISO 4217, unless told otherwise.';

CREATE FUNCTION precise.statement(period text, currency text) RETURNS json
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.statement::json FROM precise.settlement AS s
    WHERE s.period = $1 AND s.currency = $2
    $$;
COMMENT ON FUNCTION precise.statement(text, text) IS
    'The statement of a period that was settled (SPEC.md section 10.3), to the byte; else NULL.';

CREATE FUNCTION precise.statement_line(
    period text, contributor text, currency text DEFAULT NULL
) RETURNS json
    -- With its owner's rights: who may ask for lines is not shown the key of their salts.
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    settled precise.settlement;
    currencies text[];
    batch precise.batch;
BEGIN
    SELECT pg_catalog.array_agg(s.currency ORDER BY s.currency) INTO currencies
    FROM precise.settlement AS s
    WHERE s.period = statement_line.period
        AND (s.currency = statement_line.currency OR statement_line.currency IS NULL AND EXISTS (
            SELECT FROM precise.posting AS p
            WHERE p.transaction = s.transaction
                AND p.account = 'payable/' || statement_line.contributor
        ));
    IF pg_catalog.cardinality(currencies) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format(
                '%L has lines of %s in %s', contributor, period,
                pg_catalog.array_to_string(currencies, ', ')
            ),
            HINT = 'Say which: precise.statement_line(period, contributor, currency).';
    END IF;
    SELECT s.* INTO settled FROM precise.settlement AS s
    WHERE s.period = statement_line.period AND s.currency = currencies[1];
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT b.* INTO batch FROM precise.batch AS b
    WHERE b.label = @extschema@.precise_proof_id(settled.statement_hash)
        AND b.kind = 'settlement' AND b.state = 'committed'
    ORDER BY b.id LIMIT 1;
    RETURN @extschema@.precise_canonical(
        @extschema@.precise_statement_line(settled.statement, contributor, settled.key)::jsonb
        || CASE WHEN batch.id IS NULL THEN '{}'::jsonb ELSE pg_catalog.jsonb_build_object(
            'entry', COALESCE(batch.log_entry, batch.entry), 'tlog_proof', batch.tlog_proof
        ) END
    );
END
    $$;
COMMENT ON FUNCTION precise.statement_line(text, text, text) IS
    'What shows a contributor its line of a settled period (SPEC.md section 10.4), and once the '
    'settlement is in the log, that it is. NULL: not settled, or no line. The currency may be left '
    'out if there are lines in one only.';

CREATE FUNCTION precise.statement_csv(period text, currency text) RETURNS SETOF text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'month,data_provider_id,currency,imps,data_costs,data_clearing_fee,accrued,'
        || 'carried_before,data_provider_payout,carried'
    UNION ALL
    SELECT r.row FROM (
        SELECT pg_catalog.concat_ws(
            ',', s.period,
            CASE WHEN l.contributor ~ E'[",\r\n]'
                THEN '"' || pg_catalog.replace(l.contributor, '"', '""') || '"'
                ELSE l.contributor END,
            s.currency, COALESCE(e.imps, 0),
            pg_catalog.trim_scale(COALESCE(e.costs, 0)),
            pg_catalog.trim_scale(COALESCE(e.costs - e.shared, 0)),
            pg_catalog.trim_scale(COALESCE(e.accrued, 0)),
            pg_catalog.trim_scale(l.amount::numeric + l.carried::numeric - COALESCE(e.accrued, 0)),
            l.amount, l.carried
        ), l.contributor
        FROM precise.settlement AS s
        CROSS JOIN LATERAL pg_catalog.json_to_recordset(s.statement::json -> 'lines')
            AS l (amount text, carried text, contributor text)
        LEFT JOIN (
            SELECT e.contributor, pg_catalog.sum(e.amount) AS accrued,
                pg_catalog.count(DISTINCT e.proof_hash) FILTER (WHERE t.kind = 'accrual')
                    - pg_catalog.count(DISTINCT e.proof_hash) FILTER (WHERE t.kind = 'void')
                    AS imps,
                -- The share of the price before the rate, which divides without a rest.
                pg_catalog.sum(pg_catalog.div(e.amount * 1e24, e.rate_ppm) * 1e-18)
                    FILTER (WHERE e.rate_ppm > 0) AS costs,
                pg_catalog.sum(e.amount) FILTER (WHERE e.rate_ppm > 0) AS shared
            FROM precise.ledger_entry AS e
            JOIN precise.ledger_transaction AS t ON t.number = e.transaction
            WHERE e.period = $1 AND e.currency = $2
            GROUP BY e.contributor
        ) AS e ON e.contributor = l.contributor
        WHERE s.period = $1 AND s.currency = $2
        ORDER BY l.contributor COLLATE "C"
    ) AS r (row)
    $$;
COMMENT ON FUNCTION precise.statement_csv(text, text) IS
    'A statement as CSV with the columns that reports for data providers have: impressions, what '
    'their shares of the price cost, what of that is not the provider''s by its rate, what has '
    'accrued, was carried, is paid, and is carried on.';

CREATE FUNCTION precise.ledger_lines() RETURNS SETOF text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT l.line FROM (
        SELECT t.number, 1, ''::bytea, '{"transaction":' || t.document || '}'
        FROM precise.ledger_transaction AS t
        UNION ALL
        SELECT e.transaction, 2, e.id, '{"entry":' || precise.entry_document(
            e.amount, e.campaign, e.contributor, e.currency, e.id, e.late, e.period,
            e.proof_hash, e.rate_ppm, e.signal_type
        ) || '}'
        FROM precise.ledger_entry AS e
        UNION ALL
        SELECT s.transaction, 3, '', '{"batch_roots":' || COALESCE(b.roots::text, '[]')
            || ',"statement":' || s.statement || '}'
        FROM precise.settlement AS s
        LEFT JOIN (
            SELECT b.label, pg_catalog.json_agg(precise.hex(b.batch_root) ORDER BY b.id)
            FROM precise.batch AS b WHERE b.kind = 'settlement' GROUP BY b.label
        ) AS b (label, roots) ON b.label = @extschema@.precise_proof_id(s.statement_hash)
    ) AS l (number, kind, id, line)
    ORDER BY l.number, l.kind, l.id
    $$;
COMMENT ON FUNCTION precise.ledger_lines() IS
    'The ledger as lines of JSON, for who replays it elsewhere: {"transaction":...}, its '
    '{"entry":...} behind it, and behind that of a settlement its '
    '{"batch_roots":...,"statement":...}.';

CREATE FUNCTION precise.settlement_fault(checked precise.settlement) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    statement text;
BEGIN
    -- What was due is what the settlement posted to who had it, and what was carried until then.
    SELECT @extschema@.precise_statement(@extschema@.precise_settle(
        pg_catalog.json_agg(pg_catalog.json_build_object(
            'accrued', pg_catalog.trim_scale(d.accrued)::text, 'contributor', d.contributor,
            'currency', checked.currency
        )),
        (checked.statement::json ->> 'minor_digits')::integer
    ), checked.period, checked.key)
    INTO statement
    FROM (
        SELECT pg_catalog.substr(p.account, 13) AS contributor, -p.amount + COALESCE((
            SELECT pg_catalog.sum(c.amount) FROM precise.posting AS c
            WHERE c.account = 'carry/' || pg_catalog.substr(p.account, 13)
                AND c.currency = checked.currency AND c.transaction < checked.transaction
        ), 0) AS accrued
        FROM precise.posting AS p
        WHERE p.transaction = checked.transaction AND p.account ^@ 'contributor/'
    ) AS d;
    IF statement IS DISTINCT FROM checked.statement THEN
        RETURN 'its statement is not that of the balances';
    ELSIF EXISTS (
        SELECT p.account FROM precise.posting AS p
        WHERE p.currency = checked.currency AND p.period = checked.period
            AND p.transaction <= checked.transaction AND p.account ^@ 'contributor/'
        GROUP BY p.account HAVING pg_catalog.sum(p.amount) <> 0
    ) THEN
        RETURN 'it leaves a balance in its period';
    ELSIF @extschema@.precise_proof_hash(checked.statement::jsonb - 'lines')
        <> checked.statement_hash
    THEN
        RETURN 'its statement_hash is not that of its statement';
    ELSIF (
        SELECT pg_catalog.sum(b.count) FROM precise.batch AS b
        WHERE b.kind = 'settlement'
            AND b.label = @extschema@.precise_proof_id(checked.statement_hash)
    ) IS DISTINCT FROM (
        SELECT pg_catalog.count(*)::numeric FROM precise.ledger_entry AS e
        WHERE e.period = checked.period AND e.currency = checked.currency
    ) OR EXISTS (
        SELECT FROM precise.batch AS b
        WHERE b.kind = 'settlement'
            AND b.label = @extschema@.precise_proof_id(checked.statement_hash)
            AND b.batch_root IS DISTINCT FROM (
                SELECT @extschema@.precise_merkle_root(e.id) FROM precise.ledger_entry AS e
                WHERE e.period = checked.period AND e.currency = checked.currency
                    AND (b.part IS NULL OR precise.leading(e.id)
                        >> (32 - (b.part ->> 'bits')::integer) = (b.part ->> 'index')::bigint)
            )
    ) THEN
        RETURN 'its batches are not of the entries of its period';
    END IF;
    RETURN NULL;
END
    $$;
COMMENT ON FUNCTION precise.settlement_fault(precise.settlement) IS
    'What is wrong with a settlement beside its transaction; NULL: nothing.';

CREATE FUNCTION precise.verify_ledger()
    RETURNS TABLE (transaction bigint, finding text)
    -- With its owner's rights: who may verify the ledger is not shown the keys of settlements.
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    AS $$
BEGIN
    RETURN QUERY
    SELECT f.number, f.fault FROM (
        SELECT t.number, precise.transaction_fault(t)
        FROM precise.ledger_transaction AS t
        UNION ALL
        SELECT t.number, CASE
            WHEN e.count IS DISTINCT FROM NULLIF(t.count, 0) THEN pg_catalog.format(
                'it has %s entries, and its document says %s', COALESCE(e.count, 0), t.count
            )
            WHEN e.root IS DISTINCT FROM CASE WHEN t.count > 0 THEN t.entries_root END
                THEN 'its entries are not those of its document'
            WHEN t.count = 0
                AND t.entries_root <> pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')
                THEN 'it has no entries, and its document a root of some'
            WHEN e.wrong_id THEN 'an entry has another''s id'
            WHEN e.unbound THEN 'an entry takes back what is not there'
        END
        FROM precise.ledger_transaction AS t
        LEFT JOIN (
            SELECT e.transaction, pg_catalog.count(*) AS count,
                @extschema@.precise_merkle_root(@extschema@.precise_proof_hash(
                    precise.entry_document(
                        e.amount, e.campaign, e.contributor, e.currency, e.id, e.late, e.period,
                        e.proof_hash, e.rate_ppm, e.signal_type
                    )
                )) AS root,
                pg_catalog.bool_or(e.id <> CASE t.kind
                    WHEN 'void' THEN @extschema@.precise_ledger_void_id(
                        e.proof_hash, e.contributor, e.signal_type
                    )
                    ELSE @extschema@.precise_ledger_entry_id(
                        e.proof_hash, e.contributor, e.signal_type
                    )
                END) AS wrong_id,
                pg_catalog.bool_or(t.kind = 'void' AND NOT EXISTS (
                    SELECT FROM precise.ledger_entry AS o
                    WHERE o.id = @extschema@.precise_ledger_entry_id(
                        e.proof_hash, e.contributor, e.signal_type
                    ) AND o.amount = -e.amount AND o.currency = e.currency
                )) AS unbound
            FROM precise.ledger_entry AS e
            JOIN precise.ledger_transaction AS t ON t.number = e.transaction
            GROUP BY e.transaction
        ) AS e ON e.transaction = t.number
        UNION ALL
        -- What is accrued or taken back is what entries say, to the account.
        SELECT COALESCE(p.transaction, e.transaction), pg_catalog.format(
            'what it posts to %s is not the sum of its entries', COALESCE(p.account, e.account)
        )
        FROM (
            SELECT p.* FROM precise.posting AS p
            JOIN precise.ledger_transaction AS t ON t.number = p.transaction
            WHERE t.kind <> 'settlement'
        ) AS p
        FULL JOIN (
            SELECT e.transaction, a.account, e.currency, e.period,
                pg_catalog.sum(e.amount * a.sign) AS amount
            FROM precise.ledger_entry AS e
            CROSS JOIN LATERAL (
                VALUES ('contributor/' || e.contributor, 1), ('campaign/' || e.campaign, -1)
            ) AS a (account, sign)
            GROUP BY e.transaction, a.account, e.currency, e.period
        ) AS e ON (e.transaction, e.account, e.currency, e.period)
            = (p.transaction, p.account, p.currency, p.period)
        WHERE e.amount IS DISTINCT FROM p.amount
        UNION ALL
        SELECT t.number, 'it is a settlement without a statement'
        FROM precise.ledger_transaction AS t
        WHERE t.kind = 'settlement' AND NOT EXISTS (
            SELECT FROM precise.settlement AS s WHERE s.transaction = t.number
        )
        UNION ALL
        SELECT s.transaction, precise.settlement_fault(s) FROM precise.settlement AS s
        UNION ALL
        -- Behind all transactions: which of them is wrong cannot be seen.
        SELECT NULL, pg_catalog.format(
            'the balance of %s is not the sum of its postings', COALESCE(a.account, p.account)
        )
        FROM precise.account AS a
        FULL JOIN (
            SELECT p.account, p.currency, p.period, pg_catalog.sum(p.amount) AS balance
            FROM precise.posting AS p GROUP BY p.account, p.currency, p.period
        ) AS p ON (p.account, p.currency, p.period) = (a.account, a.currency, a.period)
        WHERE p.balance IS DISTINCT FROM a.balance
    ) AS f (number, fault)
    WHERE f.fault IS NOT NULL
    ORDER BY f.number, f.fault
    LIMIT 1;
END
    $$;
COMMENT ON FUNCTION precise.verify_ledger() IS
    'Computes the whole ledger again: hashes, entries and their ids, postings, balances, '
    'statements, batches. The first transaction that is wrong, and how. No row: all is well.';
