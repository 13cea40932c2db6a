"""Prints how fast a million paths of 12 cohorts are credited by Markov's model of order 1 and by
Shapley's, on one core, beside PyPI marketing-attribution-models and ChannelAttribution; and what
counting a hundred million distinct cohort ids in DataFusion takes.

Everything is built in release first. Whole processes take turns, from reading a file to a result;
the median counts. Wants a quiet machine: times move with its load, ratios hardly.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

from bench import BIN, FILES, ROOT, cpu_model

COHORTS = [f"eco_urban_renters_100{i:02}" for i in range(12)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ids", type=int, default=100_000_000, help="0 leaves them out")
    parser.add_argument("--bin", default=BIN, help="where the programs are, which builds nothing")
    args = parser.parse_args()
    if args.bin == BIN:
        build = ["cargo", "build", "--release", "-p", "precise-cli", "-p", "precise-sql"]
        subprocess.run(build, cwd=ROOT, check=True)
    FILES.mkdir(parents=True, exist_ok=True)
    print(f"\n{cpu_model()}, {os.cpu_count()} cores\n")
    if args.ids:
        count_ids(args)
    # By a process of its own: what this one has in memory would count as its children's.
    write = f"import bench_attribution; bench_attribution.write_paths({args.paths})"
    subprocess.run([sys.executable, "-c", write], cwd=pathlib.Path(__file__).parent, check=True)
    files = files_of(args.paths)
    # This process and its children, from here on. Polars counts no cores but the machine's.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["POLARS_MAX_THREADS"] = "1"
    compare("markov(1)", markov_rows(args, files), args)
    compare("shapley", shapley_rows(args, files), args)


# --- Cohort ids --------------------------------------------------------------------------------


def count_ids(args):
    """Groups of one row each are the most that so many rows can need. DataFusion does not group
    what comes from a pipe between processes, so the rows come from range() in the query itself, a
    batch at a time, and are never stored. What does not fit into the limit would be spilled.

    Every line is measured, none extrapolated. Putting records in cohorts is no part of it."""
    made = (
        "SELECT concat('cohort_', lpad(CAST(value / 100000 AS VARCHAR), 4, '0'), '_',"
        " lpad(CAST(value % 100000 AS VARCHAR), 5, '0')) AS id FROM range({ids})"
    )
    groups = f"SELECT id, count(*) AS n FROM ({made}) GROUP BY id"
    query = f"SELECT count(*) AS ids, sum(n) AS rows FROM ({groups})"
    print(f"{'distinct cohort ids, counted in DataFusion':44}{'s':>8}{'GB':>8}{'bytes an id':>13}")
    for ids in (args.ids // 10, args.ids):
        command = [f"{args.bin}/precise-sql", "--quiet", "--json", "--memory-limit", "14G"]
        command += ["-c", query.format(ids=ids)]
        wall, peak, printed = measure(command)
        found = json.loads(printed)
        if found != {"ids": ids, "rows": ids}:
            sys.exit(f"{ids} ids were counted as {found}")
        print(f"{ids:44,}{wall:8.1f}{peak / 1e9:8.2f}{peak / ids:13.0f}", flush=True)
    print()


# --- Paths -------------------------------------------------------------------------------------


def files_of(count):
    """The same journeys as NDJSON and Parquet for us, and as Parquet with one text for others."""
    return {name: FILES / f"paths-{count}.{name}" for name in ("ndjson", "parquet", "peers")}


def write_paths(count):
    import pyarrow
    import pyarrow.parquet

    files = files_of(count)
    if all(file.exists() for file in files.values()):
        return
    chosen = random.Random(1)
    weights = {cohort: [chosen.random() ** 3 for _ in COHORTS] for cohort in [None, *COHORTS]}
    paths, converted = [], []
    for _ in range(count):
        path = [None]
        for _ in range(min(1 + int(chosen.expovariate(0.3)), 30)):
            path += chosen.choices(COHORTS, weights[path[-1]])
        paths.append(path[1:])
        converted.append(chosen.random() < 0.05)
    conversions = pyarrow.array([int(one) for one in converted], pyarrow.int64())
    nulls = pyarrow.array([int(not one) for one in converted], pyarrow.int64())
    counts = {"conversions": conversions, "nulls": nulls}
    with open(files["ndjson"], "w") as lines:
        for path, one in zip(paths, converted):
            row = {"path": path, "conversions": int(one), "nulls": int(not one)}
            lines.write(json.dumps(row) + "\n")
    pyarrow.parquet.write_table(pyarrow.table({"path": paths} | counts), files["parquet"])
    peers = {"path": [" > ".join(path) for path in paths], "converted": converted} | counts
    peers["times"] = pyarrow.array([1] * count, pyarrow.int64())
    pyarrow.parquet.write_table(pyarrow.table(peers), files["peers"])


# --- Who is timed ------------------------------------------------------------------------------

MAM = """
import json, sys, time
import mam, polars
started = time.monotonic()
judge = mam.MAM(
    polars.read_parquet(sys.argv[1]),
    format_type="grouped_journey",
    channels_colname="path",
    occurrences_colname="times",
    journey_with_conv_colname="converted",
)
judge.{run}
print(json.dumps({{"seconds": time.monotonic() - started}}))
"""

CHANNEL_ATTRIBUTION = """
import json, sys, time
import ChannelAttribution, pandas
started = time.monotonic()
table = pandas.read_parquet(sys.argv[1])
ChannelAttribution.markov_model(
    table, "path", "conversions", var_null="nulls", verbose=False, flg_pro=False
)
print(json.dumps({"seconds": time.monotonic() - started}))
"""


def our_rows(args, files, model):
    command = [f"{args.bin}/precise", "attribute", "--model", model, "--json"]
    # A path of Parquet is a list, and the function takes JSON text.
    call = "SELECT precise_attribution('{}', {}, conversions, nulls) AS credit FROM '{}'"
    joined = "concat('[\"', array_to_string(path, '\",\"'), '\"]')"
    shell = [f"{args.bin}/precise-sql", "--quiet", "--json", "--threads", "1", "-c"]
    return [
        Row("precise attribute, NDJSON", [*command, files["ndjson"]]),
        Row("precise attribute, Parquet", [*command, files["parquet"]]),
        Row("precise-sql, Parquet", [*shell, call.format(model, joined, files["parquet"])]),
    ]


def markov_rows(args, files):
    rows = our_rows(args, files, "markov(1)")
    rows.append(peer("MAM, exact", "mam", MAM.format(run="run_markov()"), files))
    walks = "ChannelAttribution, its own number of walks"
    rows.append(peer(walks, "ChannelAttribution", CHANNEL_ATTRIBUTION, files))
    return [row for row in rows if row]


def shapley_rows(args, files):
    """MAM's v(S) is another one, a rate, and it keeps four cohorts of a journey. Nobody else has
    Shapley values."""
    rows = our_rows(args, files, "shapley")
    rows.append(peer("MAM, four cohorts at most", "mam", MAM.format(run="run_shapley()"), files))
    return [row for row in rows if row]


def peer(name, module, script, files):
    if importlib.util.find_spec(module) is None:
        print(f"SKIPPED: {name}: {module} is not installed")
        return None
    return Row(name, [sys.executable, "-c", script, files["peers"]])


class Row:
    """One command, timed from outside; and by itself, if it says so, without its start."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.walls, self.insides, self.peaks = [], [], []

    def run(self):
        wall, peak, printed = measure(self.command)
        self.walls.append(wall)
        self.peaks.append(peak)
        # A peer may say more than its result.
        self.insides.append(json.loads(printed.splitlines()[-1]).get("seconds", wall))


def measure(command):
    """Seconds, the most bytes in memory, and what was printed."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} ended with {child.returncode}")
    return time.monotonic() - started, usage.ru_maxrss * 1024, printed


def compare(model, rows, args):
    for _ in range(args.runs):
        for row in rows:
            row.run()
    title = f"{model}, {args.paths:,} paths, {len(COHORTS)} cohorts, 1 core"
    print(f"{title:56}{'s':>8}{'inside':>8}{'MB':>7}{'× first':>9}{'inside':>8}")
    first = rows[0]
    for row in rows:
        wall, inside = statistics.median(row.walls), statistics.median(row.insides)
        times = wall / statistics.median(first.walls)
        times_inside = inside / statistics.median(first.insides)
        print(
            f"{row.name:56}{wall:8.2f}{inside:8.2f}{max(row.peaks) / 1e6:7.0f}"
            f"{times:9.2f}{times_inside:8.2f}"
        )
    print()


if __name__ == "__main__":
    main()
