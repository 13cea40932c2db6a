"""Prints the table of ratios to peers: the core's loops, inside DataFusion, and whole processes.

Everything is built in release first. Processes take turns, so that a noisy moment hits none of
them alone; the median counts. Wants a quiet machine: rates move with its load, ratios hardly.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
CACHE = pathlib.Path(os.environ["PRECISE_CACHE"])
BIN = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "release"
FILES = CACHE / "bench"

# What one writes first: parse, sort, print, hash, a line per record.
PYTHON_PEER = """
import hashlib, json, sys
with open(sys.argv[1], "rb") as events, open(sys.argv[2], "w") as proofs:
    for event in events:
        text = json.dumps(json.loads(event), sort_keys=True, separators=(",", ":"),
                          ensure_ascii=False)
        proofs.write(hashlib.sha256(text.encode()).hexdigest() + "\\n")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="and 10M events, for peak memory")
    args = parser.parse_args()
    build = ["cargo", "build", "--release", "--workspace", "--exclude", "pg_precise"]
    subprocess.run(build, cwd=ROOT, check=True)
    FILES.mkdir(parents=True, exist_ok=True)
    precise = BIN / "precise"
    events = sample(precise, args.events)
    some = sample(precise, args.events // 10)
    print(f"\n{cpu_model()}, {os.cpu_count()} cores\n")
    subprocess.run([BIN / "precise-bench", sample(precise, 300_000)], check=True)
    print()
    columns = sample(precise, args.events, "parquet")
    subprocess.run([BIN / "precise-bench-sql", columns], check=True)
    print()
    sql_peers(columns, args)
    print()
    roots(args)
    print()
    processes(precise, events, some, args)
    if args.large:
        large(precise)


def sample(precise, count, extension="ndjson"):
    path = FILES / f"events-{count}.{extension}"
    if not path.exists():
        subprocess.run([precise, "sample", "--events", str(count), "-o", path], check=True)
    return path


# The column as it is hashed by others; Python parses it as well.
DUCKDB_PEER = """
import duckdb, sys
duckdb.sql("SET threads = 1")
print(duckdb.sql(f"SELECT count(sha256(payload)) FROM '{sys.argv[1]}'").fetchall())
"""
PYTHON_COLUMN_PEER = """
import hashlib, json, sys
import pyarrow.parquet
for batch in pyarrow.parquet.ParquetFile(sys.argv[1]).iter_batches(columns=["payload"]):
    for payload in batch.column(0):
        text = json.dumps(json.loads(payload.as_py()), sort_keys=True, separators=(",", ":"),
                          ensure_ascii=False)
        hashlib.sha256(text.encode()).digest()
"""


def sql_peers(columns, args):
    """Whole processes over one Parquet column, on one core."""
    shell = [BIN / "precise-sql", "--quiet", "--threads", "1", "-c"]
    query = f"SELECT count(precise_proof_hash(payload)) FROM '{columns}'"
    python = [sys.executable, "-c"]
    rows = [
        Row("precise-sql: precise_proof_hash", args.events, [*shell, query]),
        Row("DuckDB: sha256, no JSON read", args.events, [*python, DUCKDB_PEER, columns]),
        Row("Python: json, sort_keys, sha256", args.events, [*python, PYTHON_COLUMN_PEER, columns]),
    ]
    table(rows, args.runs)


def roots(args):
    """The batch root of ten million hashes: what matters is the memory."""
    count = 10 * args.events
    hashes = FILES / f"hashes-{count}.parquet"
    shell = [BIN / "precise-sql", "--quiet", "-c"]
    if not hashes.exists():
        made = f"SELECT digest(CAST(value AS VARCHAR), 'blake3') AS h FROM range({count})"
        subprocess.run([*shell, f"COPY ({made}) TO '{hashes}'"], check=True)
    root = f"SELECT precise_merkle_root(h) FROM '{hashes}'"
    rows = [
        Row("precise_merkle_root, 1 thread", count, [*shell, root, "--threads", "1"]),
        Row("precise_merkle_root, 2 threads", count, [*shell, root, "--threads", "2"]),
        Row("precise root", count, [BIN / "precise", "root", "--column", "h", hashes]),
    ]
    table(rows, min(args.runs, 3))


def processes(precise, events, some, args):
    """Whole processes. The slow peers get a tenth of the events."""
    output = FILES / "output"
    rows = [
        Row(
            "precise mint, NDJSON to Parquet",
            args.events,
            [precise, "mint", events, "-o", output],
        ),
        Row(
            "the same with --with-record",
            args.events,
            [precise, "mint", events, "-o", output, "--with-record"],
        ),
        Row(
            "jq -cS, then one sha256sum of all",
            args.events // 10,
            ["sh", "-c", 'jq -cS . "$0" | sha256sum', some],
        ),
        Row(
            "Python: json, sort_keys, sha256 a line",
            args.events // 10,
            [sys.executable, "-c", PYTHON_PEER, some, output],
        ),
    ]
    table(rows, args.runs)
    output.unlink(missing_ok=True)


def table(rows, runs):
    """Runs the rows in turn and prints what they took."""
    for _ in range(runs):
        for row in rows:
            row.run()
    print(f"{'':42}{'rows/s':>12}{'CPU µs/row':>14}{'peak MB':>9}{'× first':>9}")
    first = rows[0].rate()
    for row in rows:
        print(
            f"{row.name:42}{row.rate():12,.0f}{row.cpu_microseconds():14.2f}"
            f"{row.peak_megabytes():9.0f}{first / row.rate():9.2f}"
        )


class Row:
    """One command, timed from outside."""

    def __init__(self, name, events, command):
        self.name = name
        self.events = events
        self.command = command
        self.walls, self.cpus, self.peaks = [], [], []

    def run(self):
        started = time.monotonic()
        child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{self.command} ended with {child.returncode}")
        self.walls.append(time.monotonic() - started)
        self.cpus.append(usage.ru_utime + usage.ru_stime)
        self.peaks.append(usage.ru_maxrss)

    def rate(self):
        return self.events / statistics.median(self.walls)

    def cpu_microseconds(self):
        return statistics.median(self.cpus) / self.events * 1e6

    def peak_megabytes(self):
        return max(self.peaks) / 1024


def large(precise):
    """Ten million events through a pipe: what matters is the memory."""
    count, output = 10_000_000, FILES / "output"
    sampler = subprocess.Popen(
        [precise, "sample", "--events", str(count), "-o", "-"], stdout=subprocess.PIPE
    )
    started = time.monotonic()
    minter = subprocess.Popen([precise, "mint", "-", "-o", output], stdin=sampler.stdout)
    sampler.stdout.close()
    _, status, usage = os.wait4(minter.pid, 0)
    minter.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    sampler.wait()
    if minter.returncode:
        sys.exit(f"minting ended with {minter.returncode}")
    print(f"\n10M events through a pipe: {wall:.1f} s, peak {usage.ru_maxrss / 1024:.0f} MB")
    output.unlink(missing_ok=True)


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown CPU"


if __name__ == "__main__":
    if not shutil.which("jq"):
        sys.exit("jq is missing; run make setup")
    main()
