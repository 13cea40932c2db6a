-- What `CREATE OR REPLACE` cannot do: tables, types, and what is gone or takes other arguments.

-- One index for what is pending and what is not costs an insert half of what two did.
DROP INDEX precise.proof_pending;
DROP INDEX precise.proof_batch;
CREATE INDEX proof_batch ON precise.proof (batch_id);

-- generated: what else has changed
