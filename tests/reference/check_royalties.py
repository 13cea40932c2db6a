"""Holds royalties against the reference, against outside judges, and against published rules.

    check_royalties.py --sql PATH [--seed 1] [--cases 400] [--ledgers 3]
    check_royalties.py --self [--seed 1] [--cases 400] [--ledgers 3]

Cases are random, and the same for the same seed. The first form demands of the SQL functions what
the reference gives, and judges what they gave; the second judges the reference alone. The judges:

- fractions, by the definition of a settlement; and where what is owed is a whole number of minor
  units, PyPI largest-remainder and apportionment. (They hand out a total in proportion to balances.
  A settlement pays whole units of them. Where the total is all that is owed, this is the same.)
- what Adobe's Audience Marketplace and Xandr's report for data providers say they bill
- sha256sum and b3sum, which lead a line to the root of its statement
- ledgers, in which months of accruals, voids, late events, settlements and repeats follow each
  other in any order, replayed from their lines; and each of these lines changed
"""

import argparse
import base64
import copy
import fractions
import functools
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import apportionment.methods
import largest_remainder
import pyarrow
import pyarrow.parquet

import precise_reference
import replay_ledger
import royalty_reference

Fraction = fractions.Fraction

WHOLE_RATE = 10**6
DIGITS = (0, 2, 3)


