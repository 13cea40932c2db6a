"""Section 10 of SPEC.md, royalty: slow, readable, and written from that page alone.

Money is a Python integer in units of 10^-24 of its currency; payments are integers of minor units.
"""

import functools
import hashlib
import json
import re

import blake3

from attribution_reference import precise_contributions
from exact_numbers import Fraction, decimal_text, read_exact, scaled
from precise_reference import (
    MOST_EXACT,
    Policy,
    Refused,
    demand,
    demand_length,
    demand_members,
    entry,
    hash_of_hex,
    hex_text,
    is_integer,
    is_logged,
    jcs,
    log_proof,
    null_in_null_out,
    proof_hash,
    read_document,
    split,
    without_nulls,
)

DECIMALS = 24
# What DECIMAL(38,24) holds, in units.
LIMIT = 10**38
WHOLE_RATE = 10**6
MOST_ENTRIES = 2**20
# Amounts and sums of the sum tree are below this, in minor units.
SUM_LIMIT = 2**120

CURRENCY = re.compile("[A-Z]{3}")
PERIOD = re.compile("([0-9]{4})-(0[1-9]|1[0-2])")


def demand_amount(units):
    demand(abs(units) < LIMIT, "PR907")
    return units


def money(units):
    return decimal_text(units, DECIMALS)


# --- 10.1 Accrual ------------------------------------------------------------------------------


def precise_royalty(rows):
    """None for no rows. A NULL passes its row over."""
    rows = without_nulls(rows)
    if not rows:
        return None
    sums = {}
    for row in rows:
        for key, units in accrued(*row).items():
            before, events = sums.get(key, (0, 0))
            sums[key] = demand_amount(before + units), events + 1
        demand(len(sums) <= MOST_ENTRIES, "PR906")
    return jcs(
        [
            {
                "accrued": money(units),
                "contributor": contributor,
                "currency": currency,
                "events": events,
                "method": "royalty",
                "v": 1,
            }
            for (currency, contributor), (units, events) in sorted(sums.items(), key=bytewise)
        ]
    )


def bytewise(item):
    return [text.encode("utf-8") for text in item[0]]


# Rows repeat in tests, and reading one takes a while.
@functools.lru_cache(maxsize=10_000)
def accrued(event, rate, policy):
    """What one event makes due, in units, by currency and contributor."""
    demand(0 <= rate <= WHOLE_RATE, "PR604")
    listed = json.loads(precise_contributions(event, policy))
    if not listed or read_exact(event).get("event_type") != "impression":
        return {}
    due = {}
    for one in listed:
        demand(one["amount"] is not None, "PR603")
        demand(one["currency"] is not None, "PR602")
        exact = Fraction(one["amount"]) * Fraction(rate, WHOLE_RATE) * 10**DECIMALS
        # 9 decimals of a price, 3 of the thousandth, 6 of a weight, 6 of a rate.
        assert exact.denominator == 1
        key = one["currency"], one["contributor"]
        due[key] = due.get(key, 0) + exact.numerator
    return due


# --- 10.2 Settlement ---------------------------------------------------------------------------


def precise_settle(accruals, minor_digits):
    demand(minor_digits in (0, 2, 3), "PR607")
    listed = read_exact(accruals, "PR605")
    demand(isinstance(listed, list) and listed, "PR605")
    currencies, balances = set(), {}
    for one in listed:
        demand(isinstance(one, dict), "PR605")
        contributor, currency = one.get("contributor"), one.get("currency")
        demand(isinstance(contributor, str) and contributor, "PR605")
        demand(isinstance(currency, str) and CURRENCY.fullmatch(currency), "PR605")
        units = scaled(one.get("accrued"), DECIMALS, 10**14)
        demand(units is not None, "PR605")
        currencies.add(currency)
        balances[contributor] = demand_amount(balances.get(contributor, 0) + units)
    demand(len(currencies) == 1, "PR606")
    return jcs(settlement(currencies.pop(), balances, minor_digits))


