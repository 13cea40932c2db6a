"""Section 9 of SPEC.md, attribution: slow, readable, and written from that page alone.

Credit, values and Shapley values are exact integers and fractions. Markov's removal effects are
computed twice: in binary64 in the order of 9.4, which is what the engines have to equal bit for
bit, and with fractions by another method, which says how far from the truth that is.
"""

import datetime
import decimal
import fractions
import math
import re

from exact_numbers import decimal_text, demand_bits, read_exact, scaled, sixteen
from precise_reference import Refused, demand, demand_members, jcs, null_in_null_out

Fraction = fractions.Fraction

UNITS = 10**12
MOST_COHORTS = 2**20
MOST_STATES = 4096
MOST_TRANSITIONS = 2**20

# What JSON carries everywhere.
MOST_COUNTED = 2**53 - 1

BEGINNING = ()
CONVERSION = "conversion"
NULL = "null"


def largest_remainder(total, weights):
    """The total in parts by these weights (9.2): rounded down, and one more to the largest
    remainders, of equal ones to the earlier."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


# --- 9.1 Contributions -------------------------------------------------------------------------


def precise_contributions(event, policy):
    found = re.fullmatch(r"(split|each)(?:\(([A-Z]{3})\))?", policy)
    demand(found, "PR513")
    record = read_exact(event)
    record = record if isinstance(record, dict) else {}
    contributors = member_of(record, "attribution").get("data_contributors")
    contributors = [] if contributors is None else contributors
    demand(isinstance(contributors, list), "PR510")
    weights = {}
    for one in contributors:
        demand(isinstance(one, dict), "PR510")
        pair = one.get("id"), one.get("signal_type")
        demand(all(isinstance(text, str) and text for text in pair), "PR510")
        weight = scaled(one.get("weight"), 6, 2)
        demand(weight is not None and 0 <= weight <= 10**6, "PR510")
        demand(pair not in weights, "PR512")
        weights[pair] = weight
    if not weights:
        return "[]"
    demand(found[1] == "each" or sum(weights.values()) == 10**6, "PR511")
    metadata = member_of(record, "metadata")
    currency = metadata.get("currency")
    currency = found[2] if currency is None else currency
    if currency is not None:
        demand(isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency), "PR602")
    price = None
    if metadata.get("clearing_price") is not None:
        price = scaled(metadata["clearing_price"], 9, 10**9)
        demand(price is not None and price >= 0, "PR601")
    return jcs(
        [
            {
                "amount": amount_of(record, price, weight),
                "contributor": pair[0],
                "currency": currency,
                "signal_type": pair[1],
                "weight_ppm": weight,
            }
            for pair, weight in sorted(weights.items())
        ]
    )


def member_of(record, name):
    """A member that is an object; any other has no members of its own."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def amount_of(record, price, weight):
    if record.get("event_type") != "impression":
        return "0"
    # A CPM in 10^-9, of a thousand, and parts of a million: 9 + 3 + 6 decimals.
    return None if price is None else decimal_text(price * weight, 18)


# --- 9.2 Paths and models ----------------------------------------------------------------------

TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?Z"
)


def microseconds(text):
    """A time of 9.2 as microseconds since 1970."""
    found = TIME.fullmatch(text) if isinstance(text, str) else None
    demand(found, "PR508")
    *fields, part = found.groups()
    try:
        moment = datetime.datetime(*map(int, fields))
    except ValueError:
        raise Refused("PR508") from None
    since = moment - datetime.datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 10**6 + int((part or "").ljust(6, "0"))


def is_cohort(text):
    return isinstance(text, str) and 1 <= len(text) <= 256 and all(one >= " " for one in text)


