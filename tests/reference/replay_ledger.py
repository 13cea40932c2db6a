"""Replays a ledger (SPEC.md section 10.5) from its lines alone, and believes none of them.

    replay_ledger.py FILE…

A file has one JSON object a line; `-` is the standard input, and of several files one goes on where
the one before ended:

    {"transaction":{…}}   in order of their numbers, from 1
    {"entry":{…}}         the entries of the transaction above, in any order
    {"statement":{…}}     of the settlement above, exactly one

A statement's line may have `"key":"0x…"`, and then its `sum_root` is computed, and
`"batch_roots":["0x…"]`, and then those of its batch are, cut into parts as section 3 says. What is
wrong first is printed. The last line counts the lines that were right.
"""

import json
import pathlib
import sys

import precise_reference as reference
import royalty_reference as royalty
from exact_numbers import scaled

NO_HASH = reference.hex_text(bytes(32))
TRANSACTION = {"at", "count", "entries_root", "kind", "number", "postings", "previous"}
ENTRY = {
    "amount",
    "campaign",
    "contributor",
    "currency",
    "id",
    "late",
    "period",
    "proof_hash",
    "rate_ppm",
    "signal_type",
}
ACCOUNTS = ("contributor", "campaign", "carry", "payable")


def main(arguments):
    if not arguments:
        print("usage: replay_ledger.py FILE…", file=sys.stderr)
        return 2
    ledger, passed = Replay(), 0
    try:
        for name in arguments:
            file = sys.stdin.buffer if name == "-" else pathlib.Path(name).open("rb")
            with file:
                for number, line in enumerate(file, 1):
                    ledger.read(line.rstrip(b"\n"))
                    passed += 1
        ledger.finish()
    except Broken as fault:
        print(f"{name}, line {number}: {fault}" if passed else f"{name}: {fault}")
        print(f"{passed} passed, 1 failed")
        return 1
    print(ledger.summary())
    print(f"{passed} passed, {0 if passed else 1} failed")
    return 0 if passed else 1


class Broken(Exception):
    """What is wrong with a ledger."""


def see(holds, what):
    if not holds:
        raise Broken(what)


