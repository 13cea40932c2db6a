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
    ADD COLUMN dma text;

-- What they did the core does now, but for what shows an audience, which takes its proof's id.
DROP FUNCTION precise.audience(regclass);
DROP FUNCTION precise.wider(text);

-- generated: what else has changed