class TouchPath:
    """The cohorts touched, in order; and where they are timed, `times` in microseconds and `at`
    as they were given."""

    def __init__(self, text):
        found = read_exact(text, "PR508")
        converted = None
        if isinstance(found, dict):
            demand_members(found, {"converted_at", "touches"}, "PR508")
            converted = microseconds(found["converted_at"])
            found = found["touches"]
            demand(isinstance(found, list), "PR508")
            demand(all(isinstance(touch, dict) for touch in found), "PR508")
        demand(isinstance(found, list) and 1 <= len(found) <= 10_000, "PR508")
        if isinstance(found[0], str):
            self.cohorts, self.times, self.at = found, None, None
        else:
            for touch in found:
                demand_members(touch, {"at", "cohort"}, "PR508")
                demand(is_cohort(touch["cohort"]), "PR508")
            # Sorting keeps the order of equal ones.
            timed = [(microseconds(touch["at"]), touch["cohort"], touch["at"]) for touch in found]
            timed.sort(key=lambda touch: touch[:2])
            self.times, self.cohorts, self.at = map(list, zip(*timed))
            demand(converted is None or self.times[-1] <= converted, "PR509")
        demand(all(is_cohort(cohort) for cohort in self.cohorts), "PR508")


class Model:
    def __init__(self, text):
        found = re.fullmatch(
            r"(first|last|linear|position|shapley)|time_decay\(([1-9][0-9]*)\)|markov\(([123])\)",
            text,
        )
        demand(found, "PR507")
        self.text = text
        self.half_life = int(found[2]) if found[2] else None
        demand(self.half_life is None or self.half_life <= 10**9, "PR507")
        self.order = int(found[3]) if found[3] else None

    def credit(self, path):
        """The 10^12 units of one path, a number for each touch."""
        return largest_remainder(UNITS, self.weights(path))

    def weights(self, path):
        cohorts = path.cohorts
        n = len(cohorts)
        if self.half_life:
            demand(path.times is not None, "PR508")
            return [decayed(path.times[-1] - time, self.half_life * 10**6) for time in path.times]
        if self.text == "first":
            return [1] + [0] * (n - 1)
        if self.text == "last":
            return [0] * (n - 1) + [1]
        if self.text == "shapley":
            return [0 if cohort in cohorts[:at] else 1 for at, cohort in enumerate(cohorts)]
        if self.text == "linear" or n < 3:
            return [1] * n
        # 40 % at each end: of five times n − 2, twice that; and one each in between.
        return [2 * (n - 2)] + [1] * (n - 2) + [2 * (n - 2)]


def decayed(age, half_life):
    """2^64 halved every half life, by the table of 9.2."""
    q, r = divmod(age, half_life)
    f = (r << 64) // half_life
    w = 1 << 64
    for i in range(1, 65):
        if f >> (64 - i) & 1:
            w = w * HALVINGS[i] >> 64
    return w >> q if q < 64 else 0


def halvings():
    """C_i of 9.2, from logarithms of 100 digits; an error of one in the last is far from all of
    their integer parts."""
    with decimal.localcontext() as context:
        context.prec = 100
        ln2 = decimal.Decimal(2).ln()
        exact = {i: 2**64 * (-ln2 / 2**i).exp() for i in range(1, 65)}
    return {i: int(one) for i, one in exact.items()}


HALVINGS = halvings()


def precise_touch_credit(model, path):
    model = Model(model)
    demand(model.order is None, "PR507")
    path = TouchPath(path)
    touches = []
    for at, credit in enumerate(model.credit(path)):
        touch = {"cohort": path.cohorts[at], "credit": credit, "method": model.text, "v": 1}
        touches.append(touch | ({"at": path.at[at]} if path.at else {}))
    return jcs(touches)


# --- 9.3 Credit over all paths -----------------------------------------------------------------