def main():
    options = parse()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        engine = Reference()
        if options.sql:
            engine = Agreed(checks, engine, Sql(options.sql, pathlib.Path(folder)))
        judge_settlements(checks, engine, random.Random(f"{options.seed} settle"), options.cases)
        judge_seed(checks, engine)
        judge_adobe(checks, engine, random.Random(f"{options.seed} adobe"))
        judge_xandr(checks, engine, random.Random(f"{options.seed} xandr"))
        judge_lines(checks, engine, random.Random(f"{options.seed} lines"))
        judge_ledgers(checks, engine, options.seed, options.ledgers)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--sql", type=pathlib.Path, help="the program `precise-sql`")
    mode.add_argument("--self", action="store_true", help="judge the reference alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=400, help="settlements")
    parser.add_argument("--ledgers", type=int, default=3)
    return parser.parse_args()


class Checks:
    """Counts, and prints what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(what if len(what) <= 1000 else what[:1000] + "…")

    def equal(self, what, got, expected):
        self.that(got == expected, f"{what}: got {got!r}, expected {expected!r}")


# --- The functions -----------------------------------------------------------------------------

# By function, the types of its arguments; an aggregate's stand for those of a row.
TYPES = {
    "precise_royalty": ("text", "int", "text"),
    "precise_settle": ("text", "int"),
    "precise_statement": ("text", "text", "bytes"),
    "precise_statement_line": ("text", "text", "bytes"),
    "precise_verify_statement_line": ("text", "text"),
    "precise_ledger_entry_id": ("bytes", "text", "text"),
    "precise_ledger_void_id": ("bytes", "text", "text"),
}
ARROW = {"text": pyarrow.string(), "int": pyarrow.int64(), "bytes": pyarrow.binary()}
AGGREGATES = {"precise_royalty"}
# Arguments that are JSON, by their places.
JSON = {
    "precise_royalty": {0},
    "precise_settle": {0},
    "precise_statement": {0},
    "precise_statement_line": {0},
    "precise_verify_statement_line": {0},
}


class Reference:
    """Calls of a function, many at once: each is its arguments, of an aggregate its rows."""

    def calls(self, name, calls):
        if name in AGGREGATES:
            function = royalty_reference.AGGREGATES[name]
            return [function([self.given(name, row) for row in rows]) for rows in calls]
        function = royalty_reference.FUNCTIONS[name]
        results = [function(*self.given(name, arguments)) for arguments in calls]
        return [one.hex() if isinstance(one, bytes) else without_details(one) for one in results]

    @staticmethod
    def given(name, arguments):
        places = JSON.get(name, ())
        return [one.encode() if at in places else one for at, one in enumerate(arguments)]


def without_details(result):
    """Verdicts have details, which are words."""
    return re.sub(r'"detail":"(?:[^"\\]|\\.)*",', "", result)


class Sql:
    """The functions in DataFusion, from Parquet, in several partitions."""

    def __init__(self, program, folder):
        self.program, self.folder = program.resolve(), folder

    def calls(self, name, calls):
        file = self.folder / f"{name}.parquet"
        is_aggregate = name in AGGREGATES
        rows = [
            (i, *row)
            for i, call in enumerate(calls)
            for row in (call if is_aggregate else [call])
        ]
        # An aggregate's rows may come in any order.
        if is_aggregate:
            random.Random(len(rows)).shuffle(rows)
        columns = list(zip(*rows))
        types = ["int", *TYPES[name][: len(columns) - 1]]
        names = ["i", *(f"a{at}" for at in range(len(columns) - 1))]
        arrays = [pyarrow.array(one, ARROW[kind]) for one, kind in zip(columns, types)]
        table = pyarrow.table(arrays, names=names)
        pyarrow.parquet.write_table(table, file, row_group_size=1000)
        group = "GROUP BY i " if is_aggregate else ""
        query = f"SELECT i, {name}({', '.join(names[1:])}) AS r FROM '{file}' {group}ORDER BY i"
        command = [self.program, "--quiet", "--json", "--threads", "2", "-c", query]
        printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        results = [json.loads(line)["r"] for line in printed.splitlines()]
        if name.startswith("precise_ledger"):
            return [one.removeprefix("0x") for one in results]
        return [without_details(one) for one in results]


class Agreed:
    """An engine that has to give what the reference gives; this gives what it gave."""

    def __init__(self, checks, reference, engine):
        self.checks, self.reference, self.engine = checks, reference, engine

    def calls(self, name, calls):
        expected = self.reference.calls(name, calls)
        got = self.engine.calls(name, calls)
        self.checks.equal(f"{name}: results", len(got), len(expected))
        for call, one, other in zip(calls, got, expected):
            self.checks.that(
                one == other, f"{name}({call!r}) is {one!r}, and by the reference {other!r}"
            )
        return got


# --- Settlement --------------------------------------------------------------------------------

NAMES = ("acme", "bolt", "Säule", "東京", "a/b", "café", "Zed", "\U0001f3a7", "\ufb01x", 'q"t')
UNIT = Fraction(1, 10**24)


def judge_settlements(checks, engine, chance, count):
    cases = [random_balances(chance) for _ in range(count)]
    calls = [(json.dumps(accruals_of(chance, owed)), digits) for owed, digits in cases]
    tally = dict.fromkeys(("settlements", "judged by packages", "with ties"), 0)
    for (owed, digits), result in zip(cases, engine.calls("precise_settle", calls)):
        found = json.loads(result)
        judge_by_definition(checks, owed, digits, found)
        tally["settlements"] += 1
        judge_by_packages(checks, owed, digits, found, tally)
    for name, counted in tally.items():
        print(f"{counted} {name}")
    checks.that(all(tally.values()), f"some kind of settlement did not occur: {tally}")


def random_balances(chance):
    """Balances as fractions, by contributor, and the decimals of the minor unit."""
    digits = chance.choice(DIGITS)
    minor = Fraction(1, 10**digits)
    count = chance.choice((1, 2, 3, 5, 8, 40))
    names = chance.sample([*NAMES, *(f"c{i}" for i in range(40))], count)
    kind = chance.choice(("any", "small", "tied", "round", "vast", "owing", "owing"))
    owed = {}
    for name in names:
        if kind == "small":
            owed[name] = chance.randrange(10**24 // 10**digits) * UNIT
        elif kind == "tied":
            # Few remainders, so that many are equal.
            owed[name] = minor * (chance.randrange(50) + Fraction(chance.randrange(4), 4))
        elif kind == "round":
            owed[name] = minor * chance.randrange(10**6)
        elif kind == "vast":
            owed[name] = chance.randrange(10**38 // 64) * UNIT
        else:
            owed[name] = chance.randrange(10 ** chance.randint(1, 30)) * UNIT
    if kind == "owing":
        for name in chance.sample(names, chance.randint(0, count)):
            owed[name] = -owed[name]
    elif chance.random() < 0.7:
        # What is owed in all becomes a whole number of minor units.
        owed[names[0]] += -sum(owed.values()) % minor
    return owed, digits


def accruals_of(chance, owed):
    """In any order; some in two parts, as what was carried and what has accrued since."""
    accruals = []
    for name, balance in owed.items():
        parts = [balance]
        if chance.random() < 0.3:
            carried = chance.randrange(-(10**22), 10**22) * UNIT
            parts = [balance - carried, carried]
        for part in parts:
            one = {"accrued": decimal(part), "contributor": name, "currency": "USD"}
            accruals.append(one | chance.choice(({}, {"events": 3, "method": "royalty", "v": 1})))
    chance.shuffle(accruals)
    return accruals


def decimal(amount):
    """A fraction of a power of ten as text."""
    units = amount / UNIT
    assert units.denominator == 1
    whole, part = divmod(abs(units.numerator), 10**24)
    text = f"{whole}.{part:024}".rstrip("0").rstrip(".")
    return "-" + text if amount < 0 else text


def judge_by_definition(checks, owed, digits, found):
    minor = Fraction(1, 10**digits)
    lines = {line["contributor"]: line for line in found["lines"]}
    order = sorted(owed, key=str.encode)
    checks.equal("contributors", [line["contributor"] for line in found["lines"]], order)
    parts = {name: Fraction(lines[name]["amount"]) for name in order}
    carried = {name: Fraction(lines[name]["carried"]) for name in order}
    what = f"{found} settles {owed}"
    total = sum(parts.values())
    checks.equal(f"{what}: total", Fraction(found["total"]), total)
    checks.equal(f"{what}: parts and carries", total + sum(carried.values()), sum(owed.values()))
    due = sum(balance for balance in owed.values() if balance >= 0)
    checks.equal(f"{what}: paid", total, due // minor * minor)
    spelled = [len(line["amount"].partition(".")[2]) for line in found["lines"]]
    checks.equal(f"{what}: decimals", set(spelled), {digits})
    ranks = {True: [], False: []}
    for name in order:
        balance = owed[name]
        checks.equal(f"{what}: {name}", parts[name] + carried[name], balance)
        if balance < 0:
            checks.equal(f"{what}: {name} owes", parts[name], 0)
            continue
        more = parts[name] / minor - balance // minor
        checks.that(more in (0, 1), f"{what}: {name} gets {parts[name]} of {balance}")
        ranks[more == 1].append((-(balance % minor), name.encode()))
    if ranks[True] and ranks[False]:
        last, first = max(ranks[True]), min(ranks[False])
        checks.that(last < first, f"{what}: {last} comes before {first}")


def judge_by_packages(checks, owed, digits, found, tally):
    """Each hands out a total in proportion; here in units of 10^-24, and exactly."""
    minor = 10 ** (24 - digits)
    names = sorted(owed, key=str.encode)
    units = [(owed[name] / UNIT).numerator for name in names]
    total = sum(units) // minor
    if min(units) < 0 or sum(units) % minor or not total:
        return
    parts = [int(line["amount"].replace(".", "")) for line in found["lines"]]
    tally["judged by packages"] += 1
    # Given fractions it computes with fractions, and its sort keeps the order of equal remainders.
    weights = [Fraction(one) for one in units]
    judged = largest_remainder.LargestRemainder.round(weights, total=total)
    checks.equal(f"largest-remainder, of {owed}", parts, judged)
    # Where remainders are equal at the last seat it may pass over a larger one further down the
    # list (of 5, 5, 9, 1 and 2 seats it gives the first two one each), so it judges no ties.
    try:
        judged = apportionment.methods.compute(
            "largest_remainder", units, total, fractions=True, parties=names, tiesallowed=False
        )
    except apportionment.methods.TiesException:
        tally["with ties"] += 1
        return
    checks.equal(f"apportionment, of {owed}", parts, judged)


# --- Published rules ---------------------------------------------------------------------------


def event_of(price, contributors, currency="USD", **members):
    """An impression of contributors (id, signal type, weight), weights and price as fractions."""
    listed = [
        {"id": name, "signal_type": signal, "weight": decimal(weight)}
        for name, signal, weight in contributors
    ]
    event = {
        "attribution": {"data_contributors": listed},
        "event_type": "impression",
        "metadata": {"clearing_price": decimal(price), "currency": currency},
    }
    return json.dumps(event | members)


def royalties(engine, cases):
    """By contributor, what has accrued and of how many impressions, of each of many cases."""
    found = [json.loads(result) for result in engine.calls("precise_royalty", cases)]
    return [
        {one["contributor"]: (Fraction(one["accrued"]), one["events"]) for one in accruals}
        for accruals in found
    ]


def judge_seed(checks, engine):
    """An impression at 19.00 CPM, by hand: 19 / 1000 · 0.3, 0.5, 0.2."""
    weights = [("a", "geo", "0.3"), ("b", "intent", "0.5"), ("c", "device", "0.2")]
    event = event_of(Fraction(19), [(*one, Fraction(weight)) for *one, weight in weights])
    (found,) = royalties(engine, [[(event, WHOLE_RATE, "split")]])
    due = {"a": Fraction("0.0057"), "b": Fraction("0.0095"), "c": Fraction("0.0038")}
    checks.equal("19.00 CPM", found, {name: (amount, 1) for name, amount in due.items()})


# https://github.com/AdobeDocs/audience-manager.en, in help/using/features/audience-marketplace:
# marketplace-data-buyers/marketplace-buyer-billing.md, "Assign Impressions at Feed Level Based on
# Trait Qualification Rules" and "Billing Examples".


def judge_adobe(checks, engine, chance):
    """Under AND, NOT and for algorithmic segments each provider is credited all impressions, under
    OR its traits' share of the segment's population; each at the CPM of its own feed. Impressions
    are whole. An event stands for a thousand of the page's."""
    thousand, cpm = 1000, Fraction("2.50")
    providers = ("A", "B", "C")
    every = [(name, "trait", Fraction(1)) for name in providers]
    # Case 1: three providers, 1,000,000 impressions to each.
    cases = [[(event_of(cpm, every), WHOLE_RATE, "each")] * thousand]
    # Case 3: trait 1, of feed A, has 40 % of the population, trait 2, modeled on A and B, 60 %:
    # 1,000,000 impressions to A and 600,000 to B.
    modeled = [
        ("A", "T1", Fraction("0.4")),
        ("A", "T2", Fraction("0.6")),
        ("B", "T2", Fraction("0.6")),
    ]
    cases.append([(event_of(cpm, modeled), WHOLE_RATE, "each")] * thousand)
    both, case_3 = royalties(engine, cases)
    checks.equal("AND", both, {name: (cpm, thousand) for name in providers})
    credited = {name: accrued / cpm * 10**6 for name, (accrued, _) in case_3.items()}
    checks.equal("modeling and activation", credited, {"A": 10**6, "B": 600_000})
    # Feeds have a CPM of their own: it is a weight of some larger price.
    feeds = {name: Fraction(chance.randint(1, 500), 100) for name in providers}
    own = [(name, "trait", feeds[name] / 5) for name in providers]
    (found,) = royalties(engine, [[(event_of(Fraction(5), own), WHOLE_RATE, "each")] * thousand])
    checks.equal("NOT, of feeds", found, {name: (feeds[name], thousand) for name in providers})
    judge_adobe_shares(checks, engine, chance, cpm)


def judge_adobe_shares(checks, engine, chance, cpm):
    """(Trait Population / Segment Population) * Number of Impressions * Cost of CPM. Populations
    overlap, so that shares sum to more than one; and a weight has 6 decimals, so that a share is
    off by half of the last at most."""
    cases, formulas = [], []
    for _ in range(50):
        segment = chance.randint(10, 10**7)
        shares = {name: Fraction(chance.randint(1, segment), segment) for name in ("A", "B", "C")}
        impressions = chance.randint(1, 60)
        weights = [
            (name, "trait", Fraction(round(share * 10**6), 10**6)) for name, share in shares.items()
        ]
        cases.append([(event_of(cpm, weights), WHOLE_RATE, "each")] * impressions)
        cost = cpm / 1000 * impressions
        formulas.append((impressions, {name: share * cost for name, share in shares.items()}, cost))
    for found, (impressions, due, cost) in zip(royalties(engine, cases), formulas):
        events = {name: counted for name, (_, counted) in found.items()}
        checks.equal("OR", events, dict.fromkeys(due, impressions))
        for name, amount in due.items():
            off = abs(found[name][0] - amount)
            checks.that(off <= cost / (2 * 10**6), f"OR: {name} is {off} off {amount}")


# https://github.com/MicrosoftDocs/Xandr-docs, data-usage-report-for-data-providers.md, "Metrics".
# Of its examples only the differences are to be recomputed: 3.50 less 0.50 is 3.00, but these are
# no 34,534 impressions at 0.75.


def judge_xandr(checks, engine, chance):
    """data_costs = imps * CPM / 1000, data_clearing_fee_usd = data_costs * revshare,
    data_provider_payout_usd = data_costs - data_clearing_fee_usd."""
    reports = [(3453, Fraction("0.75"), Fraction("0.2"))]
    reports += [
        (
            chance.randint(1, 100),
            Fraction(chance.randint(0, 10**4), 1000),
            Fraction(chance.randint(0, 10**6), 10**6),
        )
        for _ in range(50)
    ]
    cases = []
    for imps, cpm, revshare in reports:
        event = event_of(cpm, [("517", "segment", Fraction(1))])
        payout_rate = ((1 - revshare) * WHOLE_RATE).numerator
        cases.append([(event, WHOLE_RATE, "each")] * imps)
        cases.append([(event, payout_rate, "each")] * imps)
    found = royalties(engine, cases)
    for (imps, cpm, revshare), costs, payout in zip(reports, found[::2], found[1::2]):
        data_costs = imps * cpm / 1000
        fee = data_costs * revshare
        what = f"{imps} at {cpm}, less {revshare}"
        checks.equal(f"{what}: data_costs", costs, {"517": (data_costs, imps)})
        checks.equal(f"{what}: payout", payout, {"517": (data_costs - fee, imps)})


# --- A line by hand ----------------------------------------------------------------------------


def judge_lines(checks, engine, chance):
    """Statements of 1 to 9 lines, each line led to the root by other people's programs; then each
    line changed in one place, which nobody may accept who knows the log. Who does not know it sees
    at least that it is about another head."""
    settled = [random_settlement(chance, count) for count in range(1, 10)]
    calls = [(text, "2026-11", chance.randbytes(32)) for text in settled]
    statements = [json.loads(one) for one in engine.calls("precise_statement", calls)]
    wanted = [
        (json.dumps(statement), line["contributor"], key)
        for statement, (_, _, key) in zip(statements, calls)
        for line in statement["lines"]
    ]
    lines = [json.loads(one) for one in engine.calls("precise_statement_line", wanted)]
    for (text, contributor, key), line in zip(wanted, lines):
        judge_line(checks, json.loads(text), contributor, key, line)
    policy, logged = log_of(chance, statements)
    committed = [line | logged[line["head"]["sum_root"]] for line in lines]
    for verdict in verdicts_of(engine, lines) + verdicts_of(engine, committed, policy):
        checks.that(verdict["verdict"], f"a line does not hold: {verdict}")
    for verdict in verdicts_of(engine, lines, policy):
        checks.equal("a line without entry, with a policy", verdict["failed"], "entry")
    changed = [(line, one) for line in committed for one in every_change(line)]
    for (_, one), verdict in zip(changed, verdicts_of(engine, [one for _, one in changed], policy)):
        checks.that(not verdict["verdict"], f"a changed line holds: {one}")
    changed = [(line, one) for line in lines for one in every_change(line)]
    for (line, one), verdict in zip(changed, verdicts_of(engine, [one for _, one in changed])):
        holds = verdict["verdict"] and line["head"] == one["head"]
        checks.that(not holds, f"a changed line holds, and under the same head: {one}")


def verdicts_of(engine, lines, *policy):
    calls = [(json.dumps(line), *policy) for line in lines]
    return [json.loads(one) for one in engine.calls("precise_verify_statement_line", calls)]


def log_of(chance, statements):
    """A log with the settlements of these statements: a policy that trusts it, and by sum_root what
    a line of the statement has of the log."""
    entries = []
    for statement in statements:
        head = {name: value for name, value in statement.items() if name != "lines"}
        members = {"batch_root": "0x" + chance.randbytes(32).hex(), "canon": "precise-jcs-1"}
        members |= {"closed_at": "2026-12-01T00:00:00Z", "count": 7, "kind": "settlement", "v": 1}
        members["statement_hash"] = "0x" + royalty_reference.statement_hash(head).hex()
        entries.append(precise_reference.jcs(members))
    nodes = [precise_reference.entry_leaf(entry.encode()) for entry in entries]
    root = precise_reference.tree(nodes)
    name, seed = "example.com/log", chance.randbytes(32)
    public = precise_reference.ed25519_public(seed)
    identifier = precise_reference.key_id(name, precise_reference.ED25519, public).hex()
    secret = encoded(bytes([precise_reference.ED25519]) + seed)
    note = precise_reference.sign(
        f"PRIVATE+KEY+{name}+{identifier}+{secret}", f"{name}\n{len(nodes)}\n{encoded(root)}\n", 0
    )
    key = precise_reference.verifier_key_text(name, precise_reference.ED25519, public)
    logged = {}
    for index, (statement, entry) in enumerate(zip(statements, entries)):
        path = [f"{encoded(one)}\n" for one in precise_reference.path_of(index, nodes)]
        proof = f"c2sp.org/tlog-proof@v1\nindex {index}\n{''.join(path)}\n{note}"
        logged[statement["sum_root"]] = {"entry": entry, "tlog_proof": proof}
    return f"log {key}\nquorum none\n", logged


def encoded(data):
    return base64.b64encode(data).decode()


def random_settlement(chance, count):
    names = chance.sample([*NAMES, *(f"c{i}" for i in range(9))], count)
    owed = {name: chance.randrange(-(10**22), 10**26) * UNIT for name in names}
    digits = chance.choice(DIGITS)
    accruals = json.dumps(accruals_of(chance, owed)).encode()
    return royalty_reference.precise_settle(accruals, digits)


def judge_line(checks, statement, contributor, key, found):
    """The line's leaf and its path, by sha256sum, and its salt and the head's hash by b3sum."""
    checks.equal("head", found["head"], {one: statement[one] for one in found["head"]})
    checks.equal("head", set(statement) - set(found["head"]), {"lines"})
    salt = bytes.fromhex(found["salt"][2:])
    hashed = run("b3sum", "--no-names", "--keyed", "/dev/stdin", stdin=key, file=contributor)
    checks.equal("salt", salt.hex(), hashed)
    head = json.dumps(found["head"], separators=(",", ":"), sort_keys=True).encode()
    hashed = run("b3sum", "--no-names", stdin=head)
    checks.equal("statement_hash", royalty_reference.statement_hash(found["head"]).hex(), hashed)
    digits = found["head"]["minor_digits"]
    own = json.dumps(found["line"], separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    hidden = sha256sum(salt + own.encode())
    amount = sum_of(found["line"]["amount"], digits)
    reached = amount, sha256sum(b"\x10" + hidden + wide(amount))
    for is_left, sibling in zip(sides(found["index"], found["head"]["count"]), found["path"]):
        pair = [(sum_of(sibling["sum"], digits), bytes.fromhex(sibling["hash"][2:])), reached]
        (left_sum, left), (right_sum, right) = pair if is_left else pair[::-1]
        hashed = sha256sum(b"\x11" + wide(left_sum) + left + wide(right_sum) + right)
        reached = left_sum + right_sum, hashed
    root = bytes.fromhex(found["head"]["sum_root"][2:])
    checks.equal("root", reached, (sum_of(found["head"]["total"], digits), root))


def sides(index, count):
    """From the leaf up, whether each sibling is to the left: by the definition of the tree, from
    the root down."""
    if count == 1:
        return []
    half = 1
    while 2 * half < count:
        half *= 2
    if index < half:
        return sides(index, half) + [False]
    return sides(index - half, count - half) + [True]


def sum_of(text, digits):
    return (Fraction(text) * 10**digits).numerator


def wide(number):
    return number.to_bytes(16, "big")


def sha256sum(data):
    return bytes.fromhex(run("sha256sum", stdin=data).split()[0])


def run(*command, stdin, file=None):
    """What a program prints; `--keyed` takes its key from standard input, and then the rest has to
    be in a file."""
    if file is None:
        ran = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)
        return ran.stdout.decode().strip()
    with tempfile.NamedTemporaryFile() as kept:
        kept.write(file.encode())
        kept.flush()
        return run(*command[:-1], kept.name, stdin=stdin)


def every_change(line):
    """The line with one thing of it changed, of each of its parts."""
    for place in places_of(line):
        changed = copy.deepcopy(line)
        *steps, last = place
        inner = functools.reduce(lambda found, step: found[step], steps, changed)
        inner[last] = other(inner[last])
        yield changed
    for name in line:
        yield {one: value for one, value in line.items() if one != name}
    yield line | {"note": ""}
    if line["path"]:
        yield line | {"path": line["path"][:-1]}
    yield line | {"path": [*line["path"], {"hash": line["salt"], "sum": line["line"]["amount"]}]}


def places_of(value, place=()):
    """Where the document has texts and numbers."""
    items = []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        yield place
    for step, inner in items:
        yield from places_of(inner, (*place, step))


def other(value):
    """Another value of the same shape."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if not value:
        return "c"
    last = value[-1]
    if last.isdigit():
        return value[:-1] + ("4" if last != "4" else "5")
    return value[:-1] + ("a" if last != "a" else "b")


# --- Ledgers -----------------------------------------------------------------------------------

MONTHS = tuple(f"2026-{month:02}" for month in range(1, 13))
CURRENCIES = {"USD": 2, "JPY": 0, "KWD": 3}


def judge_ledgers(checks, engine, seed, count):
    """Each ledger does what chance says, one thing after the other; all of them ask for their next
    results together, since a program takes a while to start."""
    ledgers = [Ledger(checks, random.Random(f"{seed} ledger {i}")) for i in range(count)]
    waiting = {ledger: ledger.live() for ledger in ledgers}
    asked = {ledger: next(steps) for ledger, steps in waiting.items()}
    while asked:
        results = {}
        for name in {name for name, _ in asked.values()}:
            among = [ledger for ledger in asked if asked[ledger][0] == name]
            given = engine.calls(name, [call for ledger in among for call in asked[ledger][1]])
            given = iter(given)
            for ledger in among:
                results[ledger] = list(itertools.islice(given, len(asked[ledger][1])))
        asked = {}
        for ledger, result in results.items():
            try:
                asked[ledger] = waiting[ledger].send(result)
            except StopIteration:
                pass
    did = {}
    for ledger in ledgers:
        for name, times in ledger.did.items():
            did[name] = did.get(name, 0) + times
    print(", ".join(f"{times} {name}" for name, times in sorted(did.items())))
    checks.that(all(did.get(name) for name in Ledger.DEEDS), f"not everything was done: {did}")
    for ledger in ledgers:
        ledger.judge_lines()


class Ledger:
    """A publisher's ledger by the words of SPEC.md 10.5. All amounts come from the functions that
    are judged, and are fractions here; what they should sum to is computed beside them."""

    DEEDS = ("accruals", "voids", "voids before accrual", "late events", "late voids")
    DEEDS += ("settlements", "repeats")

    def __init__(self, checks, chance):
        self.checks, self.chance = checks, chance
        self.did = {}
        # Months that have begun.
        self.now = 1
        self.contributors = chance.sample([*NAMES, "c0", "c1"], chance.randint(2, 6))
        # From which month on a contributor has which rate.
        self.rates = {
            name: {0: self.rate(), chance.randint(1, 8): self.rate()} for name in self.contributors
        }
        self.events, self.void = {}, set()
        self.entries, self.accrual_of = {}, {}
        self.transactions, self.lines = [], []
        # (account, currency, period) by its amount, and (currency, period) by its ids.
        self.balances, self.ids = {}, {}
        self.settled = {}
        # What each event should have come to, as fractions; taken back where it is void.
        self.should = {}

    def rate(self):
        return self.chance.choice((0, 125_000, 333_333, 700_000, WHOLE_RATE))

    def live(self):
        """Gives what it asks the functions, and is sent what they answer."""
        chance = self.chance
        for _ in range(30):
            deed = chance.random()
            if deed < 0.45 or not self.events:
                yield from self.accrue([self.event() for _ in range(chance.randint(1, 6))])
            elif deed < 0.6:
                yield from self.take_back(chance.choice([*self.events, chance.randbytes(32)]))
            elif deed < 0.75:
                yield from self.settle(*chance.choice(list(self.ids) or [("USD", "2026-01")]))
            elif deed < 0.9:
                yield from self.repeat()
            else:
                self.now = min(self.now + 1, len(MONTHS) - 1)
            self.see_sums()
        yield from self.accrue([])
        self.now = len(MONTHS) - 1
        # Entries of this last month stay open, as they do in a ledger that lives on.
        for key in sorted(self.ids):
            yield from self.settle(*key)
            self.see_sums()
        yield from self.see_aggregate()

    def count(self, name):
        self.did[name] = self.did.get(name, 0) + 1

    def event(self):
        """Some event of this month or one before, perhaps one that is void already."""
        chance = self.chance
        value = chance.randbytes(32)
        month = chance.randint(max(0, self.now - 3), self.now - 1)
        contributors, left = [], 10**6
        for name in chance.sample(self.contributors, chance.randint(1, len(self.contributors))):
            for signal in chance.sample(("geo", "intent", "Gerät"), chance.choice((1, 1, 2))):
                weight = chance.randint(0, left)
                left -= weight
                contributors.append((name, signal, Fraction(weight, 10**6)))
        self.events[value] = {
            "campaign": chance.choice(("", "c1", "c2")),
            "contributors": contributors,
            "currency": chance.choice(list(CURRENCIES)),
            "month": month,
            "price": Fraction(chance.randint(0, 10**11), 10**9),
        }
        if chance.random() < 0.1:
            self.void.add(value)
        return value

    def accrue(self, values):
        """Whatever of these is in the ledger already, or void, changes nothing."""
        parts = []
        for value in values:
            if value in self.void:
                self.count("voids before accrual")
                continue
            event = self.events[value]
            parts += [(value, event, one) for one in event["contributors"]]
        if not parts:
            return
        named = [(value, name, signal) for value, _, (name, signal, _) in parts]
        ids = yield "precise_ledger_entry_id", named
        parts = [(one, *part) for one, part in zip(ids, parts) if one not in self.entries]
        if not parts:
            return
        rows = [
            [(self.part_of(event, one), self.rate_at(event, one), "each")]
            for *_, event, one in parts
        ]
        amounts = yield "precise_royalty", rows
        entries = []
        for (one, value, event, (name, signal, weight)), result in zip(parts, amounts):
            (accrual,) = json.loads(result)
            self.checks.equal("contributor", accrual["contributor"], name)
            self.checks.equal("currency", accrual["currency"], event["currency"])
            rate = self.rate_at(event, (name, signal, weight))
            expected = event["price"] / 1000 * weight * Fraction(rate, WHOLE_RATE)
            self.checks.equal("accrued", Fraction(accrual["accrued"]), expected)
            entry = {
                "amount": accrual["accrued"],
                "campaign": event["campaign"],
                "contributor": name,
                "currency": event["currency"],
                "id": "0x" + one,
                "proof_hash": "0x" + value.hex(),
                "rate_ppm": rate,
                "signal_type": signal,
            }
            period = MONTHS[event["month"]]
            entries.append(entry | self.when(event["currency"], period, "late events"))
            self.entries[one] = self.accrual_of[value, name, signal] = entries[-1]
        self.count("accruals")
        self.book("accrual", entries)

    def part_of(self, event, contributor):
        """The event as if this contributor had been the only one."""
        return event_of(event["price"], [contributor], event["currency"])

    def rate_at(self, event, contributor):
        rates = self.rates[contributor[0]]
        return rates[max(since for since in rates if since <= event["month"])]

    def when(self, currency, period, deed):
        is_late = (currency, period) in self.settled
        if is_late:
            self.count(deed)
            period = MONTHS[self.now]
        return {"late": is_late, "period": period}

    def take_back(self, value):
        """A proof that nobody knows may be void as well."""
        self.void.add(value)
        event = self.events.get(value, {"contributors": []})
        named = [(value, name, signal) for name, signal, _ in event["contributors"]]
        named = [one for one in named if one in self.accrual_of]
        if not named:
            return
        ids = yield "precise_ledger_void_id", named
        entries = []
        for one, name in zip(ids, named):
            if one in self.entries:
                continue
            accrual = self.accrual_of[name]
            amount = decimal(-Fraction(accrual["amount"]))
            entry = accrual | {"amount": amount, "id": "0x" + one}
            when = self.when(accrual["currency"], accrual["period"], "late voids")
            entries.append(entry | when)
            self.entries[one] = entries[-1]
        if entries:
            self.count("voids")
            self.book("void", entries)

    def settle(self, currency, period):
        """Nothing, if that is settled, not over, or not the next."""
        key = currency, period
        earlier = [one for one in self.ids if one[0] == currency and one[1] < period]
        if key in self.settled or key not in self.ids or period >= MONTHS[self.now]:
            return
        if any(one not in self.settled for one in earlier):
            return
        due = [
            {
                "accrued": decimal(amount),
                "contributor": account.partition("/")[2],
                "currency": currency,
            }
            for (account, among, when), amount in self.balances.items()
            if among == currency and (account.startswith("carry/") or is_due(account, when, period))
        ]
        self.chance.shuffle(due)
        (settlement,) = yield "precise_settle", [(json.dumps(due), CURRENCIES[currency])]
        secret = self.chance.randbytes(32)
        (text,) = yield "precise_statement", [(settlement, period, secret)]
        statement = json.loads(text)
        contributors = [line["contributor"] for line in statement["lines"]]
        lines = yield "precise_statement_line", [(text, one, secret) for one in contributors]
        verdicts = yield "precise_verify_statement_line", [(line,) for line in lines]
        holding = [json.loads(verdict)["verdict"] for verdict in verdicts]
        self.checks.equal("lines of a settlement", holding, [True] * len(lines))
        self.settled[key] = statement
        self.count("settlements")
        postings = {}
        for (account, among, when), amount in self.balances.items():
            if among == currency and is_due(account, when, period):
                add(postings, (account, currency, period), -amount)
        for line in statement["lines"]:
            carry = f"carry/{line['contributor']}", currency, period
            before = sum(
                amount
                for (account, among, _), amount in self.balances.items()
                if (account, among) == carry[:2]
            )
            add(postings, carry, Fraction(line["carried"]) - before)
            payable = f"payable/{line['contributor']}", currency, period
            add(postings, payable, Fraction(line["amount"]))
        self.post("settlement", [], postings)
        ids = [bytes.fromhex(one) for one in self.ids[key]]
        parts = [part for _, part in precise_reference.parts(ids)]
        roots = ["0x" + precise_reference.root(part).hex() for part in parts]
        kept = {"statement": statement, "key": "0x" + secret.hex(), "batch_roots": roots}
        self.lines.append(kept)

    def repeat(self):
        """Does again what was done, and finds nothing changed."""
        before = len(self.transactions)
        known = [value for value in self.events if any(one[0] == value for one in self.accrual_of)]
        yield from self.accrue(self.chance.sample(known, min(len(known), 5)))
        taken = [value for value in known if value in self.void and value in self.events]
        for value in taken[:2]:
            yield from self.take_back(value)
        for key in list(self.settled)[:2]:
            yield from self.settle(*key)
        self.checks.equal("transactions after a repeat", len(self.transactions), before)
        self.count("repeats")

    def book(self, kind, entries):
        postings = {}
        for entry in entries:
            amount, currency, period = Fraction(entry["amount"]), entry["currency"], entry["period"]
            add(postings, (f"contributor/{entry['contributor']}", currency, period), amount)
            add(postings, (f"campaign/{entry['campaign']}", currency, period), -amount)
            self.ids.setdefault((currency, period), []).append(entry["id"][2:])
        self.post(kind, entries, postings)
        self.lines += [{"entry": entry} for entry in self.chance.sample(entries, len(entries))]

    def post(self, kind, entries, postings):
        for key, amount in postings.items():
            add(self.balances, key, amount)
        listed = [[*key, decimal(amount)] for key, amount in postings.items()]
        listed.sort(key=lambda posting: [one.encode() for one in posting[:3]])
        previous = self.transactions[-1] if self.transactions else None
        hashes = [hash_of(entry) for entry in entries]
        transaction = {
            "at": f"{MONTHS[self.now]}-02T03:04:05Z",
            "count": len(entries),
            "entries_root": "0x" + (precise_reference.root(hashes) if hashes else bytes(32)).hex(),
            "kind": kind,
            "number": len(self.transactions) + 1,
            "postings": listed,
            "previous": "0x" + (hash_of(previous) if previous else bytes(32)).hex(),
        }
        self.transactions.append(transaction)
        self.lines.append({"transaction": transaction})

    def see_sums(self):
        """Parts, carries and what is not settled are what has accrued; and that is what events
        come to that are not void."""
        accrued = {}
        for value, name, signal in self.accrual_of:
            if value not in self.void:
                event = self.events[value]
                weights = {one[:2]: one for one in event["contributors"]}
                rate = Fraction(self.rate_at(event, (name,)), WHOLE_RATE)
                amount = event["price"] / 1000 * weights[name, signal][2] * rate
                add(accrued, event["currency"], amount)
        kept, paid_by = {}, {}
        for (account, currency, _), amount in self.balances.items():
            add(paid_by if account.startswith("campaign/") else kept, currency, amount)
        for currency in CURRENCIES:
            due = accrued.get(currency, 0)
            self.checks.equal("parts and carries", kept.get(currency, 0), due)
            self.checks.equal("campaigns", paid_by.get(currency, 0), -due)

    def see_aggregate(self):
        """All events at once, as one query has them, are what the ledger has of them: each
        contributor with the rate that it had."""
        rows = [
            (self.part_of(self.events[value], one), self.rate_at(self.events[value], one), "each")
            for value in self.events
            if value not in self.void
            for one in self.events[value]["contributors"]
            if (value, *one[:2]) in self.accrual_of
        ]
        if not rows:
            return
        (result,) = yield "precise_royalty", [rows]
        found = {
            (one["contributor"], one["currency"]): Fraction(one["accrued"])
            for one in json.loads(result)
            if one["accrued"] != "0"
        }
        booked = {}
        for entry in self.entries.values():
            key = entry["contributor"], entry["currency"]
            add(booked, key, Fraction(entry["amount"]))
        booked = {key: amount for key, amount in booked.items() if amount}
        self.checks.equal("all events at once", found, booked)

    def judge_lines(self):
        """Whoever replays the lines finds them right, and every other ledger wrong, or with another
        last hash: when the last transaction was made, say, nothing else in the ledger knows."""
        if not self.lines:
            return
        fault, last_hash = replayed(self.lines)
        self.checks.equal("the ledger replayed", fault, None)
        for _ in range(20):
            changed = copy.deepcopy(self.lines)
            at = self.chance.randrange(len(changed))
            deed = self.chance.choice(("change", "change", "change", "leave out", "twice"))
            if deed == "leave out":
                del changed[at]
            elif deed == "twice":
                changed.insert(at, changed[at])
            else:
                place = self.chance.choice(list(places_of(changed[at])))
                *steps, last = place
                inner = functools.reduce(lambda found, step: found[step], steps, changed[at])
                inner[last] = other(inner[last])
            fault, other_hash = replayed(changed)
            is_found = fault or other_hash != last_hash
            self.checks.that(is_found, f"nobody finds: {deed} line {at}, {self.lines[at]}")


def is_due(account, when, period):
    return account.startswith("contributor/") and when == period


def add(sums, key, amount):
    sums[key] = sums.get(key, 0) + amount


def hash_of(document):
    return precise_reference.proof_hash(precise_reference.jcs(document).encode())


def replayed(lines):
    """What the replay says is wrong, None if nothing is, and the last transaction's hash."""
    ledger = replay_ledger.Replay()
    try:
        for line in lines:
            ledger.read(json.dumps(line).encode())
        ledger.finish()
    except replay_ledger.Broken as fault:
        return str(fault), None
    return None, ledger.previous


if __name__ == "__main__":
    main()
