-- The tables: what was minted, what was refused, which batches were closed, what was voided.
--
-- A dump of the database holds their rows, but for subjects' secrets and the keys of releases: a
-- dump that held the first would defeat erasure, and with the second members can be guessed.

CREATE SEQUENCE precise.batch_id;
COMMENT ON SEQUENCE precise.batch_id IS 'Numbers batches.';

CREATE TABLE precise.batch (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('precise.batch_id'),
    kind text NOT NULL DEFAULT 'records' CHECK (kind IN ('records', 'audience', 'settlement')),
    label text NOT NULL CHECK (pg_catalog.octet_length(label) BETWEEN 1 AND 1024),
    part jsonb,
    batch_root bytea NOT NULL CHECK (pg_catalog.octet_length(batch_root) = 32),
    count bigint NOT NULL CHECK (count > 0),
    -- 65,535 bytes are what an entry of a log may have.
    entry text NOT NULL CHECK (pg_catalog.octet_length(entry) BETWEEN 1 AND 65535),
    state text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'staged', 'committed')),
    log_origin text,
    log_index bigint CHECK (log_index >= 0),
    tlog_proof text,
    checkpoint text,
    closed_at timestamptz NOT NULL,
    committed_at timestamptz,
    document text,
    log_entry text,
    CHECK ((kind <> 'records') = (document IS NOT NULL)),
    CHECK (
        state <> 'committed'
        OR (log_origin, log_index, tlog_proof, checkpoint, committed_at) IS NOT NULL
    ),
    CONSTRAINT batch_log_entry_check CHECK (
        CASE WHEN log_entry IS NOT NULL THEN
            log_entry <> entry AND log_entry::jsonb - 'closed_at' = entry::jsonb - 'closed_at'
        END
    )
);
CREATE FUNCTION precise.keep_batch() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF OLD.state = 'committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('batch %s is committed', OLD.id),
            HINT = 'What is in the log stays there, and so does what is said of it here.';
    ELSIF (NEW.id, NEW.kind, NEW.label, NEW.part, NEW.batch_root, NEW.count, NEW.entry, NEW.document)
        IS DISTINCT FROM
        (OLD.id, OLD.kind, OLD.label, OLD.part, OLD.batch_root, OLD.count, OLD.entry, OLD.document)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('batch %s is closed', OLD.id),
            HINT = 'Only its state and where in the log it is can change.';
    END IF;
    RETURN NEW;
END
    $$;
COMMENT ON FUNCTION precise.keep_batch() IS
    'Behind a trigger: what a batch is never changes, and nothing of one that is committed.';
CREATE TRIGGER keep_batch BEFORE UPDATE ON precise.batch
    FOR EACH ROW EXECUTE FUNCTION precise.keep_batch();
CREATE INDEX batch_open ON precise.batch (id) WHERE state <> 'committed';
CREATE INDEX batch_label ON precise.batch (label, id);
COMMENT ON TABLE precise.batch IS
    'The outbox: closed batches of proofs, each with the entry the committer takes to the log.';
COMMENT ON COLUMN precise.batch.kind IS
    'records: proofs of records; audience: those of a table whose audience was minted; settlement: '
    'ids of the ledger''s entries.';
COMMENT ON COLUMN precise.batch.label IS
    'The publisher''s name for the source; of an audience, the id of its proof; of a settlement, of '
    'its statement''s head.';
COMMENT ON COLUMN precise.batch.part IS
    'Which cell of a set that was cut this is: {"bits","index","parts"}; NULL if it was not cut.';
COMMENT ON COLUMN precise.batch.batch_root IS 'precise_merkle_root of the batch''s proofs.';
COMMENT ON COLUMN precise.batch.count IS 'How many proofs there are in it.';
COMMENT ON COLUMN precise.batch.entry IS
    'The log entry, to the byte. It never changes, whatever becomes of the log.';