# SQL's exact numbers, as text.
NUMERIC = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class Attribution:
    """What 9.6 keeps of rows: sums, and by cohort its credit and value, or by transition its
    count."""

    def __init__(self, model):
        self.model = Model(model)
        self.has_value = False
        self.conversions = self.nulls = self.value = 0
        self.entries = {}

    def add(self, path, conversions=None, nulls=None, value=None):
        conversions = 1 if conversions is None else conversions
        nulls = 0 if nulls is None else nulls
        demand(conversions >= 0 and nulls >= 0, "PR515")
        amount = 0
        if value is not None:
            demand(NUMERIC.fullmatch(value), "PR516")
            amount = scaled(Fraction(value), 9, 10**15)
            demand(amount is not None, "PR516")
            self.has_value = True
        path = TouchPath(path)
        self.conversions = demand_bits(self.conversions + conversions)
        self.nulls = demand_bits(self.nulls + nulls)
        self.value = demand_bits(self.value + amount)
        if self.model.order:
            for transition, count in transitions(self.model.order, path, conversions, nulls):
                self.entries[transition] = self.entries.get(transition, 0) + count
        else:
            for cohort, units in zip(path.cohorts, self.model.credit(path)):
                credit, worth = self.entries.get(cohort, (0, 0))
                credit = demand_bits(credit + conversions * units)
                self.entries[cohort] = credit, demand_bits(worth + amount * units)

    def merge(self, other):
        demand(self.model.text == other.model.text, "PR192")
        self.has_value |= other.has_value
        self.conversions += other.conversions
        self.nulls += other.nulls
        self.value += other.value
        for key, counted in other.entries.items():
            if self.model.order:
                self.entries[key] = self.entries.get(key, 0) + counted
            else:
                credit, worth = self.entries.get(key, (0, 0))
                self.entries[key] = credit + counted[0], worth + counted[1]

    def state(self):
        """The bytes of 9.6."""
        name = self.model.text.encode("ascii")
        state = bytes([len(name)]) + name + bytes([self.has_value])
        state += sixteen(self.conversions) + sixteen(self.nulls) + sixteen(self.value)
        entries = {}
        for key, counted in self.entries.items():
            if self.model.order:
                entries[transition_key(key)] = sixteen(counted) + sixteen(0)
            else:
                entries[key.encode("utf-8")] = sixteen(counted[0]) + sixteen(counted[1])
        for key in sorted(entries):
            state += len(key).to_bytes(4, "big") + key + entries[key]
        return state

    def credits(self):
        if self.model.order:
            effects = removal_effects(self.model.order, self.entries)
            value = self.value if self.has_value else None
            return markov_credits(self.model.text, effects, self.conversions, value)
        demand(len(self.entries) <= MOST_COHORTS, "PR906")
        listed = []
        for cohort in sorted(self.entries):
            credit, worth = map(demand_bits, self.entries[cohort])
            listed.append(credit_of(cohort, credit, self.model.text))
            if self.has_value:
                listed[-1]["value"] = decimal_text(worth, 21)
        return jcs(listed)


def credit_of(cohort, credit, method):
    return {"cohort": cohort, "credit": str(credit), "method": method, "v": 1}


def attribution_of(rows):
    """The state of these rows, or None if there are none. A NULL passes its row over."""
    rows = [row for row in rows if None not in row]
    if not rows:
        return None
    attribution = Attribution(rows[0][0])
    for model, path, *counts in rows:
        demand(model == attribution.model.text, "PR192")
        attribution.add(path, *counts)
    return attribution


def precise_attribution(rows):
    attribution = attribution_of(rows)
    return attribution.credits() if attribution else None


# --- 9.4 Markov --------------------------------------------------------------------------------


def transitions(order, path, conversions, nulls):
    """Of one path: ((from, to), count), without those to the same state and those of 0."""
    counted = {}
    state = BEGINNING
    for cohort in path.cohorts:
        following = (state + (cohort,))[-order:]
        if following != state:
            pair = state, following
            counted[pair] = counted.get(pair, 0) + conversions + nulls
        state = following
    counted[state, CONVERSION] = conversions
    counted[state, NULL] = nulls
    return [(pair, count) for pair, count in counted.items() if count]


def in_order(target):
    """Sorts where transitions go: states by their cohorts, then conversion, then null."""
    return ([CONVERSION, NULL].index(target) + 1, ()) if isinstance(target, str) else (0, target)


def transition_key(pair):
    state, target = pair
    last = {CONVERSION: b"", NULL: b"\x01"}.get(target)
    last = target[-1].encode("utf-8") if last is None else last
    return b"".join(one.encode("utf-8") + b"\n" for one in state) + b"\x00" + last


def states_of(counted):
    return sorted({one for pair in counted for one in pair if not isinstance(one, str)})


def demand_size(counted):
    demand(len(counted) <= MOST_TRANSITIONS, "PR906")
    demand(len(states_of(counted)) <= MOST_STATES, "PR906")


def removal_effects(order, counted):
    """By cohort, in binary64, every operation in the order of 9.4."""
    demand_size(counted)
    weights = {state: {} for state in states_of(counted)}
    converting = 0
    for (state, target), count in counted.items():
        weights[state][target] = float(count)
        converting += count if target == CONVERSION else 0
    cohorts = sorted({cohort for state in weights for cohort in state})
    if converting == 0:
        return {cohort: 0.0 for cohort in cohorts}
    effects = {}
    narrow(weights, cohorts, effects)
    return {cohort: effects[cohort] for cohort in cohorts}


