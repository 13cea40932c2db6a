"""Compares the precise binary with the reference on random cells, the typed rows of SPEC.md 1.5.

    check_cells.py --precise PATH [--count 10000] [--seed 1]
    check_cells.py --self [--count 10000] [--seed 1]

The first mints one file of random cells, one document a line, about half of them valid, and
demands of every line the bytes, hash, id and size of the reference, or one of the refusals that
the row deserves. Some of the documents are given to `canonical --cells` as well. The second holds
the reference itself against Python's own decimal, datetime and base64 on the same lines.
"""

import base64
import binascii
import datetime
import decimal
import fractions
import json
import math
import random
import struct
import subprocess
import sys
import uuid

import check_generated
import precise_reference as reference

# Each of these starts the binary once.
MOST_ALONE = 200

# The page says which path these faults have; the others have one that is the binary's choice.
PLACED = {"PR106", "PR116", "PR117", "PR119", "PR201", "PR202"}


def main(arguments):
    options = check_generated.parse(arguments, __doc__)
    lines = generated(options.count, options.seed)
    # Python's own arithmetic is not made for the extremes.
    lines += [] if options.self else extremes()
    verdicts = [verdict_on(line) for line in lines]
    check_generated.print_summary(verdicts)
    if options.self:
        problems = [problem_outside(*pair) for pair in zip(lines, verdicts)]
        return check_generated.report(lines, problems)
    problems = check_generated.problems_of_binary(options.precise, lines, verdicts, "cells")
    alone = spread(list(zip(lines, verdicts)), MOST_ALONE)
    problems += [problem_alone(options.precise, *pair) for pair in alone]
    named = lines + [b"(the whole file)"] + [b"canonical --cells: " + line for line, _ in alone]
    return check_generated.report(named, problems)


def verdict_on(line):
    """The canonical form, or the RowRefused with the faults that may be reported."""
    try:
        return reference.canonical_of_cells(line)
    except reference.RowRefused as fault:
        return reference.RowRefused(
            [(code, path if code in PLACED else None) for code, path in fault.faults]
        )
    except reference.Refused as fault:
        # Refused as a JSON text. Its path would be one of the cells, and 1.4 speaks of columns.
        return reference.RowRefused([(fault.code, None)])