COMMENT ON COLUMN precise.batch.state IS
    'closed: waits for the committer; staged: the committer has it; committed: it is in the log.';
COMMENT ON COLUMN precise.batch.log_index IS 'Where in the log the entry is.';
COMMENT ON COLUMN precise.batch.tlog_proof IS 'The proof that it is there, for receipts.';
COMMENT ON COLUMN precise.batch.document IS
    'The document whose proof an audience''s or a settlement''s entry names. It stays here.';
COMMENT ON COLUMN precise.batch.checkpoint IS 'The signed checkpoint the proof leads to.';
COMMENT ON COLUMN precise.batch.log_entry IS
    'The entry as the log has it, where the same batch was there already, closed at another time; '
    'NULL: as entry.';

CREATE TABLE precise.proof (
    label text NOT NULL CHECK (pg_catalog.octet_length(label) BETWEEN 1 AND 1024),
    proof_hash bytea NOT NULL CHECK (pg_catalog.octet_length(proof_hash) = 32),
    record_id text,
    subject text,
    version uuid,
    seen bigint NOT NULL DEFAULT 1 CHECK (seen > 0),
    minted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- Not a foreign key: to check it a million times is what would take longest in closing a batch.
    batch_id bigint,
    -- The hash first, so that the key serves a receipt that is asked for without a label.
    PRIMARY KEY (proof_hash, label),
    CHECK (subject IS NULL OR (record_id, version) IS NOT NULL)
);
-- Of the pending, too: they are its rightmost entries, where adding one is cheapest. An index on
-- their label would cost every insert twice as much.
CREATE INDEX proof_batch ON precise.proof (batch_id);
CREATE INDEX proof_subject ON precise.proof (subject) WHERE subject IS NOT NULL;
CREATE INDEX proof_version ON precise.proof (label, record_id) WHERE version IS NOT NULL;
COMMENT ON TABLE precise.proof IS
    'Proofs that were minted, one for each content and label, and the batch each is in.';
COMMENT ON COLUMN precise.proof.record_id IS
    'The first record that had this content: the text of its key, or of a key of several columns '
    'the canonical JSON array of their texts. NULL where there is no key, or it was forgotten.';
COMMENT ON COLUMN precise.proof.subject IS
    'Whose secret blinds the proof. NULL: it is not blinded, or the subject was forgotten.';
COMMENT ON COLUMN precise.proof.version IS
    'A random number for each version of a record, so that no two contents share a blind: '
    'precise_blind takes the canonical JSON array of label, record_id and this.';
COMMENT ON COLUMN precise.proof.seen IS
    'How many inserted rows had this content. More than 1: records that should differ do not.';
COMMENT ON COLUMN precise.proof.batch_id IS 'The batch it is in; NULL until one is closed.';

CREATE TABLE precise.reject (
    label text NOT NULL,
    record_id text,
    code text NOT NULL CHECK (code ~ '^[0-9A-Z]{5}$'),
    place text,
    message text NOT NULL,
    raw text,
    at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    proof_hash bytea
);
CREATE INDEX reject_label ON precise.reject (label, record_id);
CREATE INDEX reject_proof ON precise.reject (label, proof_hash) WHERE proof_hash IS NOT NULL;
COMMENT ON TABLE precise.reject IS
    'Rows that were stored but not minted. After their cause is gone: delete them here, and '
    'SELECT precise.backfill(table). And events that were minted but did not accrue: those are '
    'tried again whenever precise.accrue is called, and go by themselves.';
COMMENT ON COLUMN precise.reject.record_id IS
    'NULL: a whole statement''s rows, or there is no key.';
COMMENT ON COLUMN precise.reject.code IS
    'PRnnn of docs/errors.md, or the SQLSTATE under which minting failed.';
COMMENT ON COLUMN precise.reject.place IS 'The JSON path of what is wrong.';
COMMENT ON COLUMN precise.reject.proof_hash IS
    'The event that did not accrue; NULL: the row was not minted.';
