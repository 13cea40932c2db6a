"""Holds attribution and statistics against the reference and against outside judges.

    check_attribution.py --precise PATH --sql PATH [--seed 1] [--rows 400]
    check_attribution.py --self [--seed 1] [--rows 400]
    … --channel-attribution

Paths and users are random, and the same for the same seed. The first form demands of both programs,
from NDJSON and Parquet, in two orders and from one file and two, what the reference gives; what
they gave is then judged. The second judges the reference alone. The judges are PyPI
marketing-attribution-models, scipy and statsmodels; Shapley's definition over all sets and all
orders; linear equations in fractions; and, if asked for, PyPI ChannelAttribution.
"""

import argparse
import fractions
import importlib.util
import itertools
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import pyarrow
import pyarrow.parquet
import scipy.stats
import statsmodels.stats.proportion

import attribution_reference
import performance_reference

Fraction = fractions.Fraction

UNITS = 10**12
HALF_LIFE = 86_400
TIME_DECAY = f"time_decay({HALF_LIFE})"
MARKOV = ["markov(1)", "markov(2)", "markov(3)"]
MODELS = ["first", "last", "linear", "position", "shapley", *MARKOV]
# Of a double that a judge computes, by other steps than ours.
CLOSE = 1e-12
# Elimination in fractions of so many states takes seconds.
MOST_EXACT_STATES = 60
# Shapley's definition over all sets of so many cohorts takes a second.
MOST_BRUTE = 12


