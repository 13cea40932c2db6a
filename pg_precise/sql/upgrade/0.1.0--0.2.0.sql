-- What `CREATE OR REPLACE` cannot do: tables, types, and what is gone or takes other arguments.

-- One index is made for what is pending and what is not.
DROP INDEX precise.proof_pending;
DROP INDEX precise.proof_batch;

-- The entry as the log has it, where that is another.
ALTER TABLE precise.batch ADD COLUMN log_entry text,
    ADD CONSTRAINT batch_log_entry_check CHECK (
        CASE WHEN log_entry IS NOT NULL THEN
            log_entry <> entry AND log_entry::jsonb - 'closed_at' = entry::jsonb - 'closed_at'
        END
    );

-- A rule set is named by its label. No function of 0.1.0 wrote or read this column.
ALTER TABLE precise.sources ALTER COLUMN ruleset TYPE text USING ruleset #>> '{}',
    ADD COLUMN zip text,
    ADD COLUMN dma text,
    ADD COLUMN royalty_policy text;

-- Settlements are batches, too, and events that did not accrue are rejects.
ALTER TABLE precise.batch
    DROP CONSTRAINT batch_kind_check,
    ADD CONSTRAINT batch_kind_check CHECK (kind IN ('records', 'audience', 'settlement')),
    DROP CONSTRAINT batch_check,
    ADD CONSTRAINT batch_check CHECK ((kind <> 'records') = (document IS NOT NULL));
ALTER TABLE precise.reject ADD COLUMN proof_hash bytea;
DROP FUNCTION precise.entry(text, text, jsonb, bytea, bigint, timestamptz, bytea);

-- What they did the core does now, but for what shows an audience, which takes its proof's id.
DROP FUNCTION precise.audience(regclass);
DROP FUNCTION precise.wider(text);

-- generated: what else has changed