COMMENT ON COLUMN precise.reject.raw IS
    'The record, its first 65,536 characters. NULL for a table with subjects: it would outlive '
    'them.';

CREATE TABLE precise.sources (
    source regclass PRIMARY KEY,
    label text NOT NULL UNIQUE CHECK (pg_catalog.octet_length(label) BETWEEN 1 AND 1024),
    payload text,
    record_id text[] CHECK (pg_catalog.array_length(record_id, 1) > 0),
    subject text CHECK (subject IS NULL OR record_id IS NOT NULL),
    member text,
    geo text,
    ruleset text,
    k bigint CHECK (k > 0),
    on_reject text NOT NULL DEFAULT 'keep' CHECK (on_reject IN ('keep', 'error')),
    tracked_since timestamptz NOT NULL DEFAULT pg_catalog.now(),
    zip text,
    dma text,
    royalty_policy text
);
COMMENT ON TABLE precise.sources IS
    'Tables whose rows are minted as they are written: a row for each precise.track.';
COMMENT ON COLUMN precise.sources.payload IS
    'The column that holds the record, of type jsonb, json or text; NULL: the whole row is it.';
COMMENT ON COLUMN precise.sources.record_id IS 'The columns that tell records apart.';
COMMENT ON COLUMN precise.sources.subject IS
    'The column that says whom a record is about; its proofs are blinded. NULL: they are not.';
COMMENT ON COLUMN precise.sources.member IS
    'The column that says who is in an audience; NULL: member_id, else each row counts.';
COMMENT ON COLUMN precise.sources.geo IS 'Not used. A dump of version 0.1.0 has it.';
COMMENT ON COLUMN precise.sources.ruleset IS
    'The label of the rule set that puts records in cohorts; NULL: a record''s cohort_id does.';
COMMENT ON COLUMN precise.sources.zip IS
    'The column with a record''s zip code, in place of where the rule set finds it.';
COMMENT ON COLUMN precise.sources.dma IS
    'The column with a record''s market area, in place of where the rule set finds it.';
COMMENT ON COLUMN precise.sources.k IS
    'The members a cohort must have to be named, 2 or more; NULL: 1000.';
COMMENT ON COLUMN precise.sources.royalty_policy IS
    'By which policy contributors share in the table''s events (SPEC.md section 9.1); NULL: split.';
COMMENT ON COLUMN precise.sources.on_reject IS
    'keep: a row that cannot be minted is stored, and noted in precise.reject; '
    'error: it is refused.';

CREATE TABLE precise.ruleset (
    label text NOT NULL CHECK (pg_catalog.octet_length(label) BETWEEN 1 AND 1024),
    version text NOT NULL,
    rules json NOT NULL,
    ruleset_hash bytea NOT NULL,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    active boolean NOT NULL DEFAULT false,
    PRIMARY KEY (label, version),
    CONSTRAINT ruleset_check CHECK (
        ruleset_hash = @extschema@.precise_ruleset_hash(rules) AND version = rules ->> 'version'
    )
);
CREATE UNIQUE INDEX ruleset_active ON precise.ruleset (label) WHERE active;
COMMENT ON TABLE precise.ruleset IS
    'The rules that put records in cohorts, in all their versions, of which none changes.';
COMMENT ON COLUMN precise.ruleset.label IS 'What a rule set is called here, in precise.sources.';
COMMENT ON COLUMN precise.ruleset.version IS 'What the rules say of themselves.';
COMMENT ON COLUMN precise.ruleset.rules IS 'The rule set, in canonical form.';
COMMENT ON COLUMN precise.ruleset.ruleset_hash IS 'precise_ruleset_hash of it; audiences name it.';
COMMENT ON COLUMN precise.ruleset.active IS
    'Whether it counts: of a label''s versions one at most.';

