-- What `CREATE OR REPLACE` cannot do: tables, types, and what is gone or takes other arguments.

-- One index is made for what is pending and what is not.
DROP INDEX precise.proof_pending;
DROP INDEX precise.proof_batch;

-- generated: what else has changed
