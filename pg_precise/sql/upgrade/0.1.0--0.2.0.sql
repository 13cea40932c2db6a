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

-- generated: what else has changed
