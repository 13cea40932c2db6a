"""Asks outside tools whether they agree with the `precise` binary.

PyPI rfc8785 on every OpenRTB request, b3sum on its canonical bytes, pyarrow on the Parquet file,
hashlib's SHA-256 on the batch root, jq on the rejects, and PyPI jsonschema on sample events. The
requests are others' test data and lie beside the checkout; without them the events of `precise
sample` stand in, and that is said.
"""

import argparse
import hashlib
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import jsonschema
import pyarrow.parquet
import rfc8785

ROOT = pathlib.Path(__file__).parents[2]
OPENRTB = ROOT.parent / "shared/vectors/openrtb/bid_requests.jsonl"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precise", required=True, type=pathlib.Path)
    precise = parser.parse_args().precise.resolve()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if OPENRTB.exists():
            requests = OPENRTB.read_bytes().splitlines()
        else:
            print("SKIPPED: ../shared/vectors/openrtb not found; sample events instead")
            requests = run(precise, "sample", "--events", "60", "-o", "-").splitlines()
        check_requests(checks, precise, folder, requests)
        check_rejects(checks, precise, folder, requests)
    check_samples(checks, precise)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


class Checks:
    """Counts, and prints what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def equal(self, what, got, expected):
        if got == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{what}: got {got!r}, expected {expected!r}")


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def check_requests(checks, precise, folder, requests):
    """Canonical bytes, hashes and the root, each by another tool."""
    source, proofs = folder / "requests.ndjson", folder / "proofs.parquet"
    source.write_bytes(b"\n".join(requests))
    run(precise, "mint", source, "-o", proofs, "--with-record", "--json")
    rows = pyarrow.parquet.read_table(proofs).to_pylist()
    checks.equal("rows", [row["row"] for row in rows], list(range(len(requests))))
    for request, row in zip(requests, rows):
        canonical = run(precise, "canonical", "-", stdin=request)
        judged = rfc8785.dumps(json.loads(request, parse_int=float))
        checks.equal("canonical form", canonical, judged)
        hashed = run("b3sum", "--no-names", stdin=canonical).decode().strip()
        checks.equal("proof hash", row["proof_hash"].hex(), hashed)
        checks.equal("record column", row["record"].encode(), canonical)
        checks.equal("size", row["size"], len(canonical))
    root = run(precise, "root", proofs).decode().strip()
    leaves = sorted({row["proof_hash"] for row in rows})
    checks.equal("batch root", root, "0x" + tree_hash(leaves).hex())
    random.Random(1).shuffle(requests)
    source.write_bytes(b"\n".join(requests))
    run(precise, "mint", source, "-o", proofs, "--json")
    checks.equal("root of shuffled input", run(precise, "root", proofs).decode().strip(), root)


def tree_hash(leaves):
    """RFC 9162 section 2.1.1, as it is written there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = tree_hash(leaves[:split]), tree_hash(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def check_rejects(checks, precise, folder, requests):
    """jq reads the rejects, and finds the raw row in them."""
    source, rejects = folder / "bad.ndjson", folder / "rejects.ndjson"
    bad = b'{"a":1,"a":2}'
    source.write_bytes(b"\n".join([requests[0], bad, requests[1]]))
    output = folder / "bad.parquet"
    run(precise, "mint", source, "-o", output, "--rejects", rejects, "--json")
    found = run("jq", "-r", '"\\(.row) \\(.code) \\(.path) \\(.raw)"', rejects).decode()
    checks.equal("reject", found, f"1 PR106 $.a {bad.decode()}\n")


def check_samples(checks, precise):
    """Sample events are of the published schema, and the schema refuses what is no event."""
    schema = json.loads((ROOT / "docs/event.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sampled = run(precise, "sample", "--events", "500", "--seed", "3", "-o", "-").splitlines()
    for event in map(json.loads, sampled):
        checks.equal("schema", [error.message for error in validator.iter_errors(event)], [])
    wrongs = [
        (["event_type"], "view"),
        (["timestamp"], "yesterday"),
        (["metadata", "clearing_price"], "19.00"),
        (["metadata", "geo", "zip"], 10013),
        (["attribution", "data_contributors", 0, "weight"], -1),
    ]
    for path, wrong in wrongs:
        event = json.loads(sampled[0])
        inner = event
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = wrong
        checks.equal(f"schema with a wrong {path}", validator.is_valid(event), False)


if __name__ == "__main__":
    main()