def narrow(weights, cohorts, effects):
    """Eliminates what has none of these cohorts, half of them at a time, down to each alone."""
    if len(cohorts) == 1:
        effects[cohorts[0]] = effect_of_one(weights)
        return
    half = len(cohorts) // 2
    for part in (cohorts[:half], cohorts[half:]):
        copy = {state: dict(row) for state, row in weights.items()}
        eliminate(copy, [state for state in copy if state and not set(state) & set(part)])
        narrow(copy, part, effects)


def effect_of_one(weights):
    """Left are the beginning and the states with one cohort."""
    passing = weights[BEGINNING].pop(CONVERSION, 0.0)
    eliminate(weights, [state for state in weights if state])
    touching = weights[BEGINNING].get(CONVERSION, 0.0)
    return touching / (passing + touching) if touching else 0.0


def eliminate(weights, states):
    for state in sorted(states, reverse=True):
        row = weights.pop(state) or {NULL: 1.0}
        total = 0.0
        for target in sorted(row, key=in_order):
            total += row[target]
        for before in sorted(weights):
            weight = weights[before].pop(state, None)
            if weight is None:
                continue
            factor = weight / total
            for target, onward in row.items():
                if target != before:
                    weights[before][target] = weights[before].get(target, 0.0) + factor * onward


def markov_credits(method, effects, conversions, value=None):
    """The result of 9.4 from removal effects."""
    shares = [math.floor(Fraction(effect) * 2**62) for effect in effects.values()]
    units = largest_remainder(UNITS, shares) if any(shares) else [0] * len(shares)
    listed = []
    for (cohort, effect), part in zip(effects.items(), units):
        credit = credit_of(cohort, demand_bits(part * conversions), method)
        listed.append(credit | {"removal_effect": effect})
        if value is not None:
            listed[-1]["value"] = decimal_text(demand_bits(part * value), 21)
    return jcs(listed)


def exact_removal_effects(counted):
    """The same as fractions: 1 less the chance to convert without a cohort, by the chance to
    convert, each of them from a system of linear equations."""
    whole = chance_to_convert(counted, None)
    cohorts = sorted({cohort for state in states_of(counted) for cohort in state})
    if whole == 0:
        return {cohort: Fraction(0) for cohort in cohorts}
    return {cohort: 1 - chance_to_convert(counted, cohort) / whole for cohort in cohorts}


def chance_to_convert(counted, removed):
    """x of the beginning, where x_s = Σ_t p(s, t) · x_t, x is 1 at conversion, and 0 at null and in
    the states with the removed cohort."""
    states = [state for state in states_of(counted) if removed not in state]
    place = {state: at for at, state in enumerate(states)}
    totals = {}
    for (state, _), count in counted.items():
        totals[state] = totals.get(state, 0) + count
    # Rows of (1 − P) x = r, as sparse as the transitions are.
    rows = [{at: Fraction(1)} for at in range(len(states))]
    right = [Fraction(0)] * len(states)
    for (state, target), count in counted.items():
        if state in place and target == CONVERSION:
            right[place[state]] += Fraction(count, totals[state])
        elif state in place and target in place:
            rows[place[state]][place[target]] = -Fraction(count, totals[state])
    # Gauss, from the last state to the first, which is the beginning.
    for pivot in range(len(states) - 1, 0, -1):
        for row in range(pivot):
            factor = rows[row].pop(pivot, 0) / rows[pivot][pivot]
            if factor:
                for column, entry in rows[pivot].items():
                    if column != pivot:
                        rows[row][column] = rows[row].get(column, 0) - factor * entry
                right[row] -= factor * right[pivot]
    return right[0] / rows[0][0]


def precise_path_transitions(k, path, conversions=1, nulls=0):
    demand(1 <= k <= 3, "PR507")
    demand(conversions >= 0 and nulls >= 0, "PR515")
    found = transitions(k, TouchPath(path), conversions, nulls)
    demand(all(count <= MOST_COUNTED for _, count in found), "PR515")
    found.sort(key=lambda one: (one[0][0], in_order(one[0][1])))
    return jcs(
        [{"from": state, "k": k, "n": count, "to": target} for (state, target), count in found]
    )