def settlement(currency, balances, minor_digits):
    parts = payments(balances, minor_digits)
    minor = 10 ** (DECIMALS - minor_digits)
    return {
        "currency": currency,
        "lines": [
            {
                "amount": minor_text(parts[contributor], minor_digits),
                "carried": money(balances[contributor] - minor * parts[contributor]),
                "contributor": contributor,
            }
            for contributor in in_bytes(balances)
        ],
        "method": "settlement",
        "minor_digits": minor_digits,
        "total": minor_text(sum(parts.values()), minor_digits),
        "v": 1,
    }


def payments(balances, minor_digits):
    """Minor units for each contributor, by the rules of 10.2."""
    minor = 10 ** (DECIMALS - minor_digits)
    parts = dict.fromkeys(balances, 0)
    paid = [contributor for contributor in in_bytes(balances) if balances[contributor] >= 0]
    total = demand_amount(sum(balances[contributor] for contributor in paid)) // minor
    for contributor in paid:
        parts[contributor] = balances[contributor] // minor
    # Sorting keeps the order of equal ones.
    by_remainder = sorted(paid, key=lambda contributor: -(balances[contributor] % minor))
    for contributor in by_remainder[: total - sum(parts.values())]:
        parts[contributor] += 1
    return parts


def in_bytes(contributors):
    return sorted(contributors, key=lambda contributor: contributor.encode("utf-8"))


def minor_text(units, minor_digits):
    whole, part = divmod(units, 10**minor_digits)
    return f"{whole}.{part:0{minor_digits}}" if minor_digits else str(whole)


# --- 10.3 Statement ----------------------------------------------------------------------------

SETTLEMENT = {"currency", "lines", "method", "minor_digits", "total", "v"}
STATEMENT = SETTLEMENT | {"count", "period", "sum_root"}
HEAD = STATEMENT - {"lines"}
LINE = {"amount", "carried", "contributor"}


def precise_statement(text, period, key):
    demand_length(key, "PR304")
    found = read_document(text, "PR609")
    demand_members(found, SETTLEMENT, "PR609")
    demand_settlement(found)
    demand(is_period(period), "PR609")
    nodes = leaves_of(found, key)
    return jcs(
        found
        | {"count": len(nodes), "period": period, "sum_root": hex_text(sum_tree(nodes)[1])}
    )


def is_period(text):
    found = PERIOD.fullmatch(text) if isinstance(text, str) else None
    return bool(found) and found[1] != "0000"


def demand_settlement(found):
    """Demands a settlement, or what a statement has of one."""
    demand_terms(found)
    lines, digits = found["lines"], found["minor_digits"]
    demand(isinstance(lines, list) and lines, "PR609")
    for line in lines:
        demand_line(line, digits)
    minor = 10 ** (DECIMALS - digits)
    balances = {
        line["contributor"]: minor_units(line["amount"], digits) * minor
        + scaled(line["carried"], DECIMALS, 10**14)
        for line in lines
    }
    demand(all(abs(units) < LIMIT for units in balances.values()), "PR609")
    demand(sum(units for units in balances.values() if units > 0) < LIMIT, "PR609")
    # Settled once more, it is itself: so its lines are sorted and distinct, too.
    again = settlement(found["currency"], balances, digits)
    demand(all(found[name] == again[name] for name in SETTLEMENT), "PR609")


def demand_terms(found):
    demand(found["method"] == "settlement" and is_integer(found["v"], 1, 1), "PR609")
    # Not `in`: in Python true is 1, but no number here.
    demand(any(is_integer(found["minor_digits"], one, one) for one in (0, 2, 3)), "PR609")
    currency = found["currency"]
    demand(isinstance(currency, str) and CURRENCY.fullmatch(currency), "PR609")
    minor_units(found["total"], found["minor_digits"])


def demand_line(line, minor_digits):
    demand_members(line, LINE, "PR609")
    demand(isinstance(line["contributor"], str) and line["contributor"], "PR609")
    minor_units(line["amount"], minor_digits)
    carried = line["carried"]
    units = scaled(carried, DECIMALS, 10**14) if isinstance(carried, str) else None
    demand(units is not None and money(units) == carried, "PR609")


