"""Prints the table of ratios inside PostgreSQL: hashing jsonb, writing to a tracked table, roots.

The extension is built in release and put into a copy of the server, which runs on a socket of its
own. What counts is the CPU of the backend, read from /proc around each statement; statements take
turns, and the least of each counts. Wants a quiet machine.
"""

import argparse
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
CACHE = pathlib.Path(os.environ["PRECISE_CACHE"])
PG_CONFIG = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
END = "~end~"
TICKS = os.sysconf("SC_CLK_TCK")

# What of an event is counted, and beside what.
HASHES = [
    ("precise_proof_hash(j)", "precise_proof_hash(j)"),
    ("pgcrypto digest(j::text, 'sha256')", "digest(j::text, 'sha256')"),
    ("built-in sha256(convert_to(j::text, 'UTF8'))", "sha256(convert_to(j::text, 'UTF8'))"),
    ("precise_mint_proof(j)", "precise_mint_proof(j)"),
    ("precise_proof_hash(j::text), parsed again", "precise_proof_hash(j::text)"),
    ("j: the scan", "j"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="precise-pg-bench.") as folder:
        server = Server(pathlib.Path(folder))
        try:
            measure(server, args)
        finally:
            server.stop()


def measure(server, args):
    events = CACHE / "bench" / f"events-{args.events}.ndjson"
    events.parent.mkdir(parents=True, exist_ok=True)
    if not events.exists():
        precise = pathlib.Path(os.environ["CARGO_TARGET_DIR"]) / "release" / "precise"
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        subprocess.run(
            [precise, "sample", "--events", str(args.events), "-o", events], check=True
        )
    session = Session(server)
    session.ask("CREATE EXTENSION pg_precise")
    session.ask("CREATE EXTENSION pgcrypto")
    session.ask("SET max_parallel_workers_per_gather = 0")
    session.ask("SET jit = off")
    # A control character that JSON cannot hold keeps COPY from reading quotes and commas.
    session.ask("CREATE TABLE lines (line text)")
    session.copy("lines", events)
    session.ask("CREATE TABLE ev AS SELECT line::jsonb AS j FROM lines")
    session.ask("VACUUM ANALYZE ev")
    count = int(session.ask("SELECT count(*) FROM ev")[0])
    size = session.ask("SELECT avg(length(j::text))::int FROM ev")[0]
    print(f"\n{count} events of {size} bytes as jsonb prints them\n")

    statements = [(name, f"SELECT count({expression}) FROM ev") for name, expression in HASHES]
    table(session, statements, count, args.runs)

    session.ask("CREATE TABLE hashes AS SELECT precise_proof_hash(j) AS h FROM ev")
    session.ask("VACUUM ANALYZE hashes")
    root = "SELECT precise_merkle_root(h) FROM hashes"
    table(session, [("precise_merkle_root(h)", root)], count, args.runs)
    # The CPU of parallel workers is not the backend's: only the wall counts here.
    session.ask("SET max_parallel_workers_per_gather = 1")
    print("\n".join(session.ask(f"EXPLAIN (COSTS OFF) {root}")))
    table(session, [("the same, with one parallel worker", root)], count, args.runs)
    session.ask("SET max_parallel_workers_per_gather = 0")

    some = min(count, 100_000)
    session.ask(f"CREATE TABLE lines_some AS SELECT line FROM lines LIMIT {some}")
    session.ask("CREATE TABLE plain (payload jsonb)")
    session.ask("CREATE TABLE stamped (payload jsonb, hash bytea)")
    session.ask("CREATE TABLE tracked (payload jsonb)")
    session.ask(
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.hash := digest(NEW.payload::text, 'sha256'); RETURN NEW; END$$"
    )
    session.ask(
        "CREATE TRIGGER stamp BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp()"
    )
    session.ask("SELECT precise.track('tracked', 'payload')")
    inserts = [
        (f"INSERT of {some} rows, {name}", f"INSERT INTO {name} SELECT line::jsonb FROM lines_some")
        for name in ("plain", "tracked")
    ]
    stamped = "INSERT INTO stamped (payload) SELECT line::jsonb FROM lines_some"
    inserts.append((f"INSERT of {some} rows, a row trigger stores digest(…)", stamped))
    fresh = ["TRUNCATE plain, stamped, tracked, precise.proof", "CHECKPOINT"]
    table(session, inserts, some, 3 * args.runs, fresh)

    single = (
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT line FROM lines_some LIMIT 5000 LOOP "
        "INSERT INTO {} (payload) VALUES (r.line::jsonb); END LOOP; END $$"
    )
    singles = [
        (f"5000 statements of one row, {name}", single.format(name))
        for name in ("plain", "tracked", "stamped")
    ]
    table(session, singles, 5000, 3 * args.runs, fresh)

    session.ask(
        "INSERT INTO precise.proof (label, proof_hash, seen) SELECT 'bench', h, 1 FROM hashes"
    )
    closing = [("CALL precise.close_batch('bench')", "CALL precise.close_batch('bench')")]
    table(session, closing, count, 1)


def table(session, statements, count, runs, before=()):
    """Runs the statements in turn and prints the least CPU and the least time that each took."""
    least = {}
    for _ in range(runs):
        for name, statement in statements:
            for preparation in before:
                session.ask(preparation)
            taken = session.measure(statement)
            least[name] = tuple(map(min, taken, least.get(name, taken)))
    print(f"{'':52}{'CPU s':>8}{'wall s':>8}{'rows/s':>12}{'× first':>9}")
    first, _ = least[statements[0][0]]
    for name, (cpu, wall) in least.items():
        print(f"{name:52}{cpu:8.2f}{wall:8.2f}{count / wall:12,.0f}{cpu / first:9.2f}")
    print()


class Server:
    """A copy of the installed server with the extension in it."""

    def __init__(self, home):
        target = CACHE / "postgres"
        env = dict(os.environ, PGRX_PG_CONFIG_PATH=PG_CONFIG, CARGO_TARGET_DIR=str(target))
        build = ["cargo", "build", "--locked", "--release"]
        subprocess.run(build, cwd=ROOT / "pg_precise", env=env, check=True)
        home.chmod(0o755)
        self.home = home
        where = {
            name: pathlib.Path(
                subprocess.run(
                    [PG_CONFIG, f"--{name}"], stdout=subprocess.PIPE, text=True, check=True
                ).stdout.strip()
            )
            for name in ("bindir", "pkglibdir", "sharedir")
        }
        version = where["bindir"].parent
        copied = {
            folder: home / "server" / folder.relative_to("/")
            for folder in (version, where["sharedir"])
        }
        for folder, copy in copied.items():
            shutil.copytree(folder, copy, symlinks=True)
        self.bin = copied[version] / "bin"
        library = copied[version] / where["pkglibdir"].relative_to(version)
        shutil.copy(target / "release" / "libpg_precise.so", library / "pg_precise.so")
        for file in (ROOT / "pg_precise").glob("pg_precise*.*"):
            if file.suffix in (".control", ".sql"):
                shutil.copy(file, copied[where["sharedir"]] / "extension")
        # The server refuses to be root.
        self.account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        for folder in ("data", "socket"):
            (home / folder).mkdir()
            if os.geteuid() == 0:
                shutil.chown(home / folder, self.account)
        self.run(
            "initdb", "-D", home / "data", "-E", "UTF8", "--locale", "C.UTF-8", "-A", "trust", "-N"
        )
        options = (
            f"-k {home / 'socket'} -c listen_addresses='' -c fsync=off -c shared_buffers=2GB "
            "-c max_wal_size=8GB"
        )
        log = home / "socket" / "log"
        self.run("pg_ctl", "-D", home / "data", "-l", log, "-w", "-o", options, "start")

    def command(self, program, *args):
        account = ["runuser", "-u", self.account, "--"] if os.geteuid() == 0 else []
        return [*account, self.bin / program, *args]

    def run(self, program, *args):
        subprocess.run(
            self.command(program, *args), check=True, cwd=self.home, stdout=subprocess.DEVNULL
        )

    def stop(self):
        self.run("pg_ctl", "-D", self.home / "data", "-m", "immediate", "stop")


class Session:
    """One psql, and so one backend."""

    def __init__(self, server):
        self.server = server
        connection = ["-X", "-q", "-A", "-t", "-d", "postgres", "-h", server.home / "socket"]
        self.psql = subprocess.Popen(
            server.command("psql", *connection, "-v", "ON_ERROR_STOP=1"),
            cwd=server.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = int(self.ask("SELECT pg_backend_pid()")[0])

    def ask(self, statement):
        self.psql.stdin.write(f"{statement}\n;\n\\echo {END}\n")
        self.psql.stdin.flush()
        rows = []
        for line in self.psql.stdout:
            if line.rstrip("\n") == END:
                return rows
            rows.append(line.rstrip("\n"))
        sys.exit(f"psql has ended in {statement:.100}")

    def copy(self, name, file):
        with open(file, "rb") as lines:
            command = self.server.command(
                "psql", "-X", "-q", "-d", "postgres", "-h", self.server.home / "socket", "-c",
                f"COPY {name} FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')",
            )
            subprocess.run(command, cwd=self.server.home, stdin=lines, check=True)

    def measure(self, statement):
        """The backend's CPU and the time, in seconds. A tick of the CPU's is a hundredth."""
        before, started = self.cpu(), time.monotonic()
        self.ask(statement)
        return max(self.cpu() - before, 1 / TICKS), time.monotonic() - started

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
