-- Who may do what. Roles belong to the whole server: another database may have made them already.

DO $$
DECLARE
    needed text;
    role pg_catalog.pg_roles;
BEGIN
    FOREACH needed IN ARRAY ARRAY['precise_minter', 'precise_committer', 'precise_auditor'] LOOP
        SELECT r.* INTO role FROM pg_catalog.pg_roles AS r WHERE r.rolname = needed;
        IF role.rolsuper OR role.rolcreaterole OR role.rolcanlogin THEN
            RAISE WARNING USING
                MESSAGE = pg_catalog.format(
                    'role %s was there before, and %s', needed,
                    CASE
                        WHEN role.rolsuper THEN 'is a superuser'
                        WHEN role.rolcreaterole THEN 'may create roles'
                        ELSE 'may log in'
                    END
                ),
                HINT = 'It is granted rights all the same. Made here, it would be there to be '
                    || 'granted to others, and could do nothing else.';
        ELSIF role.oid IS NULL THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', needed);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- Another database made it meanwhile.
            END;
        END IF;
    END LOOP;
END
$$;

-- A function is everyone's unless said otherwise; these are nobody's unless said otherwise.
REVOKE ALL ON FUNCTION
    precise.activate_ruleset(text, text),
    precise.add_ruleset(text, json, boolean),
    precise.add_ruleset(text, jsonb, boolean),
    precise.add_ruleset(text, text, boolean),
    precise.archive(text, timestamptz),
    precise.audience(text),
    precise.backfill(regclass),
    precise.blind_of(text, bytea),
    precise.blind_with(text, text, text, uuid),
    precise.census(text[], bytea, bytea, bigint, bytea, bytea, bigint),
    precise.check_differences(text, bigint, bytea[]),
    precise.drop_archived(text, timestamptz),
    precise.export_secrets(text),
    precise.forget_subject(text, text),
    precise.import_secrets(text, regclass, boolean),
    precise.key_of_releases(text),
    precise.mint_audience(regclass),
    precise.mint_written(),
    precise.receipt(bytea, text),
    precise.seal(text, bytea, bigint, boolean, text),
    precise.track(regclass, text, text, text, text, boolean, text),
    precise.unseal(text, bytea, bigint, boolean, bytea),
    precise.untrack(regclass),
    precise.verify_table(regclass),
    precise.void_proof(bytea, text)
    FROM PUBLIC;
REVOKE ALL ON FUNCTION
    precise.accrue_all(timestamptz, timestamptz, timestamptz),
    precise.accrue_label(precise.sources, timestamptz, timestamptz, timestamptz),
    precise.append_entries(text, timestamptz),
    precise.append_transaction(text, timestamptz, bytea, bigint, text),
    precise.begin_accrual(),
    precise.check_entries(),
    precise.check_transaction(),
    precise.close_settlement(text, text, text, timestamptz),
    precise.ledger_lines(),
    precise.lock_ledger(),
    precise.post(),
    precise.settlement_fault(precise.settlement),
    precise.statement(text, text),
    precise.statement_csv(text, text),
    precise.statement_line(text, text, text),
    precise.take_back(timestamptz),
    precise.transaction_fault(precise.ledger_transaction),
    precise.verify_ledger()
    FROM PUBLIC;
REVOKE ALL ON PROCEDURE
    precise.accrue(text, timestamptz, timestamptz),
    precise.close_batch(text, bigint),
    precise.mint_audience_proof(text, text, text[]),
    precise.settle(text, text, integer)
    FROM PUBLIC;

-- The minter registers tables, mints, closes batches and forgets. Proofs and secrets that are there
-- change only through functions, which run with their owner's rights.
GRANT SELECT, INSERT, UPDATE, DELETE ON precise.sources TO precise_minter;
GRANT SELECT, INSERT, UPDATE (seen) ON precise.proof TO precise_minter;
GRANT SELECT, INSERT, DELETE ON precise.reject TO precise_minter;
GRANT SELECT, INSERT, DELETE ON precise.suppressed TO precise_minter;
GRANT SELECT, INSERT ON precise.batch TO precise_minter;
GRANT USAGE ON SEQUENCE precise.batch_id TO precise_minter;
GRANT SELECT, INSERT ON precise.subject_secret TO precise_minter;
-- FOR KEY SHARE, which keeps a secret while proofs are made with it, asks for the right to UPDATE
-- something.
GRANT UPDATE (made_at) ON precise.subject_secret TO precise_minter;
GRANT SELECT ON precise.void, precise.status TO precise_minter;
GRANT SELECT, INSERT, UPDATE (active) ON precise.ruleset TO precise_minter;
GRANT SELECT, INSERT ON precise.release, precise.released_member, precise.release_key
    TO precise_minter;