def minor_units(text, minor_digits):
    """An amount with all its minor digits, as an integer of them."""
    point = f"[.][0-9]{{{minor_digits}}}" if minor_digits else ""
    demand(isinstance(text, str) and re.fullmatch(f"(0|[1-9][0-9]*){point}", text), "PR609")
    units = int(text.replace(".", ""))
    demand(units < SUM_LIMIT, "PR609")
    return units


def salt_of(contributor, key):
    return blake3.blake3(contributor.encode("utf-8"), key=key).digest()


def leaves_of(found, key):
    """The leaves of the sum tree, each with its sum."""
    return [
        sum_leaf(line, salt_of(line["contributor"], key), found["minor_digits"])
        for line in found["lines"]
    ]


def sum_leaf(line, salt, minor_digits):
    amount = minor_units(line["amount"], minor_digits)
    hidden = hashlib.sha256(salt + jcs(line).encode("utf-8")).digest()
    return amount, hashlib.sha256(b"\x10" + hidden + wide(amount)).digest()


def sum_node(left, right):
    """Of two nodes, each a sum and a hash."""
    hashed = b"\x11" + wide(left[0]) + left[1] + wide(right[0]) + right[1]
    return left[0] + right[0], hashlib.sha256(hashed).digest()


def wide(amount):
    return amount.to_bytes(16, "big")


def sum_tree(nodes):
    if len(nodes) == 1:
        return nodes[0]
    k = split(len(nodes))
    return sum_node(sum_tree(nodes[:k]), sum_tree(nodes[k:]))


def sum_path(index, nodes):
    """The siblings from the leaf up."""
    if len(nodes) == 1:
        return []
    k = split(len(nodes))
    if index < k:
        return sum_path(index, nodes[:k]) + [sum_tree(nodes[k:])]
    return sum_path(index - k, nodes[k:]) + [sum_tree(nodes[:k])]


# --- 10.4 Statement line -----------------------------------------------------------------------


def precise_statement_line(text, contributor, key):
    demand_length(key, "PR304")
    found = read_statement(text)
    nodes = leaves_of(found, key)
    demand(hex_text(sum_tree(nodes)[1]) == found["sum_root"], "PR609")
    contributors = [line["contributor"] for line in found["lines"]]
    demand(contributor in contributors, "PR610")
    index = contributors.index(contributor)
    digits = found["minor_digits"]
    return jcs(
        {
            "head": head_of(found),
            "index": index,
            "line": found["lines"][index],
            "path": [
                {"hash": hex_text(value), "sum": minor_text(amount, digits)}
                for amount, value in sum_path(index, nodes)
            ],
            "salt": hex_text(salt_of(contributor, key)),
            "v": 1,
        }
    )


def read_statement(text):
    found = read_document(text, "PR609")
    demand_members(found, STATEMENT, "PR609")
    demand_settlement(found)
    demand_head(found)
    demand(found["count"] == len(found["lines"]), "PR609")
    return found


def head_of(found):
    return {name: found[name] for name in HEAD}


def demand_head(found):
    """What a statement has that a settlement has not."""
    demand(is_integer(found["count"], 1, MOST_EXACT), "PR609")
    demand(is_period(found["period"]), "PR609")
    hash_of_hex(found["sum_root"], "PR609")


def statement_hash(head):
    return proof_hash(jcs(head).encode("utf-8"))


STEPS = ("line", "sum", "entry", "log", "checkpoint")


def precise_verify_statement_line(text, policy=None):
    """The verdict without its details, which are words."""
    steps = steps_of(text, policy)
    failed = next((name for name in STEPS if steps[name] is False), None)
    listed = [{"name": name, "ok": steps[name]} for name in STEPS]
    return jcs({"failed": failed, "steps": listed, "verdict": failed is None})