CREATE TABLE precise.void (
    proof_hash bytea PRIMARY KEY CHECK (pg_catalog.octet_length(proof_hash) = 32),
    reason text NOT NULL CHECK (reason IN ('erasure', 'opt_out', 'correction')),
    salt bytea NOT NULL CHECK (pg_catalog.octet_length(salt) = 32),
    at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE precise.void IS 'Proofs that no longer hold, for the status log.';
COMMENT ON COLUMN precise.void.salt IS
    'Random, so that nobody who has the proof can tell from the log why it is void.';

CREATE TABLE precise.suppressed (
    subject text PRIMARY KEY,
    reason text NOT NULL DEFAULT 'opt_out',
    at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE precise.suppressed IS 'Subjects about whom nothing is minted any more.';

CREATE TABLE precise.subject_secret (
    subject text PRIMARY KEY,
    secret bytea NOT NULL CHECK (pg_catalog.octet_length(secret) = 32),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE precise.subject_secret IS
    'What a subject''s blinds are made of. Destroying it is what erases. Never in a dump; '
    'what that means for backups is in docs/erasure.md.';

CREATE TABLE precise.release (
    label text NOT NULL CHECK (pg_catalog.octet_length(label) BETWEEN 1 AND 1024),
    number bigint NOT NULL CHECK (number > 0),
    proof_id text NOT NULL,
    released_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (label, number)
);
COMMENT ON TABLE precise.release IS
    'Audiences that were released, but for those whose members were all where they were in an '
    'earlier one: with these a new one is compared.';
COMMENT ON COLUMN precise.release.label IS
    'The source''s label in precise.sources, else the table''s name.';
COMMENT ON COLUMN precise.release.number IS 'Releases of a label are counted from 1.';
COMMENT ON COLUMN precise.release.proof_id IS 'The audience: precise.audience shows its document.';

CREATE TABLE precise.released_member (
    label text NOT NULL,
    number bigint NOT NULL,
    part smallint NOT NULL CHECK (part BETWEEN 1 AND 256),
    entries bytea NOT NULL CHECK (pg_catalog.octet_length(entries) % 32 = 0),
    PRIMARY KEY (label, number, part),
    FOREIGN KEY (label, number) REFERENCES precise.release ON DELETE CASCADE
);
-- Hashes do not get smaller.
ALTER TABLE precise.released_member ALTER COLUMN entries SET STORAGE EXTERNAL;
COMMENT ON TABLE precise.released_member IS
    'The members of a release as keyed hashes, and nothing else of them (SPEC.md section 8.8).';
COMMENT ON COLUMN precise.released_member.part IS
    'Which 256th of the members: 1 and the first byte of their hashes.';
COMMENT ON COLUMN precise.released_member.entries IS
    'Sorted, 32 bytes a member: 16 of who it is, 16 of the cohorts that were named and count it.';

CREATE TABLE precise.release_key (
    label text PRIMARY KEY,
    key bytea NOT NULL CHECK (pg_catalog.octet_length(key) = 32)
);
COMMENT ON TABLE precise.release_key IS
    'What the hashes of a label''s released members are made with. Never in a dump: with it, '
    'members can be guessed from their hashes.';

SELECT pg_catalog.pg_extension_config_dump('precise.batch_id', '');
SELECT pg_catalog.pg_extension_config_dump('precise.batch', '');
SELECT pg_catalog.pg_extension_config_dump('precise.proof', '');
SELECT pg_catalog.pg_extension_config_dump('precise.reject', '');
-- A table that is gone has a number and no name, which elsewhere may be another table's.
SELECT pg_catalog.pg_extension_config_dump(
    'precise.sources',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = source)'
);
SELECT pg_catalog.pg_extension_config_dump('precise.release', '');
SELECT pg_catalog.pg_extension_config_dump('precise.released_member', '');
SELECT pg_catalog.pg_extension_config_dump('precise.ruleset', '');
SELECT pg_catalog.pg_extension_config_dump('precise.void', '');
SELECT pg_catalog.pg_extension_config_dump('precise.suppressed', '');
