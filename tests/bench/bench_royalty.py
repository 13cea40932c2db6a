"""Prints how fast royalties are summed on one core: precise_royalty in DataFusion over events as
JSON, beside a plain sum(price * weight) in binary64 over columns that somebody took out of them
before, and beside the scan of the events alone; precise royalty on the command line; and what
settling ten thousand contributors takes.

Everything is built in release first. Whole processes take turns; the median counts. Wants a quiet
machine: times move with its load, ratios hardly.
"""

import argparse
import collections
import csv
import fractions
import json
import os
import random
import statistics
import subprocess
import sys

from bench import BIN, FILES, ROOT, cpu_model, sample
from bench_attribution import measure

RATE_PPM = 150_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--contributors", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--bin", default=BIN, help="where the programs are, which builds nothing")
    args = parser.parse_args()
    if args.bin == BIN:
        build = ["cargo", "build", "--release", "-p", "precise-cli", "-p", "precise-sql"]
        subprocess.run(build, cwd=ROOT, check=True)
    FILES.mkdir(parents=True, exist_ok=True)
    print(f"\n{cpu_model()}, {os.cpu_count()} cores\n")
    precise = f"{args.bin}/precise"
    lines, payloads = (sample(precise, args.events, kind) for kind in ("ndjson", "parquet"))
    shell = [f"{args.bin}/precise-sql", "--quiet", "--json", "--threads", "1", "-c"]
    columns = write_columns(shell, lines, args.events)
    # This process and its children, from here on.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    policy = "split(USD)"
    exact = f"precise_royalty(payload, {RATE_PPM}, '{policy}')"
    rate = RATE_PPM / 1_000_000
    plain = (
        f"SELECT currency, contributor, sum(price * weight) / 1000 * {rate} AS accrued"
        f" FROM '{columns}' GROUP BY currency, contributor"
    )
    command = [precise, "royalty", lines, "--rate-ppm", str(RATE_PPM), "--policy", policy]
    rows = {
        "precise_royalty, events as JSON in Parquet": [
            *shell, f"SELECT {exact} AS accruals FROM '{payloads}'"
        ],
        "sum(price * weight), columns in Parquet": [*shell, plain],
        "octet_length(payload): the scan": [
            *shell, f"SELECT sum(octet_length(payload)) AS bytes FROM '{payloads}'"
        ],
        "precise royalty, events as NDJSON": [*command, "--json"],
    }
    printed = compare(rows, args)
    show_difference(*list(printed.values())[:2])
    settle(precise, args)


def write_columns(shell, lines, events):
    """What a float sum needs, a row for each contributor of an impression, as Parquet."""
    columns = FILES / f"weights-{events}.parquet"
    if columns.exists():
        return columns
    text = columns.with_suffix(".csv")
    with open(lines) as source, open(text, "w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["currency", "contributor", "price", "weight"])
        for line in source:
            event = json.loads(line)
            if event["event_type"] != "impression":
                continue
            metadata = event["metadata"]
            for part in event["attribution"]["data_contributors"]:
                currency = metadata.get("currency", "USD")
                row = [currency, part["id"], metadata["clearing_price"], part["weight"]]
                rows.writerow(row)
    copy = (
        "COPY (SELECT currency, contributor, CAST(price AS DOUBLE) AS price,"
        f" CAST(weight AS DOUBLE) AS weight FROM '{text}') TO '{columns}'"
    )
    subprocess.run([*shell, copy], check=True, stdout=subprocess.DEVNULL)
    text.unlink()
    return columns


def compare(rows, args):
    walls, printed = collections.defaultdict(list), {}
    for _ in range(args.runs):
        for name, command in rows.items():
            wall, _, printed[name] = measure(command)
            walls[name].append(wall)
    seconds = {name: statistics.median(wall) for name, wall in walls.items()}
    print(f"{args.events:,} events, 1 core{'':32}{'s':>8}{'events/s':>12}{'× first':>9}")
    first = next(iter(seconds.values()))
    for name, wall in seconds.items():
        print(f"{name:48}{wall:8.2f}{args.events / wall:12,.0f}{wall / first:9.2f}")
    print()
    return printed


def show_difference(exact, plain):
    """The sums are of the same rows, so that floats are near the exact amounts, and not them."""
    accruals = json.loads(exact)["accruals"]
    accruals = json.loads(accruals) if isinstance(accruals, str) else accruals
    key = ("currency", "contributor")
    sums = map(json.loads, plain.splitlines())
    floats = {tuple(map(row.get, key)): row["accrued"] for row in sums}
    if floats.keys() != {tuple(map(row.get, key)) for row in accruals}:
        sys.exit("both did not sum the same contributors")
    worst, same = 0, 0
    for row in accruals:
        owed, near = fractions.Fraction(row["accrued"]), floats[tuple(map(row.get, key))]
        off = abs(fractions.Fraction(near) - owed) / owed
        worst, same = max(worst, off), same + (off == 0)
        if off > 1e-9:
            sys.exit(f"{row} and {near} are of different events")
    worst = f"{float(worst):.1e}"
    print(f"of {len(accruals)} float sums {same} are exact; the worst is off by {worst}\n")


def settle(precise, args):
    chosen = random.Random(1)
    accruals = FILES / f"accruals-{args.contributors}.json"
    accrued = [chosen.randrange(10**21) for _ in range(args.contributors)]
    entries = [
        {"accrued": f"{units}e-18", "contributor": f"c{i}", "currency": "USD"}
        for i, units in enumerate(accrued)
    ]
    accruals.write_text(json.dumps(entries))
    walls = []
    for _ in range(args.runs):
        wall, _, printed = measure([precise, "settle", accruals, "--json"])
        walls.append(wall)
    settlement = json.loads(printed)
    parts = [fractions.Fraction(line["amount"]) for line in settlement["lines"]]
    carried = [fractions.Fraction(line["carried"]) for line in settlement["lines"]]
    if sum(parts) + sum(carried) != fractions.Fraction(sum(accrued), 10**18):
        sys.exit("parts and carries do not sum to what accrued")
    if sum(parts) != fractions.Fraction(settlement["total"]):
        sys.exit("parts do not sum to the total")
    wall = statistics.median(walls)
    print(f"{args.contributors:,} contributors settled, from a file to a pipe: {wall:.2f} s")


if __name__ == "__main__":
    main()
