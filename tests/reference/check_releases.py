"""What `precise audience` keeps of releases, and which it refuses, beside the reference
(SPEC.md section 8.8)."""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from check_outside import Checks
from precise_reference import count_different, released

K = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precise", required=True, type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    checks, verdicts = Checks(), set()
    for seed in range(arguments.seed, arguments.seed + 8):
        with tempfile.TemporaryDirectory() as folder:
            place, chance = pathlib.Path(folder), random.Random(seed)
            verdicts |= check(checks, arguments.precise.resolve(), place, chance)
    checks.equal("some are refused, and some are not", verdicts, {False, True})
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


def check(checks, precise, folder, chance):
    """Releases one after the other, each a few or many members away from one before; gives whether
    any was refused, and whether any was not."""
    records, kept, verdicts = some_records(chance, 400), [], set()
    for _ in range(6):
        mint = [precise, "audience", "-", "--k", str(K), "--label", "one", "--state", folder]
        given = "".join(f"{record}\n" for record in records).encode()
        ran = subprocess.run(mint, input=given, capture_output=True, check=False)
        key = bytes.fromhex((folder / "key").read_text().split(" ")[0])
        ours = released([one.encode() for one in records], K, key)
        differ = [count_different(ours, one) for one in kept]
        is_refused = any(0 < count < K for count in differ)
        verdicts.add(is_refused)
        checks.equal(f"refused, where {differ} differ", b"PR506" in ran.stderr, is_refused)
        if not is_refused and ours not in kept:
            kept.append(ours)
        files = sorted((folder / "releases").iterdir())
        found = sorted(cut(one.read_bytes()) for one in files)
        checks.equal("what is kept", found, sorted(kept))
        records = changed(chance, chance.choice([records, records[:-2]]))
    return verdicts


def cut(release):
    return [release[at : at + 32] for at in range(0, len(release), 32)]


def some_records(chance, count):
    return [record(chance) for _ in range(count)]


def record(chance):
    """In one of few cohorts, most of them large, of a member that others may be of as well."""
    fields = {"n": chance.randrange(40)}
    place = chance.choice(["", "", "_10013", "_10014", "_94110", "_zip3_100", "_dma_501"])
    if chance.random() < 0.9:
        fields["cohort_id"] = chance.choice(["eco", "renters", "renters"]) + place
    if chance.random() < 0.9:
        fields["member_id"] = f"m{chance.randrange(2000)}"
    if chance.random() < 0.5:
        fields["dma"] = chance.choice(["501", "807", "50", 501])
    return json.dumps(fields)


def changed(chance, records):
    return records + some_records(chance, chance.choice([0, 1, 3, K - 1, 2 * K, 5 * K]))


if __name__ == "__main__":
    main()