-- Postings and balances are written by a trigger alone.
GRANT SELECT, INSERT ON
    precise.exempt, precise.ledger_entry, precise.ledger_transaction, precise.royalty_rate,
    precise.settlement
    TO precise_minter;
GRANT SELECT, INSERT, UPDATE ON precise.accrual TO precise_minter;
GRANT SELECT ON precise.account, precise.balance, precise.posting TO precise_minter;
GRANT EXECUTE ON FUNCTION
    precise.activate_ruleset(text, text),
    precise.add_ruleset(text, json, boolean),
    precise.add_ruleset(text, jsonb, boolean),
    precise.add_ruleset(text, text, boolean),
    precise.archive(text, timestamptz),
    precise.audience(text),
    precise.backfill(regclass),
    precise.blind_of(text, bytea),
    precise.blind_with(text, text, text, uuid),
    precise.census(text[], bytea, bytea, bigint, bytea, bytea, bigint),
    precise.check_differences(text, bigint, bytea[]),
    precise.drop_archived(text, timestamptz),
    precise.export_secrets(text),
    precise.forget_subject(text, text),
    precise.import_secrets(text, regclass, boolean),
    precise.key_of_releases(text),
    precise.mint_audience(regclass),
    precise.mint_written(),
    precise.receipt(bytea, text),
    precise.seal(text, bytea, bigint, boolean, text),
    precise.track(regclass, text, text, text, text, boolean, text),
    precise.unseal(text, bytea, bigint, boolean, bytea),
    precise.untrack(regclass),
    precise.verify_table(regclass),
    precise.void_proof(bytea, text)
    TO precise_minter;
GRANT EXECUTE ON FUNCTION
    precise.accrue_all(timestamptz, timestamptz, timestamptz),
    precise.accrue_label(precise.sources, timestamptz, timestamptz, timestamptz),
    precise.append_entries(text, timestamptz),
    precise.append_transaction(text, timestamptz, bytea, bigint, text),
    precise.begin_accrual(),
    precise.close_settlement(text, text, text, timestamptz),
    precise.ledger_lines(),
    precise.lock_ledger(),
    precise.statement(text, text),
    precise.statement_csv(text, text),
    precise.statement_line(text, text, text),
    precise.take_back(timestamptz),
    precise.verify_ledger()
    TO precise_minter;
GRANT EXECUTE ON PROCEDURE
    precise.accrue(text, timestamptz, timestamptz),
    precise.close_batch(text, bigint),
    precise.mint_audience_proof(text, text, text[]),
    precise.settle(text, text, integer)
    TO precise_minter;

-- The committer takes entries to the log and says where they are. It sees no record id and no
-- subject, and changes nothing that a root stands for.
GRANT SELECT ON precise.batch, precise.status TO precise_committer;
GRANT UPDATE (state, log_origin, log_index, log_entry, tlog_proof, checkpoint, committed_at)
    ON precise.batch TO precise_committer;
GRANT SELECT (label, proof_hash, batch_id, minted_at) ON precise.proof TO precise_committer;
GRANT SELECT ON precise.void TO precise_committer;

-- The auditor reads all but secrets. To verify a table it must be allowed to read that as well.
GRANT SELECT ON
    precise.account, precise.accrual, precise.balance, precise.batch, precise.exempt,
    precise.ledger_entry, precise.ledger_transaction, precise.posting, precise.proof,
    precise.reject, precise.release, precise.royalty_rate, precise.ruleset, precise.sources,
    precise.status, precise.suppressed, precise.void
    TO precise_auditor;
GRANT SELECT (period, currency, transaction, statement, statement_hash) ON precise.settlement
    TO precise_auditor;
GRANT EXECUTE ON FUNCTION
    precise.archive(text, timestamptz),
    precise.audience(text),
    precise.blind_of(text, bytea),
    precise.blind_with(text, text, text, uuid),
    precise.ledger_lines(),
    precise.receipt(bytea, text),
    precise.statement(text, text),
    precise.statement_csv(text, text),
    precise.statement_line(text, text, text),
    precise.verify_ledger(),
    precise.verify_table(regclass)
    TO precise_auditor;