def precise_markov_solve(text):
    found = read_exact(text, "PR517")
    demand(isinstance(found, list), "PR517")
    counted = {}
    for one in found:
        demand_members(one, {"from", "k", "n", "to"}, "PR517")
        # Python's true is 1 as well.
        demand(isinstance(one["k"], Fraction) and one["k"] in (1, 2, 3), "PR517")
        demand(one["k"] == found[0]["k"], "PR517")
        demand(isinstance(one["n"], Fraction) and one["n"].denominator == 1, "PR517")
        demand(0 <= one["n"] <= MOST_COUNTED, "PR515")
        pair = transition_of(one["from"], one["to"], int(one["k"]))
        counted[pair] = counted.get(pair, 0) + int(one["n"])
    if not found:
        return "[]"
    order = int(found[0]["k"])
    counted = {pair: count for pair, count in counted.items() if count}
    conversions = sum(count for (_, target), count in counted.items() if target == CONVERSION)
    effects = removal_effects(order, counted)
    return markov_credits(f"markov({order})", effects, conversions)


def transition_of(state, target, order):
    """A transition that some path makes."""
    demand(isinstance(state, list) and len(state) <= order, "PR517")
    demand(all(is_cohort(one) for one in state), "PR517")
    state = tuple(state)
    if target in (CONVERSION, NULL):
        demand(state, "PR517")
        return state, target
    demand(isinstance(target, list) and target and is_cohort(target[-1]), "PR517")
    target = tuple(target)
    demand(target == (state + target[-1:])[-order:] and target != state, "PR517")
    return state, target


# --- 9.5 Shapley -------------------------------------------------------------------------------


def read_game(text):
    """v as {set of cohorts: units of 10^-6}."""
    found = read_exact(text, "PR518")
    demand(isinstance(found, list), "PR518")
    game = {}
    for one in found:
        demand_members(one, {"cohorts", "value"}, "PR518")
        demand(isinstance(one["cohorts"], list), "PR518")
        demand(all(is_cohort(cohort) for cohort in one["cohorts"]), "PR518")
        cohorts = frozenset(one["cohorts"])
        demand(len(cohorts) == len(one["cohorts"]) and cohorts not in game, "PR518")
        game[cohorts] = scaled(one["value"], 6, 10**12)
        demand(game[cohorts] is not None, "PR518")
    demand(1 <= len(frozenset().union(*game)) <= 20, "PR518")
    return game


def shapley_values(game):
    """φ of 9.5 as fractions, by cohort. A set T is in the sum as S ∪ i for its own cohorts, and as
    S for the others; sets that are not given add nothing."""
    cohorts = sorted(frozenset().union(*game))
    n = len(cohorts)
    values = dict.fromkeys(cohorts, 0)
    for among, value in game.items():
        t = len(among)
        for cohort in cohorts:
            if cohort in among:
                values[cohort] += math.factorial(t - 1) * math.factorial(n - t) * value
            else:
                values[cohort] -= math.factorial(t) * math.factorial(n - t - 1) * value
    return {cohort: Fraction(value, math.factorial(n)) for cohort, value in values.items()}


def precise_shapley(text):
    game = read_game(text)
    exact = {cohort: value * 10**6 for cohort, value in shapley_values(game).items()}
    units = {cohort: math.floor(value) for cohort, value in exact.items()}
    total = (game.get(frozenset(exact), 0) - game.get(frozenset(), 0)) * 10**6
    by_remainder = sorted(exact, key=lambda cohort: (units[cohort] - exact[cohort], cohort))
    for cohort in by_remainder[: total - sum(units.values())]:
        units[cohort] += 1
    return jcs(
        [
            {"cohort": cohort, "method": "shapley", "v": 1, "value": decimal_text(part, 12)}
            for cohort, part in units.items()
        ]
    )


SCALARS = {
    "precise_contributions": precise_contributions,
    "precise_touch_credit": precise_touch_credit,
    "precise_path_transitions": precise_path_transitions,
    "precise_markov_solve": precise_markov_solve,
    "precise_shapley": precise_shapley,
}

FUNCTIONS = {name: null_in_null_out(function) for name, function in SCALARS.items()}
AGGREGATES = {"precise_attribution": precise_attribution}
