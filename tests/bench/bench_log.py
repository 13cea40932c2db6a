"""Prints how fast the log is: appending, beside Tessera's POSIX log; receipts; verification; and
from closing a batch in PostgreSQL to its receipt.

Everything is built in release, and logs are written below --folder, whose disk is what is measured:
every commit waits for it. Wants a quiet machine.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from bench_postgres import ROOT, Server, Session

CACHE = pathlib.Path(os.environ["PRECISE_CACHE"])
RELEASE = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "release"
PRECISE = RELEASE / "precise"
LEAVES = 1 << 20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, help="where logs are written")
    parser.add_argument("--closings", type=int, default=200)
    args = parser.parse_args()
    build = ["cargo", "build", "--release", "--bins", "--examples"]
    subprocess.run(build, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="precise-log-bench.", dir=args.folder) as folder:
        folder = pathlib.Path(folder)
        append(folder / "append", args.entries)
        receipts(folder / "receipts")
    with tempfile.TemporaryDirectory(prefix="precise-pg-bench.") as folder:
        server = Server(pathlib.Path(folder))
        try:
            close(server, args.closings)
        finally:
            server.stop()


def append(folder, entries):
    folder.mkdir()
    print(f"\n{entries} entries in batches of 10,000, each synced and signed\n", flush=True)
    ours = [RELEASE / "examples" / "append", folder / "ours", str(entries), "10000"]
    subprocess.run(ours, check=True)
    judge = CACHE / "tools" / "bin" / "judge"
    source = ROOT / "tests" / "judges" / "go"
    go = CACHE / "venv" / "bin" / "go"
    subprocess.run([go, "build", "-o", judge, "."], cwd=source, check=True)
    some = min(entries, 100_000)
    started = time.monotonic()
    subprocess.run([judge, "make", folder / "theirs", str(some)], check=True)
    taken = time.monotonic() - started
    print(f"Tessera's POSIX log, {some} entries in one run: {some / taken:,.0f} a second")


def receipts(folder):
    folder.mkdir()

    def precise(*args):
        started = time.monotonic()
        run = subprocess.run([PRECISE, *args], cwd=folder, stdout=subprocess.PIPE, check=True)
        return run.stdout.decode(), time.monotonic() - started

    precise("sample", "--events", str(LEAVES), "-o", "events.ndjson")
    precise("mint", "events.ndjson", "-o", "proofs.parquet")
    place = ["--log", "log", "--state", "state"]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    init = [PRECISE, "log", "init", "log", "--origin", "example.com/bench", "--state", "state"]
    subprocess.run([*init, "--policy", "policy"], cwd=folder, check=True, **quiet)
    _, commit = precise("commit", "proofs.parquet", *place)
    _, again = precise("commit", "proofs.parquet", *place)
    _, bulk = precise("commit", "proofs.parquet", *place, "--receipts", "receipts.parquet")
    size = (folder / "receipts.parquet").stat().st_size
    with open(folder / "events.ndjson", "rb") as events:
        lines = [next(events) for _ in range(20)]
    one, verify = [], []
    for line in lines:
        (folder / "event.json").write_bytes(line)
        proof = json.loads(precise("proof", "event.json")[0])["proof_id"]
        _, taken = precise("receipt", *place, "--proof", proof, "-o", "receipt.json")
        one.append(taken)
        check = ["verify", "--record", "event.json", "--receipt", "receipt.json"]
        _, taken = precise(*check, "--policy", "policy")
        verify.append(taken)
    print(f"\na batch of {LEAVES} leaves, whole processes\n")
    print(f"precise commit: {commit:.2f} s; again, when it is known: {again:.2f} s")
    print(f"all receipts: {LEAVES / (bulk - again):,.0f} rows/s, {size >> 20} MiB of Parquet")
    for name, taken in [("receipt", one), ("verify", verify)]:
        print(f"precise {name}: median {1000 * statistics.median(taken):.1f} ms", end="")
        print(f", most {1000 * max(taken):.1f} ms, of {len(taken)}")


def close(server, closings):
    session = Session(server)
    session.ask("CREATE EXTENSION pg_precise")
    session.ask("CREATE TABLE ev (payload jsonb)")
    session.ask("SELECT precise.track('ev', 'payload')")
    home = server.home / "committer"
    home.mkdir()
    init = ["log", "init", "log", "--origin", "example.com/bench", "--state", "state"]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.run([PRECISE, *init], cwd=home, check=True, **quiet)
    address = f"host={server.home / 'socket'} user={server.account} dbname=postgres"
    (home / "committer.toml").write_text(
        'log = "log"\nstate = "state"\n[listen]\naddress = "127.0.0.1:0"\n'
        f'[[source]]\npostgres = "{address}"\n'
    )
    config = ["committer", "--config", "committer.toml"]
    committer = subprocess.Popen([PRECISE, *config], cwd=home, stderr=subprocess.DEVNULL)
    taken = []
    try:
        for i in range(closings + 1):
            session.ask(f"INSERT INTO ev VALUES ('{{\"i\":{i}}}')")
            started = time.monotonic()
            session.ask("CALL precise.close_batch('ev')")
            receipt = f"SELECT precise.receipt(precise_proof_hash('{{\"i\":{i}}}'::jsonb))"
            while not session.ask(receipt)[0]:
                if committer.poll() is not None:
                    sys.exit("the committer has ended")
            taken.append(time.monotonic() - started)
    finally:
        committer.terminate()
        committer.wait()
    # The first waits for the committer to start.
    taken = sorted(taken[1:])
    print(f"\nfrom close_batch to a committed receipt, {closings} times\n")
    for name, part in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)]:
        print(f"{name} {1000 * taken[int(part * (len(taken) - 1))]:.0f} ms", end="  ")
    print(f"most {1000 * taken[-1]:.0f} ms")


if __name__ == "__main__":
    main()