def spread(pairs, most):
    return pairs[:: max(1, len(pairs) // most)][:most]


def problem_alone(binary, line, verdict):
    command = [binary, "canonical", "--cells", "--json", "-"]
    done = subprocess.run(command, input=line, capture_output=True, check=False)
    if isinstance(verdict, bytes):
        if (done.returncode, done.stdout) == (0, verdict):
            return None
        return f"reference {verdict}\n    precise   {done}"
    try:
        code = json.loads(done.stdout + done.stderr)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    if done.returncode != 0 and code in {code for code, _ in verdict.faults}:
        return None
    return f"reference {verdict.faults}\n    precise   {done}"


# --- The reference against outsiders -----------------------------------------------------------


def problem_outside(line, verdict):
    if not isinstance(verdict, bytes):
        return None
    try:
        assert reference.canonical(verdict) == verdict, "the form is not its own form"
        reference.judge(verdict)
        found = json.loads(verdict, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
        demand_cells(json.loads(line), found, str_folded)
    except AssertionError as fault:
        return f"{fault}: {verdict!r}"
    return None


def str_folded(name):
    return "".join(letter.lower() if "A" <= letter <= "Z" else letter for letter in name)


def demand_cells(cells, found, key_of):
    assert len(cells) == len(found), "another number of members than cells"
    for name, kind, value in cells:
        demand_value(kind, value, found[key_of(name)])


def demand_value(kind, value, found):
    if value is None:
        assert found is None, "null became something else"
    elif kind.endswith("[]"):
        assert len(value) == len(found), "another number of elements"
        for one, element in zip(value, found):
            demand_value(kind[:-2], one, element)
    elif kind == "struct":
        demand_cells(value, found, str_folded)
    elif kind == "map":
        demand_cells(value, found, str)
    else:
        assert OUTSIDE[kind](value, found), f"{kind} {value!r} became {found!r}"


def same_decimal(value, found):
    # Python would choke on zero with an exponent that has no end.
    if not value.lower().partition("e")[0].strip("+-0."):
        return found == 0 and isinstance(found, decimal.Decimal)
    exact = decimal.Decimal(value)
    whole = exact == exact.to_integral_value() and abs(exact) < 2**53
    digits = len("".join(map(str, exact.as_tuple().digits)).strip("0"))
    kept = whole or digits <= 15 and -7 <= exact.adjusted() <= 20
    return kept == isinstance(found, decimal.Decimal) and exact == decimal.Decimal(found)


def same_binary64(value, found):
    return decimal.Decimal(repr(float(value))) == found


def same_binary32(value, found):
    """Whether no other binary32 is nearer, or as near and even, and no decimal of it shorter."""
    exact, given = fraction_of(value), float(found)
    bits = bits_of_binary32(abs(given))
    distance = abs(abs(exact) - binary32(bits))
    for other in (bits - 1, bits + 1):
        if 0 <= other < INFINITE:
            to_other = abs(abs(exact) - binary32(other))
            if to_other < distance or to_other == distance and bits % 2:
                return False
    digits = len("".join(map(str, found.as_tuple().digits)).strip("0"))
    shorter = [float(f"{float(binary32(bits)):.{count}e}") for count in range(digits - 1)]
    if any(bits_of_binary32(one) == bits for one in shorter):
        return False
    return exact == 0 or (exact < 0) == (given < 0)


def fraction_of(value):
    if not value.lower().partition("e")[0].strip("+-0."):
        return fractions.Fraction(0)
    return fractions.Fraction(decimal.Decimal(value))


def bits_of_binary32(number):
    # Python refuses to pack what rounds to infinity.
    if number >= 2.0**128 - 2.0**103:
        return INFINITE
    return struct.unpack(">I", struct.pack(">f", number))[0]


INFINITE = 0x7F800000


def binary32(bits):
    return fractions.Fraction(struct.unpack(">f", struct.pack(">I", bits))[0])


def same_bytes(value, found):
    padded = found + "=" * (-len(found) % 4)
    return base64.b64decode(padded, b"-_", validate=True) == binascii.unhexlify(value)


def same_moment(value, found):
    # Python reads six digits of fraction, and those behind are zeros here.
    moment = value.replace("UTC", "Z").replace(" Z", "Z").replace(" +", "+").replace(" -", "-")
    moment = datetime.datetime.fromisoformat(moment)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC)
    written = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return written == found


def same_time(value, found):
    return datetime.time.fromisoformat(value).isoformat(timespec="microseconds") == found


def same_json(value, found):
    return json.loads(value, parse_int=decimal.Decimal, parse_float=decimal.Decimal) == found


OUTSIDE = {
    "boolean": lambda value, found: found is (value == "true"),
    "numeric": same_decimal,
    "float8": same_binary64,
    "float4": same_binary32,
    "text": lambda value, found: found == value,
    "char": lambda value, found: found == value.rstrip(" "),
    "bytes": same_bytes,
    "uuid": lambda value, found: found == str(uuid.UUID(value)),
    "date": lambda value, found: found == datetime.date.fromisoformat(value).isoformat(),
    "time": same_time,
    "timestamp": same_moment,
    "timestamptz": same_moment,
    "json": same_json,
}


# --- The documents -----------------------------------------------------------------------------


def generated(count, seed):
    # A plain first line: a byte order mark there could be taken for the file's own.
    lines = [b'[["first","boolean","true"]]']
    source = random.Random(seed)
    while len(lines) < count:
        line = one_line(source)
        if check_generated.fits_on_a_line(line):
            lines.append(line)
    return lines[:count]


def extremes():
    """What chance would not draw, for its length: behind `count` random documents, always these."""
    many = 700_000
    # One, or about one, however far the point is moved and the exponent moves it back.
    moved = [
        "1" + "0" * many + f"e-{many}",
        "0." + "0" * many + f"1e{many + 1}",
        "9" * many + f"e-{many}",
        "1." + "0" * many + "1",
    ]
    cells = [[kind, text] for kind in ("numeric", "float8", "float4") for text in moved]
    # 2^24 bytes, of which {"a":""} takes eight, and one byte more.
    most = reference.LARGEST - len('{"a":""}')
    cells += [["numeric", f"1e{most - 1}"], ["numeric", f"1e{most}"]]
    cells += [["numeric", f"-1e-{most - 3}"], ["numeric", f"-1e-{most - 2}"]]
    return [json.dumps([["a", kind, text]]).encode("ascii") for kind, text in cells]


def one_line(source):
    kind = source.random()
    # A row that holds one fault tells most, so faulty pieces are rare even where they are wanted.
    fault = 0.0 if kind < 0.4 else 0.12
    cells = CellsWriter(source, fault).cells(source.choice([0, 1, 1, 2, 3]), source.randint(0, 5))
    text = spelled(source, cells).encode("utf-8")
    return text if kind < 0.92 else check_generated.mutated(source, text)


def spelled(source, value):
    """JSON text of the cells, in one of its many spellings."""
    writer = check_generated.Writer(source, 0.0)
    if isinstance(value, list):
        elements = [writer.spaced(spelled(source, element)) for element in value]
        return "[" + ",".join(elements) + "]"
    if isinstance(value, str):
        return writer.string(value)
    return json.dumps(value)


class CellsWriter:
    """Draws random cells; each piece is faulty on purpose with the given probability."""

    def __init__(self, source, fault):
        self.source = source
        self.fault = fault

    def faulty(self):
        return self.source.random() < self.fault

    def cells(self, depth, count, folding=True):
        names = self.names(count, folding)
        cells = [self.cell(name, depth) for name in names]
        # Rarer still, since every struct and map would have one.
        if self.faulty() and self.faulty():
            cells.insert(self.source.randint(0, len(cells)), self.source.choice(NO_CELLS))
        return cells

    def names(self, count, folding):
        """Distinct names, but for a fault; a map's may be equal but for their case, and empty."""
        names, taken = [], set()
        for _ in range(count):
            name = self.name(folding)
            key = str_folded(name) if folding else name
            if key not in taken:
                names.append(name)
                taken.add(key)
        if names and self.faulty():
            again = self.source.choice(names)
            names.append(self.source.choice([again, again.upper(), again.lower(), ""]))
        return names

    def name(self, folding):
        name = check_generated.Writer(self.source, 0.0).characters()
        if self.source.random() < 0.6:
            name = self.source.choice(COLUMNS)
        return name or ("x" if folding else "")

    def cell(self, name, depth):
        kind, value = self.typed(depth)
        if self.source.random() < 0.1:
            value = None
        if not self.faulty():
            return [name, kind, value]
        unknown = [name, self.source.choice(NO_TYPES), self.source.choice([value, None])]
        misshapen = [
            [name, kind, self.source.choice([1, True, {}, 1.5, ["x"], [], "x"])],
            [name, kind],
            [name, kind, value, None],
            [name, None, value],
            [self.source.choice([None, 1, ["a"]]), kind, value],
        ]
        return self.source.choice([unknown, self.source.choice(misshapen)])

    def typed(self, depth):
        """A type and a value of it."""
        kind = self.source.choice(list(SCALARS) + CONTAINERS * (depth > 0))
        if kind in ("struct", "map"):
            return kind, self.container(kind, depth)
        if kind != "array":
            return kind, self.scalar(kind)
        inner = self.source.choice(list(SCALARS) + ["struct", "map"])
        dimensions = self.source.choice([1, 1, 1, 2, 3])
        return inner + "[]" * dimensions, self.array(inner, dimensions, depth)

    def array(self, inner, dimensions, depth):
        if self.source.random() < 0.1:
            return None
        if dimensions == 0:
            if inner in ("struct", "map"):
                return self.container(inner, depth)
            return self.scalar(inner)
        # An element that is not of the type before the last [] is a fault of the shape.
        if self.faulty() and self.faulty():
            return "x"
        count = self.source.choice([0, 1, 2, 3])
        return [self.array(inner, dimensions - 1, depth) for _ in range(count)]

    def container(self, kind, depth):
        return self.cells(depth - 1, self.source.randint(0, 3), folding=kind == "struct")

    def scalar(self, kind):
        return SCALARS[kind](self.source, self.faulty())


# Scalars, each drawn as a text that its type can read, or as one that it cannot.


def boolean(source, faulty):
    return source.choice(WRONG_BOOLEANS if faulty else ["true", "false"])


def numeric(source, faulty):
    if faulty:
        return source.choice(WRONG_NUMERALS + NO_NUMBERS + HUGE)
    return source.choice([numeral, numeral, long_numeral, exact_edge])(source)


def float8(source, faulty):
    if faulty:
        return source.choice(WRONG_NUMERALS + NO_NUMBERS + HUGE + BEYOND_BINARY64)
    return source.choice([numeral, binary64_numeral, binary64_numeral, middle_of_binary64])(source)


def float4(source, faulty):
    if faulty:
        return source.choice(WRONG_NUMERALS + NO_NUMBERS + HUGE + BEYOND_BINARY32)
    return source.choice([numeral, binary32_numeral, middle_of_binary32, binary32_edge])(source)


def numeral(source):
    """A JSON number, perhaps in a spelling that only 1.5 allows."""
    text = source.choice(check_generated.KEPT_NUMBERS)(source)
    sign, text = ("-", text[1:]) if text.startswith("-") else (source.choice(["", "", "+"]), text)
    if text.startswith("0.") and source.random() < 0.3:
        text = text[1:]
    if text.isdigit() and source.random() < 0.2:
        text += "."
    return sign + source.choice(["", "", "", "0", "000"]) + text


def long_numeral(source):
    """More digits than a JSON number keeps, up to what NUMERIC holds and far beyond."""
    count = source.choice([16, 17, 18, 20, 38, 39, 76, 200, 1200])
    digits = check_generated.random_digits(source, count)
    e = source.choice([source.randint(-12, 25), source.randint(-400, 400), count - 1])
    return check_generated.spelled(source, check_generated.random_sign(source), digits, e)


def exact_edge(source):
    """Near the three bounds of 1.4: 2^53 - 1, 15 digits, and exponents of -7 and 20."""
    if source.random() < 0.4:
        return check_generated.near_two_to_53(source) + source.choice(["", ".0", ".5", "e0", "e1"])
    digits = check_generated.random_digits(source, source.choice([1, 2, 14, 15, 16]))
    e = source.choice([-9, -8, -7, -6, 14, 15, 16, 19, 20, 21])
    return check_generated.spelled(source, check_generated.random_sign(source), digits, e)


def binary64_numeral(source):
    number = check_generated.random_float(source) or 1.0
    return source.choice(["", "-", "+"]) + source.choice([repr(number), f"{number:.25e}"])


def middle_of_binary64(source):
    number = abs(source.uniform(1e-3, 1e6))
    return near_middle(source, number, math.nextafter(number, math.inf))


def binary32_numeral(source):
    number = random_binary32(source)
    return source.choice(["", "-", "+"]) + source.choice([repr(number), f"{number:.12e}"])


def middle_of_binary32(source):
    bits = source.getrandbits(23) | source.choice([0, 1, 100, 127, 150, 253]) << 23 | 1
    return near_middle(source, float(binary32(bits)), float(binary32(bits + 1)))


def binary32_edge(source):
    return source.choice(BINARY32_EDGES)


def random_binary32(source):
    return float(binary32(source.randint(1, INFINITE - 1)))


def near_middle(source, number, following):
    """Exactly between two neighbours, or a hair beside."""
    twice = EXACT.add(decimal.Decimal(number), decimal.Decimal(following))
    middle = EXACT.divide(twice, decimal.Decimal(2))
    hair = EXACT.multiply(middle, source.choice([decimal.Decimal(0), HAIR, -HAIR]))
    return str(EXACT.add(middle, hair))


# More digits than any middle between two neighbours has, and a hair together.
EXACT = decimal.Context(prec=2000)
HAIR = decimal.Decimal("1e-160")


def text(source, faulty):
    # Faults of text are those of the JSON around it.
    return check_generated.Writer(source, 0.0).characters()


def char(source, faulty):
    return text(source, faulty) + source.choice(["", " ", "   ", "\t ", "\u00a0", " \u3000 "])


def hex_bytes(source, faulty):
    if faulty:
        return source.choice(WRONG_BYTES)
    drawn = source.randbytes(source.choice([0, 1, 2, 3, 4, 16, 33])).hex()
    return "".join(source.choice([digit, digit.upper()]) for digit in drawn)


def random_uuid(source, faulty):
    drawn = str(uuid.UUID(bytes=source.randbytes(16)))
    if faulty:
        return source.choice(
            [drawn[:-1], drawn + "0", drawn.replace("-", ""), "{" + drawn + "}", "g" + drawn[1:]]
        )
    return source.choice([drawn, drawn.upper(), drawn.title()])


def date(source, faulty):
    if faulty:
        return source.choice(WRONG_DATES + OUT_OF_RANGE_DATES)
    if source.random() < 0.3:
        return source.choice(EDGE_DATES)
    return datetime.date.fromordinal(source.randint(1, 3_652_059)).isoformat()


def time(source, faulty):
    if faulty:
        return source.choice(WRONG_TIMES)
    fraction = source.choice(["", ".0", ".5", ".123456", ".000001", ".1234560", ".999999000000"])
    if source.random() < 0.3:
        return source.choice(["00:00:00", "23:59:59"]) + fraction
    seconds = source.randint(0, 86_399)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + fraction


def timestamp(source, faulty):
    if not faulty:
        return date(source, False) + source.choice([" ", "T"]) + time(source, False)
    part = source.randint(0, 3)
    if part == 3:
        return source.choice(WRONG_TIMESTAMPS)
    joint = source.choice(["  ", "", "t", "\t", "T "]) if part == 2 else source.choice([" ", "T"])
    return date(source, part == 0) + joint + time(source, part == 1)


def timestamptz(source, faulty):
    wrong_zone = faulty and source.random() < 0.5
    zone = source.choice(WRONG_ZONES if wrong_zone else ZONES)
    return timestamp(source, faulty and not wrong_zone) + source.choice(["", "", " "]) + zone


def json_text(source, faulty):
    if source.random() < 0.05:
        return check_generated.deep(source).decode("utf-8", "replace")
    document = check_generated.Writer(source, 0.2 if faulty else 0.0).document()
    # Nothing at all, and what other places take for a missing value.
    return source.choice([document, "", "NULL", "\ufeff1", "1 2"]) if faulty else document


SCALARS = {
    "boolean": boolean,
    "numeric": numeric,
    "float8": float8,
    "float4": float4,
    "text": text,
    "char": char,
    "bytes": hex_bytes,
    "uuid": random_uuid,
    "date": date,
    "time": time,
    "timestamp": timestamp,
    "timestamptz": timestamptz,
    "json": json_text,
}
CONTAINERS = ["struct", "map", "array", "array"] * 2
COLUMNS = [
    *["id", "Id", "PRICE", "aT", "user_id", "a b", "a.b", "$", "[]", "ÄÖ", "É", "\u017f"],
    *["\u212a", "\u0130", "\U0001f600", "\ufb33", "\ue000", "a\u0301", "á", "9", "_", "x" * 64],
    *["X" * 65, '"', "\\"],
]
NO_CELLS = [
    *[[], ["a"], "a", None, 1, {}, {"a": "text"}, ["a", "text"], ["a", "text", "b", "c"], True],
]
NO_TYPES = [
    *["", "Text", "TEXT", " text", "text ", "int4", "varchar", "null", "interval", "timetz"],
    *["text[", "text]", "text[]]", "text[ ]", "text[3]", "[]", "[]text", "text,[]", "float16"],
    *["struct()", "map[", "float", "double", "decimal(10,2)", "timestamp with time zone"],
    *["\u017ftruct"],
]
WRONG_BOOLEANS = ["True", "TRUE", "t", "f", "1", "0", "yes", "", " true", "true ", "null"]
WRONG_NUMERALS = [
    *["", "+", "-", ".", "+.", "e5", ".e5", "1e", "1e+", "1e5.0", "1e 5", " 1", "1 ", "1_000"],
    *["1,5", "0x10", "1.2.3", "--1", "+-1", "1e--5", "1f", "\uff11", "\u0663", "1\u00a0"],
    *["1e\u0661", "$1", "NULL", "infinit", "nano", "i", "\u0131nf", "\u0130nf", "1inf", "- inf"],
    *["nan(1)", "1d", "1e5e5", "\u22121", "1%"],
]
NO_NUMBERS = ["nan", "NaN", "NAN", "-nan", "+NaN", "inf", "Inf", "-INF", "+infinity", "-Infinity"]
HUGE = [
    *["1e999999999", "-1e999999999", "1e-999999999", "1e99999999999999999999999999"],
    *["1e-99999999999999999999999999", "1e16777216", "123e-16777216", "-.5e+000999999999"],
]
BEYOND_BINARY64 = [
    *["1.7976931348623159e308", "-1.8e308", "1e309", "2e-324", "-2.4703282292062327e-324"],
    *["1e-400", "17976931348623158" + "1" * 293, "0." + "0" * 330 + "1"],
]
BEYOND_BINARY32 = [
    *["3.4028236e38", "-3.5e38", "1e39", "7e-46", "-7.006492321624085e-46", "1e-50", "1e308"],
    *["340282356779733661637539395458142568448", "1e-400", "5e-324"],
]
BINARY32_EDGES = [
    *["3.4028235e38", "3.4028234663852886e38", "340282356779733661637539395458142568447.99"],
    *["1e-45", "1.4e-45", "7.1e-46", "7.006492321624086e-46", "1.17549435e-38", "1.1754942e-38"],
    *["16777216", "16777217", "16777218", "16777219", "33554433", "33554435", "8388608.5"],
    *["0.1", "8388609.5", "1e10", "3.3333333e-1", "1.00000005960464477539"],
    *["1.00000005960464477540", "9.8607613e-32", "8.5899346e9", "4.7223665e21", "-0", "0e99999"],
    *["2.3283064e-10", "5e-45"],
]
WRONG_BYTES = [
    *["0", "abc", "\\x00", "0x00", "zz", " 00", "00 ", "0 0", "00 00", "\uff10\uff10", "AA=="],
]
EDGE_DATES = [
    *["0001-01-01", "9999-12-31", "2000-02-29", "2024-02-29", "1582-10-10", "1600-02-29"],
    *["1900-02-28", "1970-01-01", "1969-12-31", "0004-02-29", "0100-03-01"],
]
OUT_OF_RANGE_DATES = [
    *["0000-01-01", "0000-12-31", "10000-01-01", "294276-12-31", "00001-01-01", "infinity"],
    *["-infinity", "0044-03-15 BC", "4713-01-01 BC", "12024-02-29", "0000-02-29"],
]
WRONG_DATES = [
    *["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-01-32", ""],
    *["2024-04-31", "2024-1-1", "24-01-01", "20240101", "2024/01/01", "2024-01-01 "],
    *[" 2024-01-01", "-0001-01-01", "+2024-01-01", "\uff12024-01-01", "2024-01-01T00:00:00"],
    *["today", "Infinity", "+infinity", "INFINITY", "inf", "2024-W01-1", "2024-001"],
    *["2024-01-01BC", "2024-01-01 AD"],
]
WRONG_TIMES = [
    *["24:00:00", "24:00:00.000", "24:00:00.0000000", "24:00:01", "24:00:00.5", "23:60:00"],
    *["25:00:00", "23:59:60", "12:00", "1:00:00", "12:00:00.", "12:00:00,5", "12:00:00.1234567"],
    *["", " 12:00:00", "12:00:00 ", "12:00:00Z", "120000", "12:00:00.0000001", "12:00:00.5 PM"],
    *["infinity", "-1:00:00", "12:00:00+00", "\u06612:00:00", "12:00:00.000000000000000000001"],
    *["99:99:99", "12:00:00 BC"],
]
WRONG_TIMESTAMPS = [
    *["infinity", "-infinity", "0044-03-15 12:00:00 BC", "2024-01-01", "12:00:00", "", "now"],
    *["epoch", "2024-01-01 12:00", "2024-01-01 12:00:00 AM", "10000-01-01 00:00:00"],
    *["infinityT00:00:00"],
]
ZONES = [
    *["Z", "UTC", "+00", "-00", "+01", "-08", "+0530", "+05:30", "-0930", "+23:59:59"],
    *["-23:59:59", "+00:00", "-00:00", "+14", "-12:00", "+00:19:32", "-00:00:01", "+2359"],
    *["-2359"],
]
WRONG_ZONES = [
    *["", "z", "utc", "GMT", "+24", "-24:00", "+00:60", "+0060", "+00:00:60", "+1", "+001"],
    *["+00000", "+000000", "+00:0", "+00:", "Europe/Rome", "CET", "+01 ", "Z ", "ZZ"],
    *["+01:00:00.5", "*01", "\u221201", "+99:99", "[UTC]", "Z[UTC]", "+00:0000", "+0000:00"],
    *["BC", "+00 BC"],
]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