class Replay:
    """What the lines that were read add up to. Amounts are integers in units of 10^-24."""

    def __init__(self):
        self.number, self.previous = 0, NO_HASH
        # The transaction that is being read, its entries, and its statement.
        self.transaction, self.entries, self.statement = None, [], None
        # Every accrual by (proof hash, contributor, signal type), and every id.
        self.accruals, self.ids = {}, set()
        # Ids by (currency, period).
        self.booked, self.settled = {}, set()
        # By (account, contributor or campaign, currency), and what of it is of which period.
        self.balances, self.of_period = {}, {}
        self.accrued = {}
        self.count = dict.fromkeys(("transactions", "entries", "statements"), 0)

    def read(self, line):
        found = self.members_of(line)
        if set(found) == {"transaction"}:
            self.close()
            self.open(found["transaction"])
        elif set(found) == {"entry"}:
            see(self.transaction, "an entry stands before all transactions")
            self.entries.append(found["entry"])
            self.count["entries"] += 1
        else:
            names = {"statement"} | set(found) & {"key", "batch_roots"}
            see(set(found) == names, f"no line has the members {sorted(found)}")
            see(self.transaction and self.statement is None, "it is the statement of nothing")
            self.statement = found
            self.count["statements"] += 1

    @staticmethod
    def members_of(line):
        try:
            found = json.loads(reference.canonical(line))
        except reference.Refused as fault:
            raise Broken(f"the line is no JSON: {fault}") from None
        see(isinstance(found, dict), "the line is no object")
        return found

    def finish(self):
        """After the last line: closes what is open, and sums up."""
        self.close()
        see(self.number, "there are no transactions")
        paid_and_kept = {}
        for (account, _, currency), units in self.balances.items():
            if account != "campaign":
                paid_and_kept[currency] = paid_and_kept.get(currency, 0) + units
        for currency in self.accrued | paid_and_kept:
            accrued, kept = self.accrued.get(currency, 0), paid_and_kept.get(currency, 0)
            see(accrued == kept, f"{accrued} {currency} were accrued, and {kept} are accounted for")

    def summary(self):
        counted = ", ".join(f"{count} {what}" for what, count in self.count.items())
        return f"{counted}; the last transaction is {self.previous}"

    def open(self, transaction):
        see_members(transaction, TRANSACTION, "a transaction")
        number = transaction["number"]
        see(type(number) is int and number == self.number + 1, f"number {number} is out of order")
        previous = transaction["previous"]
        see(previous == self.previous, f"previous is {previous}, and not {self.previous}")
        see(reference.is_time(transaction["at"]), "at is no time")
        see(transaction["kind"] in ("accrual", "void", "settlement"), "kind is none of the three")
        self.number += 1
        self.previous = proof_hash_of(transaction)
        self.transaction = transaction
        self.count["transactions"] += 1

    def close(self):
        """Checks the transaction above, now that everything of it was read."""
        if self.transaction is None:
            return
        transaction, entries, statement = self.transaction, self.entries, self.statement
        self.transaction, self.entries, self.statement = None, [], None
        postings = read_postings(transaction["postings"])
        count = transaction["count"]
        see(type(count) is int and count == len(entries), f"count is not {len(entries)}")
        root = NO_HASH
        if entries:
            hashes = [reference.hash_of_hex(proof_hash_of(entry)) for entry in entries]
            root = reference.hex_text(reference.root(hashes))
        see(transaction["entries_root"] == root, f"entries_root is not {root}")
        if transaction["kind"] == "settlement":
            see(not entries, "a settlement has entries")
            see(statement, "a settlement has no statement")
            self.settle(postings, transaction["at"][:7], **statement)
        else:
            see(entries and statement is None, "no entries, or a statement of no settlement")
            self.book(entries, postings, transaction["kind"], transaction["at"][:7])
        for (account, whose, currency, period), units in postings.items():
            add(self.balances, (account, whose, currency), units)
            add(self.of_period, (account, whose, currency, period), units)

    def book(self, entries, postings, kind, month):
        expected = {}
        for entry in entries:
            units = self.book_entry(entry, kind, month)
            currency, period = entry["currency"], entry["period"]
            add(self.accrued, currency, units)
            add(expected, ("contributor", entry["contributor"], currency, period), units)
            add(expected, ("campaign", entry["campaign"], currency, period), -units)
        see(without_zeros(postings) == without_zeros(expected), "postings are not its entries'")

    def book_entry(self, entry, kind, month):
        see_members(entry, ENTRY, "an entry")
        for name in ("contributor", "signal_type"):
            see(isinstance(entry[name], str) and entry[name], f"{name} is empty")
        see(isinstance(entry["campaign"], str), "campaign is no string")
        see_currency(entry["currency"])
        see(royalty.is_period(entry["period"]), "period is no month")
        see(isinstance(entry["late"], bool), "late is no truth value")
        rate = entry["rate_ppm"]
        see(type(rate) is int and 0 <= rate <= royalty.WHOLE_RATE, "rate_ppm is out of range")
        units = units_of(entry["amount"])
        self.see_id(entry, kind)
        named = entry["proof_hash"], entry["contributor"], entry["signal_type"]
        if kind == "accrual":
            see(units >= 0, "an accrual is below 0")
            self.accruals[named] = entry
        else:
            accrual = self.accruals.get(named)
            see(accrual, f"{named} is taken back, and was never accrued")
            see(units == -units_of(accrual["amount"]), "it is not what was accrued, negated")
            for name in ("campaign", "currency", "rate_ppm"):
                see(entry[name] == accrual[name], f"{name} is not that of what it takes back")
            late = (accrual["currency"], accrual["period"]) in self.settled
            see(entry["late"] == late, f"whether it is late is {entry['late']}")
            see(late or entry["period"] == accrual["period"], "it takes back in another period")
        key = entry["currency"], entry["period"]
        see(key not in self.settled, f"{key} is settled already")
        see(not entry["late"] or entry["period"] == month, "it is late, and not of this month")
        self.booked.setdefault(key, []).append(reference.hash_of_hex(entry["id"]))
        return units

    def see_id(self, entry, kind):
        value = hash_of(entry["proof_hash"])
        context = royalty.ENTRY_CONTEXT if kind == "accrual" else royalty.VOID_CONTEXT
        named = value, entry["contributor"], entry["signal_type"]
        expected = reference.hex_text(royalty.ledger_id(context, *named))
        see(entry["id"] == expected, f"the id is {entry['id']}, and not {expected}")
        see(expected not in self.ids, f"{expected} is in the ledger already")
        self.ids.add(expected)

    def settle(self, postings, month, statement, key=None, batch_roots=None):
        try:
            royalty.read_statement(json.dumps(statement).encode("utf-8"))
        except reference.Refused:
            raise Broken("the statement is none, or its lines are no settlement") from None
        currency, period = statement["currency"], statement["period"]
        see((currency, period) not in self.settled, f"{period} is settled twice in {currency}")
        see(period < month, f"{period} is not over")
        earlier = [
            one
            for one in self.booked
            if one[0] == currency and one[1] < period and one not in self.settled
        ]
        see(not earlier, f"{earlier} are not settled, and earlier than {period}")
        self.settled.add((currency, period))
        self.see_lines(postings, statement)
        if key is not None:
            nodes = royalty.leaves_of(statement, hash_of(key))
            root = reference.hex_text(royalty.sum_tree(nodes)[1])
            see(statement["sum_root"] == root, f"sum_root is not {root}")
        if batch_roots is not None:
            booked = self.booked.get((currency, period), [])
            see(booked, "a batch has no entries")
            roots = [reference.hex_text(reference.root(one)) for _, one in reference.parts(booked)]
            see(batch_roots == roots, f"batch_roots are not {roots}")

    def see_lines(self, postings, statement):
        """Whether the lines settle what was owed, and the postings are theirs."""
        currency, period = statement["currency"], statement["period"]
        digits = statement["minor_digits"]
        owed, carried = {}, {}
        for (account, whose, among, when), units in self.of_period.items():
            if (account, among, when) == ("contributor", currency, period):
                add(owed, whose, units)
        for (account, whose, among), units in self.balances.items():
            if (account, among) == ("carry", currency):
                carried[whose] = units
        balances = dict(owed)
        for whose, units in carried.items():
            add(balances, whose, units)
        # Who is owed nothing may have a line or none.
        for line in statement["lines"]:
            balances.setdefault(line["contributor"], 0)
        named = {line["contributor"] for line in statement["lines"]}
        balances = {whose: units for whose, units in balances.items() if units or whose in named}
        expected = royalty.settlement(currency, balances, digits)
        for name in royalty.SETTLEMENT:
            see(statement[name] == expected[name], f"{name} of the statement is {statement[name]}")
        posted = {}
        for whose, units in owed.items():
            add(posted, ("contributor", whose), -units)
        for line in expected["lines"]:
            whose = line["contributor"]
            minor = royalty.minor_units(line["amount"], digits)
            add(posted, ("payable", whose), minor * 10 ** (royalty.DECIMALS - digits))
            add(posted, ("carry", whose), units_of(line["carried"]) - carried.get(whose, 0))
        found = {}
        for (account, whose, among, when), units in postings.items():
            see(among == currency, f"a posting in {among} settles {currency}")
            see(account != "contributor" or when == period, f"a posting of {when} settles {period}")
            add(found, (account, whose), units)
        see(without_zeros(found) == without_zeros(posted), "postings are not the statement's")