def steps_of(text, policy):
    """Whether each step holds, None where it was not taken."""
    steps = dict.fromkeys(STEPS)
    try:
        found = read_line(text)
    except Refused:
        return steps | {"line": False}
    steps["line"] = True
    if not adds_up(found):
        return steps | {"sum": False}
    steps["sum"] = True
    if policy is None:
        return steps
    logged = found.get("entry", "").encode("utf-8")
    try:
        members = entry(logged)
        demand(members["kind"] == "settlement", "PR407")
        demand(members["statement_hash"] == hex_text(statement_hash(found["head"])), "PR407")
    except Refused:
        return steps | {"entry": False}
    steps |= {"entry": True, "log": is_logged(logged, found["tlog_proof"])}
    if steps["log"] is False:
        return steps
    try:
        Policy(policy).open(log_proof(found["tlog_proof"])[2].encode("utf-8"))
    except Refused:
        return steps | {"checkpoint": False}
    return steps | {"checkpoint": True}


def read_line(text):
    """A statement line, of the right shape."""
    found = read_document(text, "PR609")
    logged = set(found) & {"entry", "tlog_proof"}
    demand_members(found, {"head", "index", "line", "path", "salt", "v"} | logged, "PR609")
    demand(len(logged) != 1 and all(isinstance(found[name], str) for name in logged), "PR609")
    head = found["head"]
    demand_members(head, HEAD, "PR609")
    demand_terms(head)
    demand_head(head)
    demand_line(found["line"], head["minor_digits"])
    demand(is_integer(found["v"], 1, 1), "PR609")
    demand(is_integer(found["index"], 0, MOST_EXACT), "PR609")
    demand(isinstance(found["path"], list), "PR609")
    for sibling in found["path"]:
        demand_members(sibling, {"hash", "sum"}, "PR609")
        hash_of_hex(sibling["hash"], "PR609")
        minor_units(sibling["sum"], head["minor_digits"])
    hash_of_hex(found["salt"], "PR609")
    return found


def adds_up(found):
    """RFC 9162 2.1.3.2 with sums."""
    head, digits = found["head"], found["head"]["minor_digits"]
    if found["index"] >= head["count"]:
        return False
    fn, sn = found["index"], head["count"] - 1
    r = sum_leaf(found["line"], hash_of_hex(found["salt"]), digits)
    for sibling in found["path"]:
        p = minor_units(sibling["sum"], digits), hash_of_hex(sibling["hash"])
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sum_node(p, r)
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            r = sum_node(r, p)
        if r[0] >= SUM_LIMIT:
            return False
        fn >>= 1
        sn >>= 1
    total = minor_units(head["total"], digits)
    return sn == 0 and r == (total, hash_of_hex(head["sum_root"]))


# --- 10.5 Ledger -------------------------------------------------------------------------------

ENTRY_CONTEXT = "precise 2026 ledger entry v1"
VOID_CONTEXT = "precise 2026 ledger void v1"


def ledger_id(context, value, contributor, signal_type):
    demand_length(value)
    demand(contributor and signal_type, "PR510")
    named = jcs([hex_text(value), contributor, signal_type]).encode("utf-8")
    return blake3.blake3(named, derive_key_context=context).digest()


def precise_ledger_entry_id(value, contributor, signal_type):
    return ledger_id(ENTRY_CONTEXT, value, contributor, signal_type)


def precise_ledger_void_id(value, contributor, signal_type):
    return ledger_id(VOID_CONTEXT, value, contributor, signal_type)


SCALARS = {
    "precise_settle": precise_settle,
    "precise_statement": precise_statement,
    "precise_statement_line": precise_statement_line,
    "precise_verify_statement_line": precise_verify_statement_line,
    "precise_ledger_entry_id": precise_ledger_entry_id,
    "precise_ledger_void_id": precise_ledger_void_id,
}

FUNCTIONS = {name: null_in_null_out(function) for name, function in SCALARS.items()}
AGGREGATES = {"precise_royalty": precise_royalty}
