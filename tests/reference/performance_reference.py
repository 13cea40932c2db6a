"""SPEC.md 8.7 and 8.9: how a cohort did, with intervals; written from that page alone.

Sums are Python's integers. Where the page converts one to binary64, it says `float(…)` here; Python
rounds every operation to nearest, and evaluates from left to right, as the page does.
"""

import math

from exact_numbers import Fraction, demand_bits, read_exact, scaled, sixteen
from precise_reference import demand, jcs, null_in_null_out

Z = 1.959963984540054
Z_SQUARED = 3.8414588206941254


# --- 8.7 Confidence ----------------------------------------------------------------------------


def wilson(p, n, none, all_of_them):
    """The ends of the interval of a rate p of n, both binary64."""
    a = p + Z_SQUARED / (2.0 * n)
    b = p * (1.0 - p) / n
    c = Z_SQUARED / (4.0 * n * n)
    d = Z * math.sqrt(b + c)
    e = 1.0 + Z_SQUARED / n
    low = 0.0 if none else max((a - d) / e, 0.0)
    high = 1.0 if all_of_them else min((a + d) / e, 1.0)
    return low, high


def wilson_of(k, n):
    return wilson(float(k) / float(n), float(n), k == 0, k == n)


def precise_cohort_confidence(k, n):
    demand(1 <= n and 0 <= k <= n, "PR515")
    return wilson_of(k, n)[0]


# --- 8.9 Performance ---------------------------------------------------------------------------


class Rate:
    """k of n."""

    def __init__(self):
        self.n = self.k = 0

    def add(self, converted):
        self.n += 1
        self.k += converted

    def sums(self):
        return [self.n, self.k]

    def rate(self):
        return float(self.k) / float(self.n)

    def shown(self):
        return {"k": self.k, "n": self.n}


class Paired:
    """The six sums of two facts of the users who have both, and what comes of them."""

    def __init__(self):
        self.n = self.x = self.y = self.xx = self.xy = self.yy = 0

    def add(self, x, y):
        self.n += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.xy += x * y
        self.yy += y * y

    def sums(self):
        return [self.n, self.x, self.y, self.xx, self.xy, self.yy]

    def a(self):
        return self.n * self.xx - self.x * self.x

    def b(self):
        return self.n * self.yy - self.y * self.y

    def c(self):
        return self.n * self.xy - self.x * self.y

    def q(self):
        return self.x**2 * self.yy - 2 * self.x * self.y * self.xy + self.y**2 * self.xx


class Performance:
    def __init__(self):
        self.rows = 0
        self.members, self.withheld, self.everybody = Rate(), Rate(), Rate()
        self.spend_and_value, self.plays, self.linear_and_value = Paired(), Paired(), Paired()

    def add(self, member, text):
        facts = read_facts(text)
        self.rows += 1
        converted, holdout = facts["converted"], facts["holdout"]
        if converted is not None and not holdout:
            self.everybody.add(converted)
        if not member:
            return
        if converted is not None:
            (self.withheld if holdout else self.members).add(converted)
        if holdout:
            return
        for paired, x, y in (
            (self.spend_and_value, "spend", "value"),
            (self.plays, "starts", "completes"),
            (self.linear_and_value, "linear", "value"),
        ):
            if facts[x] is not None and facts[y] is not None:
                paired.add(facts[x], facts[y])

    def sums(self):
        listed = [self.rows]
        for part in (self.members, self.withheld, self.everybody):
            listed += part.sums()
        for part in (self.spend_and_value, self.plays, self.linear_and_value):
            listed += part.sums()
        demand(self.rows <= 2**48 and self.plays.x <= MOST_COUNTED, "PR907")
        return [demand_bits(one) for one in listed]

    def state(self):
        return b"".join(sixteen(one) for one in self.sums())

    def result(self):
        self.sums()
        has_holdout = self.members.n > 0 and self.withheld.n > 0
        return jcs(
            {
                "confidence": confidence(self.members),
                "design": "holdout" if has_holdout else "observational",
                "linear_correlation": correlation(self.linear_and_value),
                "method": "cohort-performance",
                "performance_prediction": return_on_spend(self.spend_and_value),
                "retail_propensity": propensity(self.members, self.everybody),
                "rows": self.rows,
                "streaming_engagement": engagement(self.plays),
                "uplift": uplift(self.members, self.withheld) if has_holdout else None,
                "v": 1,
            }
        )


MOST_COUNTED = 2**53 - 1


def read_facts(text):
    """Every fact by its name, amounts in units of 10^-6; None where it is left out."""
    found = read_exact(text)
    demand(isinstance(found, dict), "PR514")
    facts = {}
    for name in ("converted", "holdout"):
        facts[name] = found.get(name)
        demand(facts[name] is None or isinstance(facts[name], bool), "PR514")
    for name in ("value", "spend", "linear"):
        facts[name] = None
        if found.get(name) is not None:
            facts[name] = scaled(found[name], 6, 10**9)
            demand(facts[name] is not None, "PR514")
    for name in ("starts", "completes"):
        count = found.get(name)
        if count is not None:
            demand(isinstance(count, Fraction) and count.denominator == 1, "PR514")
            demand(0 <= count <= MOST_COUNTED, "PR514")
            count = int(count)
        facts[name] = count
    if facts["starts"] is not None and facts["completes"] is not None:
        demand(facts["completes"] <= facts["starts"], "PR514")
    return facts