def read_postings(listed):
    """By (account, contributor or campaign, currency, period)."""
    see(isinstance(listed, list) and listed, "there are no postings")
    for posting in listed:
        see(isinstance(posting, list) and len(posting) == 4, f"{posting} is no posting")
        see(all(isinstance(one, str) for one in posting), f"{posting} is no posting")
    places = [tuple(one.encode("utf-8") for one in posting[:3]) for posting in listed]
    see(places == sorted(set(places)), "postings are not sorted, or two are of the same")
    postings, sums = {}, {}
    for name, currency, period, amount in listed:
        account, slash, whose = name.partition("/")
        see(account in ACCOUNTS and slash, f"there is no account {name}")
        see_currency(currency)
        see(royalty.is_period(period), f"{period} is no month")
        units = units_of(amount)
        postings[account, whose, currency, period] = units
        add(sums, currency, units)
    for currency, units in sums.items():
        see(units == 0, f"postings sum to {units} units of {currency}")
    return postings


def see_members(found, names, what):
    see(isinstance(found, dict) and set(found) == names, f"{what} has other members")


def see_currency(text):
    see(isinstance(text, str) and royalty.CURRENCY.fullmatch(text), f"{text} is no currency")


def units_of(text):
    units = scaled(text, royalty.DECIMALS, 10**14) if isinstance(text, str) else None
    see(units is not None and royalty.money(units) == text, f"{text!r} is no amount")
    return units


def hash_of(text):
    try:
        return reference.hash_of_hex(text)
    except reference.Refused:
        raise Broken(f"{text!r} is no hash") from None


def proof_hash_of(document):
    return reference.hex_text(reference.proof_hash(reference.jcs(document).encode("utf-8")))


def add(sums, key, units):
    sums[key] = sums.get(key, 0) + units


def without_zeros(sums):
    return {key: units for key, units in sums.items() if units}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
