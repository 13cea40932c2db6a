-- The functions: the same bytes from text, json and jsonb.
SELECT precise_canonical('{"b":1.50, "a":"é"}');
SELECT precise_canonical('{"b":1.50, "a":"é"}'::jsonb);
SELECT precise_proof_hash('{"b":1.5,"a":"é"}'::json) = precise_proof_hash('{"a":"é","b":1.50}'::jsonb)
    AS same;
SELECT precise_proof_id(precise_proof_hash('{"b":1.50,"a":"é"}'));
SELECT precise_verify_proof('{"a":1}', precise_mint_proof('{"a":1}')) AS verified,
    precise_verify_proof('{"a":2}', precise_mint_proof('{"a":1}')) AS of_another;
SELECT precise_merkle_root(precise_proof_hash(i::text)) FROM generate_series(1, 1000) AS i;
-- NULL in, NULL out.
SELECT precise_proof_hash(NULL::jsonb) IS NULL AS is_null;
-- A key twice is lost in jsonb, and refused in text.
SELECT precise_canonical('{"a":1,"a":2}');