def confidence(members):
    if members.n == 0:
        return None
    low, high = wilson_of(members.k, members.n)
    return members.shown() | {"high": high, "low": low, "rate": members.rate()}


def correlation(paired):
    a, b, n = float(paired.a()), float(paired.b()), paired.n
    if n < 3 or a == 0 or b == 0:
        return None
    r = within_one(float(paired.c()) / math.sqrt(a * b))
    low = high = None
    if n >= 4 and abs(r) != 1.0:
        t = tanh(Z / math.sqrt(float(n - 3)))
        low = within_one((r - t) / (1.0 - r * t))
        high = within_one((r + t) / (1.0 + r * t))
    return {"high": high, "low": low, "n": n, "r": r}


def within_one(number):
    return max(-1.0, min(number, 1.0))


def tanh(c):
    level = 63.0
    for odd in range(61, 0, -2):
        level = float(odd) + c * c / level
    return c / level


def return_on_spend(paired):
    n, x, y, q = paired.n, float(paired.x), float(paired.y), float(paired.q())
    if not x > 0:
        return None
    ratio = y / x
    low = high = None
    if n >= 2 and q != 0 and not Z_SQUARED * float(paired.a()) / float(n - 1) >= x * x:
        half = Z * (math.sqrt(q * float(n) / float(n - 1)) / (x * x))
        low, high = ratio - half, ratio + half
    return {"high": high, "low": low, "n": n, "ratio": ratio}


SMALLEST_WEIGHT = 2.0**-80


def propensity(members, everybody):
    n, k = members.n, members.k
    if n == 0 or everybody.n == n:
        return None
    p = everybody.rate()
    mode = min(math.floor(float(n + 1) * p), n)
    below = whole = 0.0
    for j, weight in weights_from(mode, n, p):
        whole += weight
        if j <= k:
            below += weight / 2.0 if j == k else weight
    return members.shown() | {"all": everybody.shown(), "percentile": below / whole}


def weights_from(mode, n, p):
    """(j, t_j): the mode, those above, those below."""
    yield mode, 1.0
    j, weight = mode, 1.0
    while j < n:
        weight = weight * (float(n - j) / float(j + 1)) * (p / (1.0 - p))
        if weight < SMALLEST_WEIGHT:
            break
        j += 1
        yield j, weight
    j, weight = mode, 1.0
    while j > 0:
        weight = weight * (float(j) / float(n - j + 1)) * ((1.0 - p) / p)
        if weight < SMALLEST_WEIGHT:
            break
        j -= 1
        yield j, weight


def engagement(paired):
    if paired.x == 0:
        return None
    n, x, y, q = float(paired.n), float(paired.x), float(paired.y), float(paired.q())
    trials = x * x / float(paired.xx)
    if q != 0:
        between = y * float(paired.x - paired.y) * (x * x) * float(paired.n - 1) / (q * n)
        trials = min(trials, between)
    low, high = wilson(y / x, trials, paired.y == 0, paired.y == paired.x)
    shown = {"completes": paired.y, "starts": paired.x}
    return shown | {"high": high, "low": low, "n": paired.n, "rate": y / x}


def uplift(treated, control):
    """Newcombe's interval of the difference, and Donner and Zou's of the ratio less 1."""
    p1, p2 = treated.rate(), control.rate()
    (l1, h1), (l2, h2) = wilson_of(treated.k, treated.n), wilson_of(control.k, control.n)
    d = p1 - p2
    low = d - math.sqrt((p1 - l1) * (p1 - l1) + (h2 - p2) * (h2 - p2))
    high = d + math.sqrt((h1 - p1) * (h1 - p1) + (p2 - l2) * (p2 - l2))
    relative = None
    if control.k > 0:
        m = p1 * p2
        a = l1 * (2.0 * p1 - l1)
        b = h2 * (2.0 * p2 - h2)
        c = h1 * (2.0 * p1 - h1)
        e = l2 * (2.0 * p2 - l2)
        relative = {
            "difference": d / p2,
            "high": (m + math.sqrt(max(m * m - c * e, 0.0))) / e - 1.0,
            "low": -1.0 if a == 0 else a / (m + math.sqrt(max(m * m - a * b, 0.0))) - 1.0,
        }
    return {
        "control": control.shown(),
        "difference": d,
        "high": high,
        "low": low,
        "relative": relative,
        "treated": treated.shown(),
    }


def performance_of(rows):
    """The sums of these rows, or None if there are none; rows with a NULL are passed over."""
    rows = [row for row in rows if None not in row]
    if not rows:
        return None
    performance = Performance()
    for member, facts in rows:
        performance.add(member, facts)
    return performance


def precise_cohort_performance(rows):
    performance = performance_of(rows)
    return performance.result() if performance else None


FUNCTIONS = {"precise_cohort_confidence": null_in_null_out(precise_cohort_confidence)}
AGGREGATES = {"precise_cohort_performance": precise_cohort_performance}