def main():
    options = parse()
    checks = Checks()
    data = list(every_data(options.seed, options.rows))
    users = every_group(options.seed, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        engines = [Reference()]
        if not options.self:
            engines += [CommandLine(options.precise, folder), Sql(options.sql, folder)]
        credits = agreed(checks, engines, [(one.name, credit_task(one)) for one in data])
        results = agreed(checks, engines[::2], [("users", performance_task(users))])["users"]
    for one in data:
        judge_sums(checks, one, credits[one.name])
        judge_markov_exactly(checks, one, credits[one.name])
        judge_shapley(checks, one, credits[one.name])
        judge_by_mam(checks, one, credits[one.name])
    judge_games(checks, random.Random(options.seed))
    for group, rows in users.items():
        judge_performance(checks, group, rows, results[group])
    judge_wilson(checks, random.Random(options.seed))
    if options.channel_attribution:
        judge_by_channel_attribution(checks, data, credits)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--precise", type=pathlib.Path, help="the program `precise`")
    mode.add_argument("--self", action="store_true", help="judge the reference alone")
    parser.add_argument("--sql", type=pathlib.Path, help="the program `precise-sql`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=400, help="paths of each number of cohorts")
    parser.add_argument("--channel-attribution", action="store_true", help="ask that judge as well")
    options = parser.parse_args()
    if options.precise and not options.sql:
        parser.error("--precise needs --sql")
    return options


class Checks:
    """Counts, and prints what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(what)

    def close(self, what, got, expected, relative=CLOSE, absolute=CLOSE):
        """Two numbers, or two that are None."""
        if got is None or expected is None:
            self.that(got is expected, f"{what}: got {got!r}, expected {expected!r}")
            return
        fine = math.isclose(got, expected, rel_tol=relative, abs_tol=absolute)
        self.that(fine, f"{what}: got {got!r}, expected {expected!r}")


# --- Random paths ------------------------------------------------------------------------------


class Data:
    """Rows of [path, conversions, nulls, value], by a name. A path is a list of cohorts or of
    touches; value is a text, or None in every row."""

    def __init__(self, name, rows, models):
        self.name, self.rows, self.models = name, rows, models
        self.conversions = sum(row[1] for row in rows)
        self.is_timed = isinstance(rows[0][0][0], dict)
        self.has_value = rows[0][3] is not None


def every_data(seed, count):
    for cohorts in (2, 3, 5, 8, 12, 20):
        chosen = random.Random(f"{seed} {cohorts}")
        rows = [row(chosen, one, cohorts % 2 == 0) for one in random_paths(chosen, cohorts, count)]
        yield Data(f"{cohorts} cohorts", rows, MODELS)
    chosen = random.Random(f"{seed} timed")
    rows = [
        [timed(chosen, one), chosen.choice((0, 1)), chosen.randint(0, 3), None]
        for one in random_paths(chosen, 6, count)
    ]
    yield Data("timed", rows, [*MODELS, TIME_DECAY])


# Without blanks, which the judges would trim.
NAMES = ("eco", "eco_10013", "rent:er", "Säule", "東京", "a/b", "café", "\U0001f3a7")


def random_paths(chosen, cohorts, count):
    """Paths with repeats, in which what comes next depends on the last two touches, so that the
    orders of Markov differ."""
    names = [*NAMES, *(f"cohort_{i}" for i in range(cohorts))][:cohorts]
    weights = {
        pair: [chosen.random() ** 4 for _ in names]
        for pair in itertools.product([None, *names], repeat=2)
    }
    for _ in range(count):
        path = [None, None]
        for _ in range(min(1 + int(chosen.expovariate(0.35)), 40)):
            path += chosen.choices(names, weights[path[-2], path[-1]])
        yield path[2:]


def row(chosen, path, with_value):
    conversions = chosen.choice((0, 0, 1, 1, 2, 7, 1000))
    # Refunds make a value negative.
    value = f"{chosen.randint(-10**4, 10**7) * 10 ** -chosen.randint(0, 2):.2f}"
    return [path, conversions, chosen.choice((0, 1, 5, 40, 3000)), value if with_value else None]


def timed(chosen, path):
    """Touches of the last days before noon, to the microsecond, in any order."""
    touches = []
    for cohort in path:
        day, micros = chosen.randint(1, 28), chosen.randrange(86_400 * 10**6)
        seconds, part = divmod(micros, 10**6)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        touches.append({"at": f"2026-02-{day:02}T{clock}.{part:06}Z", "cohort": cohort})
    return touches


# --- The programs ------------------------------------------------------------------------------


def credit_task(data):
    return lambda engine: engine.credits(data)


def performance_task(users):
    return lambda engine: engine.performances(users)


def agreed(checks, engines, tasks):
    """What the reference, the first of the engines, gives for each task; the others must give the
    same. What is judged is what the last one gave."""
    found = {}
    for name, task in tasks:
        expected = task(engines[0])
        found[name] = expected
        for engine in engines[1:]:
            got = task(engine)
            for key in expected:
                checks.that(
                    got.get(key) == expected[key],
                    f"{name}, {key}: {type(engine).__name__} gives {got.get(key)!r}"
                    f", the reference {expected[key]!r}",
                )
            found[name] = got
    return found


class Reference:
    def credits(self, data):
        rows = [
            [json.dumps(path).encode("utf-8"), *(one for one in rest if one is not None)]
            for path, *rest in data.rows
        ]
        credit = attribution_reference.precise_attribution
        return {
            model: json.loads(credit([[model, *one] for one in rows])) for model in data.models
        }

    def performances(self, users):
        return {
            group: json.loads(
                performance_reference.precise_cohort_performance(
                    [[member, json.dumps(facts).encode("utf-8")] for member, facts in rows]
                )
            )
            for group, rows in users.items()
        }


class CommandLine:
    """`precise attribute`, from one NDJSON file and from two in another order."""

    def __init__(self, program, folder):
        self.program, self.folder = program.resolve(), folder

    def credits(self, data):
        lines = [json.dumps(members_of(one)) + "\n" for one in data.rows]
        whole = self.run(data, [lines])
        lines.reverse()
        parted = self.run(data, [lines[: len(lines) // 3], lines[len(lines) // 3 :]])
        return {key: whole[key] for key in whole if whole[key] == parted[key]}

    def run(self, data, parts):
        files = []
        for i, lines in enumerate(parts):
            files.append(self.folder / f"paths-{i}.ndjson")
            files[-1].write_text("".join(lines), encoding="utf-8")
        models = [word for model in data.models for word in ("--model", model)]
        command = [self.program, "attribute", *files, *models, "--json"]
        printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        by_model = {model: [] for model in data.models}
        for credit in json.loads(printed)["credits"]:
            by_model[credit["method"]].append(credit)
        return by_model


def members_of(row):
    members = dict(zip(("path", "conversions", "nulls", "value"), row))
    return {name: value for name, value in members.items() if value is not None}


class Sql:
    """The functions in DataFusion, from Parquet, in several partitions."""

    def __init__(self, program, folder):
        self.program, self.folder = program.resolve(), folder

    def credits(self, data):
        file = self.folder / "paths.parquet"
        columns = list(zip(*data.rows))
        table = {
            "path": [json.dumps(path) for path in columns[0]],
            "conversions": pyarrow.array(columns[1], pyarrow.int64()),
            "nulls": pyarrow.array(columns[2], pyarrow.int64()),
        }
        arguments = "path, conversions, nulls"
        if data.has_value:
            values = pyarrow.array(columns[3], pyarrow.string())
            table["value"] = values.cast(pyarrow.decimal128(24, 2))
            arguments += ", value"
        pyarrow.parquet.write_table(pyarrow.table(table), file, row_group_size=100)
        calls = ", ".join(
            f"precise_attribution('{model}', {arguments}) AS \"{model}\"" for model in data.models
        )
        (found,) = self.rows(f"SELECT {calls} FROM '{file}'")
        return {model: json.loads(result) for model, result in found.items()}

    def performances(self, users):
        file = self.folder / "users.parquet"
        rows = [(group, *one) for group, listed in users.items() for one in listed]
        groups, members, facts = zip(*rows)
        table = {"g": groups, "member": members, "facts": [json.dumps(one) for one in facts]}
        pyarrow.parquet.write_table(pyarrow.table(table), file, row_group_size=1000)
        call = f"SELECT g, precise_cohort_performance(member, facts) AS p FROM '{file}' GROUP BY g"
        return {found["g"]: json.loads(found["p"]) for found in self.rows(call)}

    def rows(self, query):
        command = [self.program, "--quiet", "--json", "--threads", "2", "-c", query]
        printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        return [json.loads(line) for line in printed.splitlines()]


# --- Credit ------------------------------------------------------------------------------------


def judge_sums(checks, data, credits):
    """Credit and value sum to what was to be handed out."""
    worth = sum(Fraction(one[3]) for one in data.rows) if data.has_value else None
    for model, listed in credits.items():
        what = f"{data.name}, {model}"
        total = sum(int(one["credit"]) for one in listed)
        checks.that(total == UNITS * data.conversions, f"{what}: credit sums to {total}")
        cohorts = [one["cohort"].encode("utf-8") for one in listed]
        checks.that(cohorts == sorted(set(cohorts)), f"{what}: out of order: {cohorts}")
        if worth is not None:
            total = sum(Fraction(one["value"]) for one in listed)
            checks.that(total == worth, f"{what}: value sums to {total} and not {worth}")


def counted_transitions(data, order):
    """The transitions of these paths, counted here once more."""
    counted = {}
    for path, conversions, nulls, _ in data.rows:
        states = [()]
        for cohort in cohorts_of(path):
            states.append((states[-1] + (cohort,))[-order:])
        pairs = [(pair, conversions + nulls) for pair in zip(states, states[1:])]
        ends = [((states[-1], "conversion"), conversions), ((states[-1], "null"), nulls)]
        for (before, after), count in pairs + ends:
            if before != after and count:
                counted[before, after] = counted.get((before, after), 0) + count
    return counted


def cohorts_of(path):
    if isinstance(path[0], str):
        return path
    # As text, times of equal length sort as times do.
    return [touch["cohort"] for touch in sorted(path, key=lambda one: (one["at"], one["cohort"]))]


def judge_markov_exactly(checks, data, credits):
    """Removal effects against linear equations, in fractions or else by LAPACK; shares and credit
    against the removal effects, exactly."""
    for model in MARKOV:
        listed, order = credits[model], int(model[-2])
        counted = counted_transitions(data, order)
        effects = [one["removal_effect"] for one in listed]
        states = {one for pair in counted for one in pair if isinstance(one, tuple)}
        if len(states) <= MOST_EXACT_STATES:
            exact, within = attribution_reference.exact_removal_effects(counted), CLOSE
        else:
            exact, within = dense_removal_effects(counted, sorted(states)), 1e-9
        for one, effect in zip(listed, effects):
            what = f"{data.name}, {model}, {one['cohort']}"
            checks.close(what, effect, float(exact[one["cohort"]]), relative=within, absolute=0)
        weights = [math.floor(Fraction(effect) * 2**62) for effect in effects]
        quotas = [Fraction(UNITS * weight, sum(weights)) for weight in weights]
        for one, quota in zip(listed, quotas):
            units = Fraction(int(one["credit"]), data.conversions)
            checks.that(abs(units - quota) < 1, f"{data.name}, {model}: {one} is not {quota}")


def dense_removal_effects(counted, states):
    place = {state: at for at, state in enumerate(states)}
    matrix = numpy.zeros((len(states), len(states) + 2))
    for (before, after), count in counted.items():
        at = {"conversion": len(states), "null": len(states) + 1}.get(after)
        matrix[place[before], place[after] if at is None else at] = count
    matrix /= matrix.sum(axis=1, keepdims=True)

    def chance(removed):
        kept = [place[state] for state in states if removed not in state]
        system = numpy.eye(len(kept)) - matrix[numpy.ix_(kept, kept)]
        return numpy.linalg.solve(system, matrix[kept, len(states)])[0]

    whole = chance(None)
    cohorts = {cohort for state in states for cohort in state}
    return {cohort: 1 - chance(cohort) / whole for cohort in cohorts}


def judge_shapley(checks, data, credits):
    """The definition: what a cohort adds, over all sets of the others; v(S) is what paths within S
    brought."""
    sets = {}
    for path, conversions, _, _ in data.rows:
        among = frozenset(cohorts_of(path))
        sets[among] = sets.get(among, 0) + conversions
    cohorts = sorted(frozenset().union(*sets))
    if len(cohorts) <= MOST_BRUTE:
        values = shapley_by_sets(cohorts, sets)
    else:
        values = {
            cohort: sum(Fraction(n, len(among)) for among, n in sets.items() if cohort in among)
            for cohort in cohorts
        }
    for one in credits["shapley"]:
        # Each conversion was rounded by less than a unit.
        off = abs(int(one["credit"]) - values[one["cohort"]] * UNITS)
        checks.that(off < data.conversions, f"{data.name}, shapley: {one} is off by {off}")


def shapley_by_sets(cohorts, sets):
    n = len(cohorts)
    bit = {cohort: 1 << at for at, cohort in enumerate(cohorts)}
    worth = [0] * 2**n
    for among, conversions in sets.items():
        worth[sum(bit[cohort] for cohort in among)] += conversions
    # From what exactly a set brought to what its subsets did, cohort by cohort.
    for cohort in cohorts:
        for among in range(2**n):
            if among & bit[cohort]:
                worth[among] += worth[among ^ bit[cohort]]
    orders = [math.factorial(s) * math.factorial(n - s - 1) for s in range(n)]
    values = {}
    for cohort in cohorts:
        added = sum(
            orders[among.bit_count()] * (worth[among | bit[cohort]] - worth[among])
            for among in range(2**n)
            if not among & bit[cohort]
        )
        values[cohort] = Fraction(added, math.factorial(n))
    return values


def judge_games(checks, chosen):
    """precise_shapley on games of any kind, against the mean over all orders of arrival."""
    for game_at in range(20):
        cohorts = [f"c{i}" for i in range(1 + game_at % 6)]
        sizes = range(len(cohorts) + 1)
        sets = [one for size in sizes for one in itertools.combinations(cohorts, size)]
        given = chosen.sample(sets, chosen.randint(1, len(sets)))
        given += [] if tuple(cohorts) in given else [tuple(cohorts)]
        worth = {one: Fraction(chosen.randint(-(10**7), 10**7), 10**6) for one in given}
        text = [{"cohorts": one[::-1], "value": f"{float(worth[one]):.6f}"} for one in given]
        found = json.loads(attribution_reference.precise_shapley(json.dumps(text).encode("utf-8")))
        values = shapley_by_orders(cohorts, worth)
        for one in found:
            off = abs(Fraction(one["value"]) - values[one["cohort"]])
            checks.that(off < Fraction(1, UNITS), f"game {game_at}: {one} is off by {off}")
        total = sum(Fraction(one["value"]) for one in found)
        expected = worth[tuple(cohorts)] - worth.get((), 0)
        checks.that(total == expected, f"game {game_at}: {total} is not {expected}")


def shapley_by_orders(cohorts, worth):
    values = dict.fromkeys(cohorts, Fraction(0))
    for arrival in itertools.permutations(cohorts):
        there = ()
        for cohort in arrival:
            with_it = tuple(sorted((*there, cohort)))
            values[cohort] += worth.get(with_it, 0) - worth.get(there, 0)
            there = with_it
    return {cohort: value / math.factorial(len(cohorts)) for cohort, value in values.items()}


def judge_by_mam(checks, data, credits):
    """marketing-attribution-models: heuristics, and Markov of order 1 with its removal effects."""
    # Imported here, since it takes seconds.
    import mam
    import pandas

    paths = [cohorts_of(one[0]) for one in data.rows]
    rows = [
        (" > ".join(path), count, converted)
        for path, one in zip(paths, data.rows)
        for count, converted in ((one[1], True), (one[2], False))
        if count
    ]
    table = pandas.DataFrame(rows, columns=["path", "times", "converted"])
    judge = mam.MAM(
        table,
        format_type="grouped_journey",
        channels_colname="path",
        occurrences_colname="times",
        journey_with_conv_colname="converted",
    )
    # We round each touch by less than a unit, and the judge adds doubles.
    touches = sum(len(path) * one[1] for path, one in zip(paths, data.rows))
    rounding = touches / UNITS + CLOSE * data.conversions
    for model, run, within in (
        ("first", judge.run_first_click, 0),
        ("last", judge.run_last_click, 0),
        ("linear", judge.run_linear, rounding),
        ("position", judge.run_position_based, rounding),
    ):
        judge_against_mam(checks, data, credits, model, run(), within)
    if TIME_DECAY in data.models:
        hours = timed_for_mam(data)
        judge_against_mam(checks, data, credits, TIME_DECAY, hours, rounding)
    metadata = judge.run_markov().metadata
    theirs = metadata["removal_effect"]["removal_effect"].to_dict()
    ours = {one["cohort"]: one["removal_effect"] for one in credits["markov(1)"]}
    whole = sum(theirs.values())
    for one in credits["markov(1)"]:
        cohort = one["cohort"]
        what = f"{data.name}, MAM's markov(1), {cohort}"
        checks.close(f"{what}, effect", ours[cohort], theirs[cohort])
        share = int(one["credit"]) / (UNITS * data.conversions)
        checks.close(f"{what}, share", share, theirs[cohort] / whole, relative=0)


def judge_against_mam(checks, data, credits, model, result, within):
    table = result.to_dict()
    theirs = dict(zip(table["channels"], table["attribution"]))
    for one in credits[model]:
        cohort = one["cohort"]
        off = abs(int(one["credit"]) / UNITS - theirs.get(cohort, 0))
        checks.that(off <= within, f"{data.name}, MAM's {model}, {cohort}: off by {off}")


def timed_for_mam(data):
    """Its time decay, which takes hours before the last touch, and no number of times."""
    import mam
    import pandas

    rows = []
    for i, (path, conversions, _, _) in enumerate(data.rows):
        touches = sorted(path, key=lambda one: (one["at"], one["cohort"]))
        times = [attribution_reference.microseconds(touch["at"]) for touch in touches]
        hours = " > ".join(repr((times[-1] - time) / 3.6e9) for time in times)
        cohorts = " > ".join(touch["cohort"] for touch in touches)
        rows.append((str(i), cohorts, hours, conversions == 1))
    names = ["journey_id", "path", "time_till_end", "converted"]
    judge = mam.MAM(
        pandas.DataFrame(rows, columns=names),
        format_type="journey",
        channels_colname="path",
        journey_with_conv_colname="converted",
    )
    return judge.run_time_decay(half_life_hours=HALF_LIFE / 3600)


# --- Statistics --------------------------------------------------------------------------------


def every_group(seed, count):
    """Users by group, each [member, facts], from none that converted to all."""
    users = {}
    for at, rate in enumerate((0, 0.001, 0.02, 0.3, 0.97, 1)):
        for size in (1, 2, 3, 5, 30, count):
            chosen = random.Random(f"{seed} {rate} {size}")
            users[f"{at}-{size}"] = [random_user(chosen, rate) for _ in range(size)]
    return users


def random_user(chosen, rate):
    # Where few convert, some see all of very many plays, and the others little of a few.
    starts = chosen.choice((0, 1, 3, 10) * 10 + (60,))
    taste = 1 if starts == 60 else chosen.random() * (0.05 if rate < 0.01 else 1)
    spend = Fraction(chosen.randint(1, 10**6), 10**6)
    value = spend * 3 + Fraction(chosen.randint(-(10**6), 2 * 10**6), 10**6)
    facts = {
        "converted": chosen.random() < rate,
        "holdout": chosen.random() < 0.2,
        "value": f"{float(value):.6f}",
        "spend": float(f"{float(spend):.6f}"),
        "starts": starts,
        "completes": sum(chosen.random() < taste for _ in range(starts)),
        "linear": chosen.randint(0, 20),
    }
    kept = {name: value for name, value in facts.items() if chosen.random() < 0.95}
    if "starts" not in kept:
        kept.pop("completes", None)
    return [chosen.random() < 0.6, kept]


def judge_wilson(checks, chosen):
    for _ in range(1000):
        n = int(10 ** (chosen.random() * 9)) + 1
        k = chosen.choice((0, 1, n - 1, n, chosen.randint(0, n)))
        low, _ = wilson(k, n)
        got = performance_reference.precise_cohort_confidence(k, n)
        checks.close(f"Wilson of {k} in {n}", got, low, relative=1e-9)


def wilson(k, n):
    low, high = statsmodels.stats.proportion.proportion_confint(k, n, method="wilson")
    return max(low, 0.0), min(high, 1.0)


def judge_performance(checks, group, rows, result):
    """Each part of a result, from the users themselves."""
    members = [facts for member, facts in rows if member]
    treated = [facts for facts in members if not facts.get("holdout", False)]
    withheld = [facts for facts in members if facts.get("holdout", False)]
    everybody = [facts for _, facts in rows if not facts.get("holdout", False)]
    judge_rates(checks, group, result, treated, withheld, everybody)
    judge_return(checks, group, result["performance_prediction"], pairs(treated, "spend", "value"))
    judge_pearson(checks, group, result["linear_correlation"], pairs(treated, "linear", "value"))
    plays = pairs(treated, "starts", "completes")
    judge_plays(checks, group, result["streaming_engagement"], plays)


def pairs(users, x, y):
    both = [facts for facts in users if x in facts and y in facts]
    return [float(one[x]) for one in both], [float(one[y]) for one in both]


def counted(users):
    known = [facts["converted"] for facts in users if "converted" in facts]
    return sum(known), len(known)


def judge_rates(checks, group, result, treated, withheld, everybody):
    (k, n), (k2, n2), (ka, na) = counted(treated), counted(withheld), counted(everybody)
    found = result["confidence"]
    checks.that((found is None) == (n == 0), f"{group}: confidence {found} of {n}")
    if found:
        low, high = wilson(k, n)
        checks.close(f"{group}: low", found["low"], low)
        checks.close(f"{group}: high", found["high"], high)
    found = result["uplift"]
    checks.that((found is None) == (n == 0 or n2 == 0), f"{group}: uplift {found} of {n}, {n2}")
    if found:
        low, high = statsmodels.stats.proportion.confint_proportions_2indep(
            k, n, k2, n2, method="newcomb", compare="diff"
        )
        checks.close(f"{group}: uplift", found["difference"], k / n - k2 / n2)
        # Its intervals of 0 and of all are a rounding away from 0 and 1.
        checks.close(f"{group}: low uplift", found["low"], low, absolute=1e-9)
        checks.close(f"{group}: high uplift", found["high"], high, absolute=1e-9)
        treated_ends, control_ends = (k / n, *wilson(k, n)), (k2 / n2, *wilson(k2, n2))
        judge_relative(checks, group, found["relative"], treated_ends, control_ends)
    found = result["retail_propensity"]
    checks.that((found is None) == (n in (0, na)), f"{group}: propensity {found} of {n}, {na}")
    if found:
        judge = scipy.stats.binom(n, ka / na)
        expected = judge.cdf(k - 1) + judge.pmf(k) / 2
        checks.close(f"{group}: percentile", found["percentile"], expected, absolute=1e-11)


def judge_relative(checks, group, found, treated, control):
    """An end is the ratio at which Newcombe's interval of p₁ − ratio · p₂ begins, or ends, at 0."""
    (p1, l1, h1), (p2, l2, h2) = treated, control
    checks.that((found is None) == (p2 == 0), f"{group}: relative uplift {found}")
    if found:
        checks.close(f"{group}: relative uplift", found["difference"], (p1 - p2) / p2)
        low, high = found["low"] + 1, found["high"] + 1
        begins = math.hypot(p1 - l1, low * (h2 - p2))
        checks.close(f"{group}: low relative", p1 - low * p2, begins, 1e-9, 1e-9)
        ends = math.hypot(h1 - p1, high * (p2 - l2))
        checks.close(f"{group}: high relative", high * p2 - p1, ends, 1e-9, 1e-9)


def judge_return(checks, group, found, both):
    """The delta method, from how far each user is from the ratio."""
    x, y = map(numpy.array, both)
    checks.that((found is None) == (not x.sum() > 0), f"{group}: return {found}")
    if not found:
        return
    ratio = y.sum() / x.sum()
    checks.close(f"{group}: ratio", found["ratio"], ratio)
    if found["low"] is not None:
        spread = (y - ratio * x).std(ddof=1) / math.sqrt(len(x)) / x.mean()
        half = scipy.stats.norm.ppf(0.975) * spread
        checks.close(f"{group}: low return", found["low"], ratio - half, relative=1e-9)
        checks.close(f"{group}: high return", found["high"], ratio + half, relative=1e-9)


def judge_pearson(checks, group, found, both):
    x, y = both
    varies = len(x) >= 3 and len(set(x)) > 1 and len(set(y)) > 1
    checks.that((found is not None) == varies, f"{group}: correlation {found} of {len(x)}")
    if not found:
        return
    judge = scipy.stats.pearsonr(x, y)
    checks.close(f"{group}: r", found["r"], judge.statistic)
    if found["low"] is not None:
        low, high = judge.confidence_interval(0.95)
        checks.close(f"{group}: low r", found["low"], low)
        checks.close(f"{group}: high r", found["high"], high)


def judge_plays(checks, group, found, both):
    """Wilson's interval of as many plays as the spread between users leaves."""
    x, y = map(numpy.array, both)
    checks.that((found is None) == (x.sum() == 0), f"{group}: engagement {found}")
    if not found:
        return
    rate = y.sum() / x.sum()
    plays = x.sum() ** 2 / (x * x).sum()
    off = y - rate * x
    if len(x) > 1 and 0 < rate < 1:
        variance = off.var(ddof=1) / len(x) / x.mean() ** 2
        if variance > 1e-20:
            plays = min(plays, rate * (1 - rate) / variance)
    low, high = wilson(rate * plays, plays)
    checks.close(f"{group}: rate", found["rate"], rate)
    checks.close(f"{group}: low rate", found["low"], low, absolute=1e-9)
    checks.close(f"{group}: high rate", found["high"], high, absolute=1e-9)


# --- ChannelAttribution ------------------------------------------------------------------------

# It walks from the beginning so many times, under each of these seeds.
WALKS = 10**6
WALK_SEEDS = (1, 2, 3, 4)
# By chance one mean in 150,000 is that far off, and here are a hundred.
MOST_DEVIATIONS = 4.5


def judge_by_channel_attribution(checks, data, credits):
    """Heuristics, and removal effects of orders 1 and 2 within the error of its walks.

    A walk converts with the probability R, which is conversions among journeys, and passes a cohort
    then with the probability x, its removal effect. So what W walks say of x is the part of about
    W·R that passed it, with the standard error √(x(1 − x) / (W·R)), if every walk may be as long as
    it likes and all count alike (one fold: of several folds it reports one). Of 4 seeds the mean
    is off by half of that. Estimates must lie within that error of our x, and also scatter by no
    less; and those of order 2 must refute the x of order 1, which shows that they can.
    """
    if importlib.util.find_spec("ChannelAttribution") is None:
        print("SKIPPED: ChannelAttribution is not installed; it is built from C++ by make test-all")
        return
    import ChannelAttribution
    import pandas

    for one in data:
        paths = [cohorts_of(row[0]) for row in one.rows]
        table = pandas.DataFrame(
            {
                "path": [" > ".join(path) for path in paths],
                "conversions": [row[1] for row in one.rows],
                "nulls": [row[2] for row in one.rows],
            }
        )
        named = {"sep": ">", "flg_pro": False}
        found = ChannelAttribution.heuristic_models(table, "path", "conversions", **named)
        touches = sum(len(path) * row[1] for path, row in zip(paths, one.rows))
        rounding = touches / UNITS + CLOSE * one.conversions
        for model, within in (("first", 0), ("last", 0), ("linear", rounding)):
            theirs = dict(zip(found["channel_name"], found[f"{model}_touch"]))
            for credit in credits[one.name][model]:
                off = abs(int(credit["credit"]) / UNITS - theirs[credit["cohort"]])
                what = f"{one.name}, ChannelAttribution's {model}, {credit['cohort']}"
                checks.that(off <= within, f"{what}: off by {off}")
        judge_walks(checks, one, credits[one.name], table, named)


def judge_walks(checks, data, credits, table, named):
    import ChannelAttribution

    journeys = data.conversions + sum(row[2] for row in data.rows)
    converting = WALKS * data.conversions / journeys
    effects = {
        order: {one["cohort"]: one["removal_effect"] for one in credits[f"markov({order})"]}
        for order in (1, 2)
    }
    for order in (1, 2):
        estimates = {cohort: [] for cohort in effects[order]}
        for seed in WALK_SEEDS:
            found = ChannelAttribution.markov_model(
                table,
                "path",
                "conversions",
                var_null="nulls",
                order=order,
                nsim_start=WALKS,
                max_step=10**6,
                nfold=1,
                conv_par=1.0,
                out_more=True,
                seed=seed,
                verbose=False,
                **named,
            )["removal_effects"]
            for cohort, effect in zip(found["channel_name"], found["removal_effect"]):
                estimates[cohort].append(effect)
        squares, refuted = [], False
        for cohort, listed in estimates.items():
            x = effects[order][cohort]
            error = math.sqrt(x * (1 - x) / converting)
            if error == 0:
                checks.close(f"{data.name}, walks of {order}, {cohort}", listed[0], x)
                continue
            off = (sum(listed) / len(listed) - x) / error * math.sqrt(len(listed))
            what = f"{data.name}, walks of {order}, {cohort}: {listed}, {off:.1f} errors off {x}"
            checks.that(abs(off) <= MOST_DEVIATIONS, what)
            squares += [((one - x) / error) ** 2 for one in listed]
            other = (sum(listed) / len(listed) - effects[1][cohort]) / error
            refuted |= abs(other) * math.sqrt(len(listed)) > MOST_DEVIATIONS
        scatter = sum(squares) / len(squares) if squares else 1
        checks.that(0.1 < scatter < 4, f"{data.name}, walks of {order}: scatter is {scatter:.2f}")
        if order == 2:
            checks.that(refuted, f"{data.name}: walks of order 2 cannot be told from order 1")


if __name__ == "__main__":
    main()
