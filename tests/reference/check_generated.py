"""Compares the precise binary with the reference on random documents.

    check_generated.py --precise PATH [--count 10000] [--seed 1]
    check_generated.py --self [--count 10000] [--seed 1]

The first mints one NDJSON file of random lines, about half of them valid, and demands of every
line the verdict, bytes, hash, id, size, code and path of the reference. The second needs no
binary: it holds the reference itself against outside parsers on the same lines.
"""

import argparse
import collections
import decimal
import fractions
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import precise_reference as reference

# One fault in a rule fails thousands of lines alike; the first few tell enough.
MOST_SHOWN = 50
MOST_PRINTED = 5000


def main(arguments):
    options = parse(arguments)
    lines = generated(options.count, options.seed)
    verdicts = [verdict_on(line) for line in lines]
    print_summary(verdicts)
    if options.self:
        problems = [problem_outside(*pair) for pair in zip(lines, verdicts)]
    else:
        problems = problems_of_binary(options.precise, lines, verdicts)
    return report(lines + [b"(the whole file)"], problems)


def report(lines, problems):
    """Failures first, then the counts; the exit status."""
    failing = [pair for pair in zip(lines, problems) if pair[1]]
    for line, problem in failing[:MOST_SHOWN]:
        print(f"{cut(problem)}\n    {cut(repr(line))}")
    failed = len(failing)
    print(f"{len(problems) - failed} passed, {failed} failed")
    return 1 if failed else 0


def cut(text):
    return text if len(text) <= MOST_PRINTED else text[:MOST_PRINTED] + "…"


def parse(arguments, description=__doc__):
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--precise", help="the binary to compare with")
    mode.add_argument("--self", action="store_true", help="the reference against outsiders only")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def verdict_on(line):
    """The canonical form, or the Refused."""
    try:
        return reference.canonical(line)
    except reference.Refused as fault:
        return fault


def print_summary(verdicts):
    codes = collections.Counter(
        "accepted" if isinstance(verdict, bytes) else verdict.code for verdict in verdicts
    )
    print(", ".join(f"{name} {times}" for name, times in sorted(codes.items())))


# --- The reference against outsiders -----------------------------------------------------------


def problem_outside(line, verdict):
    try:
        if isinstance(verdict, bytes):
            reference.judge(line)
            assert exact(line) == exact(verdict), "the canonical form says something else"
            assert reference.canonical(verdict) == verdict, "the form is not its own form"
        elif verdict.code in ("PR101", "PR102", "PR103", "PR104", "PR105"):
            assert not python_reads(line), f"refused with {verdict}, yet Python reads it"
        elif verdict.code in ("PR201", "PR202"):
            number = number_at(line, verdict)
            assert number is None or binary64_changes(number), f"{verdict} without need"
    except AssertionError as fault:
        return str(fault)
    return None


def exact(text):
    """The document with exact numbers, read by Python's parser."""
    return json.loads(text.decode("utf-8"), parse_int=exact_number, parse_float=exact_number)


def exact_number(text):
    mantissa = text.lower().partition("e")[0]
    # Python would raise a zero to any power of ten, however long that takes.
    if not mantissa.strip("-0."):
        return fractions.Fraction(0)
    return fractions.Fraction(decimal.Decimal(text))


def python_reads(line):
    def refuse(word):
        raise ValueError(word)

    try:
        json.loads(line.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def number_at(line, verdict):
    """The token in front of the place where reading stopped, when it is the fault."""
    start = verdict.offset
    while start > 0 and line[start - 1 : start] in b"+-.0123456789eE":
        start -= 1
    return line[start : verdict.offset].decode("ascii") or None


def binary64_changes(number):
    nearest = float(number)
    if nearest in (0.0, float("inf"), float("-inf")):
        return True
    return decimal.Decimal(number) != decimal.Decimal(repr(nearest))


# --- The binary against the reference ----------------------------------------------------------


def problems_of_binary(binary, lines, verdicts, form="ndjson"):
    """One entry a line, and one more for the files as a whole; None where all is well."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "documents.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
        said = run(binary, directory, form)
        table, rejected = read_output(directory)
    if table is None:
        return [f"the run wrote no out.parquet: {said}"] * len(lines) + [said]
    found = collections.defaultdict(list)
    for row in table.to_pylist():
        found[row["row"]].append(row)
    for row in rejected:
        found[row["row"]].append(row)
    # The page does not say whether rows count from 0 or from 1, only the run does.
    first = 0 if 0 in found else 1
    problems = [
        problem_with_row(verdict, found.pop(first + i, [])) for i, verdict in enumerate(verdicts)
    ]
    whole = problem_with_types(table.schema)
    if found:
        whole = f"rows that no line has: {sorted(found)[:10]}"
    return problems + [whole]


def run(binary, directory, form):
    command = [
        str(pathlib.Path(binary).resolve()),
        "mint",
        "documents.ndjson",
        "--format",
        form,
        "-o",
        "out.parquet",
        "--rejects",
        "rej.ndjson",
        "--with-record",
    ]
    # The exit status is not judged: a run with rejected rows may well report them by it.
    done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    return f"exit {done.returncode}: {said[-500:]}"


def read_output(directory):
    import pyarrow.parquet

    output = directory / "out.parquet"
    rejects = directory / "rej.ndjson"
    table = pyarrow.parquet.read_table(output) if output.exists() else None
    text = rejects.read_bytes() if rejects.exists() else b""
    return table, [json.loads(line) for line in text.split(b"\n") if line.strip()]


def problem_with_types(schema):
    import pyarrow

    wanted = {
        "row": [pyarrow.uint64()],
        "proof_hash": [pyarrow.binary(32)],
        "proof_id": [pyarrow.string(), pyarrow.large_string()],
        "size": [pyarrow.uint32()],
        "record": [pyarrow.string(), pyarrow.large_string()],
    }
    wrong = [name for name, types in wanted.items() if schema.field(name).type not in types]
    return f"columns of the wrong type: {wrong}" if wrong else None


def problem_with_row(verdict, rows):
    if len(rows) != 1:
        return f"the row is in the output {len(rows)} times"
    possible = [accepted_row(verdict)] if isinstance(verdict, bytes) else refused_rows(verdict)
    if not any(all(rows[0].get(name) == wanted[name] for name in wanted) for wanted in possible):
        return f"reference {' or '.join(map(str, possible))}\n    precise   {rows[0]}"
    return None


def accepted_row(form):
    value = reference.proof_hash(form)
    return {
        "code": None,
        "proof_hash": value,
        "proof_id": reference.proof_id(value),
        "size": len(form),
        "record": form.decode("utf-8"),
    }


def refused_rows(fault):
    """What may be said of the refusal. Of a typed row, any of its faults may be."""
    if not isinstance(fault, reference.RowRefused):
        return [{"code": fault.code, "path": fault.path, "proof_hash": None}]
    return [refused_cells(code, path) for code, path in fault.faults]


def refused_cells(code, path):
    wanted = {"code": code, "proof_hash": None}
    return wanted if path is None else {**wanted, "path": path}


# --- The documents -----------------------------------------------------------------------------


def generated(count, seed):
    # A plain first line: a byte order mark there could be taken for the file's own.
    lines = [b'{"first":true}']
    source = random.Random(seed)
    while len(lines) < count:
        line = one_line(source)
        if fits_on_a_line(line):
            lines.append(line)
    return lines[:count]


def fits_on_a_line(line):
    return line.strip(b" \t") != b"" and b"\n" not in line and b"\r" not in line


def one_line(source):
    kind = source.random()
    if kind < 0.10:
        return deep(source)
    fault = 0.0 if kind < 0.45 else 0.2
    text = Writer(source, fault).document().encode("utf-8")
    if kind < 0.75:
        return text
    for _ in range(source.choice([1, 1, 1, 2, 3])):
        text = mutated(source, text)
    return text


def deep(source):
    """Containers nested to just about the limit, sometimes with something wrong inside."""
    opening, closing = [], []
    for _ in range(source.randint(126, 131)):
        before, behind = source.choice(
            [("[", "]"), ('{"a":', "}"), ("[1,", "]"), ('{"b c":', ',"d":[]}'), ("[", ",{}]")]
        )
        opening.append(before)
        closing.append(behind)
    inside = source.choice(["", "1", "[]", "{}", '"x"', "01", "tru", '{"a":1,"a":2}'])
    # Only a bare pair of brackets may hold nothing.
    if inside == "" and (opening[-1], closing[-1]) != ("[", "]"):
        inside = "null"
    text = ("".join(opening) + inside + "".join(reversed(closing))).encode("utf-8")
    return mutated(source, text) if source.random() < 0.2 else text


class Writer:
    """Writes random JSON text; each piece is faulty on purpose with the given probability."""

    def __init__(self, source, fault):
        self.source = source
        self.fault = fault

    def document(self):
        return self.white() + self.value(self.source.randint(0, 4)) + self.white()

    def faulty(self):
        return self.source.random() < self.fault

    def white(self):
        if self.source.random() < 0.7:
            return ""
        return "".join(self.source.choices(" \t", k=self.source.randint(1, 3)))

    def value(self, depth):
        kind = self.source.random()
        if depth > 0 and kind < 0.35:
            return self.object(depth - 1)
        if depth > 0 and kind < 0.6:
            return self.array(depth - 1)
        if kind < 0.8:
            return self.number()
        if kind < 0.95:
            return self.string(self.characters())
        return self.word()

    def word(self):
        if self.faulty():
            return self.source.choice(["True", "nul", "NaN", "Infinity", "falsey", "-", "'a'", ""])
        return self.source.choice(["true", "false", "null"])

    def array(self, depth):
        elements = [self.spaced(self.value(depth)) for _ in range(self.source.randint(0, 5))]
        return "[" + self.separated(elements) + "]"

    def object(self, depth):
        keys = self.keys(self.source.randint(0, 6))
        members = [self.member(key, depth) for key in keys]
        return "{" + self.separated(members) + "}"

    def member(self, key, depth):
        return self.spaced(self.string(key)) + ":" + self.spaced(self.value(depth))

    def separated(self, pieces):
        if pieces and self.source.random() < self.fault / 6:
            comma, joint = self.source.choice([(",", ","), ("", ",,"), ("", " "), (",", ",,")])
            return joint.join(pieces) + comma
        return ",".join(pieces) or self.white()

    def spaced(self, piece):
        return self.white() + piece + self.white()

    # Strings. What a string says is drawn first, then each character's spelling.

    def keys(self, count):
        keys = []
        for _ in range(count):
            key = self.characters() if self.source.random() < 0.6 else self.name()
            if key not in keys:
                keys.append(key)
        if keys and self.faulty():
            keys.insert(self.source.randint(0, len(keys)), self.source.choice(keys))
        return keys

    def name(self):
        if self.source.random() < 0.1:
            return self.source.choice(LONG_PIECES) * self.source.randint(63, 66)
        return self.source.choice(NAMES)

    def characters(self):
        return "".join(self.source.choice(CHARACTERS) for _ in range(self.source.randint(0, 6)))

    def string(self, said):
        spelled = "".join(self.spelling(character) for character in said)
        if self.faulty():
            place = self.source.randint(0, len(spelled))
            spelled = spelled[:place] + self.source.choice(STRING_FAULTS) + spelled[place:]
        return '"' + spelled + '"'

    def spelling(self, character):
        choice = self.source.random()
        if character in SHORT and choice < 0.6:
            return SHORT[character]
        if character in '"\\' or character < " " or choice < 0.2:
            return self.by_units(character)
        return character

    def by_units(self, character):
        raw = character.encode("utf-16-be")
        units = [raw[i : i + 2].hex() for i in range(0, len(raw), 2)]
        return "".join("\\u" + self.source.choice([u, u.upper()]) for u in units)

    # Numbers. What a number says is drawn first, as digits and the power of ten of the first.

    def number(self):
        kinds = ANY_NUMBERS if self.faulty() else KEPT_NUMBERS
        return self.source.choice(kinds)(self.source)


# What strings are made of: the ends of every range that some rule of section 1 treats apart.
CHARACTERS = (
    list("abcXYZ019_ .,:[]{}'")
    + ['"', "\\", "/", "\b", "\f", "\n", "\r", "\t", "\x01", "\x1f", "\x7f", "\x80", "\xa0"]
    + ["é", "e\u0301", "\u00c5", "\u212b", "A\u030a", "ß", "\u0130", "\u2028", "\u2029", "€"]
    + ["\ud7ff", "\ue000", "\ufb33", "\ufdd0", "\ufeff", "\ufffd", "\uffff"]
    + ["\U00010000", "\U0001f600", "\U0001fffe", "\U0010ffff"]
)
NAMES = ["a", "b", "id", "_x", "A9", "size", "9a", "a-b", "", " ", "é", "\U0001f600", "\ufb33"]
LONG_PIECES = ["n", "é", "\U0001f600", "-", '"', "\n"]
SHORT = {
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
STRING_FAULTS = [
    *["\\ud800", "\\uDBFF", "\\udc00", "\\uDFFF", "\\udfff\\ud800", "\\ud83d\\u0041", "\\ud83dx"],
    *["\\ud83d\\n", "\\ud83d\\ud83d\\ude00", "\\ud83d\\u00zz", "\\ud83d\\u0000", "\\ud83d\\u"],
    *["\\u0000", "\0", "\x01", "\t", "\x1f", "\\x", "\\'", "\\U0041", "\\u12", "\\u00g0", '"'],
    "\\",
]


def spelled(source, negative, digits, e):
    """One of the many spellings of D × 10^e, with the point anywhere and zeros around."""
    digits = digits + "0" * source.choice([0, 0, 0, 1, 3])
    zeros = "0" * source.choice([0, 0, 0, 0, 1, 4])
    run = zeros + digits
    point = source.randint(1, len(run))
    exponent = e + len(zeros) - (point - 1)
    # A small exponent may be written out instead.
    if exponent > 0 and exponent <= 24 and source.random() < 0.6:
        run += "0" * exponent
        point, exponent = min(point + exponent, len(run)), 0
        run = run.ljust(point, "0")
    whole, fraction = run[:point].lstrip("0") or "0", run[point:]
    text = ("-" if negative else "") + whole + ("." + fraction if fraction else "")
    if exponent != 0 or source.random() < 0.1:
        text += source.choice("eE") + exponent_text(source, exponent)
    return text


def exponent_text(source, exponent):
    sign = "-" if exponent < 0 else source.choice(["", "+"])
    return sign + source.choice(["", "", "0", "000"]) + str(abs(exponent))


def random_sign(source):
    return source.random() < 0.3


def random_digits(source, count):
    return str(source.randint(10 ** (count - 1), 10**count - 1))


def small_integer(source):
    return str(source.choice([0, 1, 2, 10, 42, 100, source.randint(-1000, 1000)]))


def short_decimal(source):
    digits = random_digits(source, source.randint(1, 15))
    e = source.choice([source.randint(-8, 23), source.randint(-290, 290)])
    return spelled(source, random_sign(source), digits, e)


def layout_edge(source):
    digits = random_digits(source, source.randint(1, 15))
    return spelled(source, random_sign(source), digits, source.choice([-8, -7, -6, 20, 21, 22]))


def random_float(source):
    """A binary64 of any magnitude, none of them infinite."""
    if source.random() < 0.5:
        return abs(source.uniform(0, 10 ** source.randint(-5, 25))) or 1.0
    bits = source.getrandbits(52) | (source.randint(0, 2046) << 52)
    return struct.unpack(">d", struct.pack(">Q", bits))[0]


def shortest_float(source):
    number = random_float(source)
    if number == 0:
        return "0"
    digits, e = reference.parts_of_repr(repr(number))
    return spelled(source, random_sign(source), digits, e)


def any_zero(source):
    return source.choice(["0", "-0", "0.0", "-0.00", "0e5", "-0E-7", "0e999999999999", "0.0e-400"])


def kept_edge(source):
    return source.choice(KEPT_EDGES)


def long_digits(source):
    digits = random_digits(source, source.randint(15, 18))
    e = source.choice([source.randint(-8, 23), source.randint(-330, 312)])
    return spelled(source, random_sign(source), digits, e)


def near_limit(source):
    digits = random_digits(source, source.randint(1, 17))
    edge = source.choice([308, -308, -324, 290, -290])
    return spelled(source, random_sign(source), digits, edge + source.randint(-2, 2))


def near_two_to_53(source):
    near = 2**53 * source.choice([1, 1, 2, 4]) + source.randint(-6, 6)
    return str(near * source.choice([-1, 1]))


def off_by_one(source):
    """The shortest decimal of a float with its last digit moved: often the same float."""
    digits, e = reference.parts_of_repr(repr(random_float(source)))
    moved = str(max(1, int(digits or "1") + source.choice([-2, -1, 1, 2])))
    return spelled(source, random_sign(source), moved, e + len(moved) - len(digits or "1"))


def halfway(source):
    """A decimal exactly between two neighbouring floats, or the first 17 digits of it."""
    lower = int(random_float(source) % 2**60) | 2**53
    step = 1 << (lower.bit_length() - 53)
    middle = str(lower // step * step + step // 2)
    return source.choice([middle, middle[:17] + "0" * (len(middle) - 17), middle + ".0"])


def wild(source):
    return source.choice(WILD_NUMBERS)


KEPT_EDGES = [
    *["1e21", "1e20", "999999999999999900000", "1e-6", "1e-7", "0.000001", "0.0000001"],
    *["9007199254740991", "9007199254740992", "-9007199254740994", "5e-324", "-5E-324"],
    *["1.7976931348623157e308", "2.2250738585072014e-308", "2.225073858507201e-308"],
    *["1.50", "15e-1", "0.10", "1E+2", "100", "1.0", "333333333.3333333", "1e23", "9e22"],
    *["0.30000000000000004", "123456789012345680000", "1e-290", "1e290", "1e291", "1e308"],
]
WILD_NUMBERS = [
    *["1e400", "-1e400", "1e999999999", "1e-999999999", "1e99999999999999999999999999"],
    *["1e-99999999999999999999999999", "123456789012345678e400", "1.8e308", "1e309", "1e-325"],
    *["1.7976931348623158e308", "1.7976931348623159e308", "2e-324", "3e-324", "4e-324"],
    *["2.4703282292062327e-324", "2.4703282292062328e-324", "2.5e-324", "7e-324"],
    *["9007199254740993", "9007199254740995", "-9007199254740993", "90071992547409930e-1"],
    *["18446744073709551615", "18446744073709551616", "333333333.33333329"],
    *["123456789012345678901234567890", "9.999999999999999e22", "0.1000000000000000055"],
    *["01", "-01", "00", "+1", ".5", "1.", "1.e5", "1e", "1e+", "-", "--1", "0x10", "1_000", "1,5"],
    *["2.2250738585072011e-308", "2.2250738585072012e-308", "4.9e-324", "4.940656458412465e-324"],
]
KEPT_NUMBERS = [
    small_integer,
    short_decimal,
    short_decimal,
    layout_edge,
    shortest_float,
    shortest_float,
    any_zero,
    kept_edge,
]
ANY_NUMBERS = [long_digits, near_limit, near_two_to_53, off_by_one, halfway, wild]


# Mutations, on bytes: what a broken pipe, a wrong encoding or a careless edit leaves behind.


def mutated(source, text):
    return source.choice(MUTATIONS)(source, text)


def place(source, text):
    return source.randint(0, max(0, len(text) - 1))


def flip(source, text):
    at = place(source, text)
    flipped = bytes([byte ^ (1 << source.randint(0, 7)) for byte in text[at : at + 1]])
    return text[:at] + flipped + text[at + 1 :]


def insert(source, text):
    at = source.randint(0, len(text))
    return text[:at] + source.choice(INSERTED) + text[at:]


def delete(source, text):
    at = place(source, text)
    return text[:at] + text[at + source.choice([1, 1, 2, 5]) :]


def truncate(source, text):
    return text[: place(source, text)]


def repeat(source, text):
    at = place(source, text)
    end = at + source.randint(1, 8)
    return text[:end] + text[at:]


def behind(source, text):
    return text + source.choice(TRAILING)


def mark(source, text):
    return source.choice([b"\xef\xbb\xbf", b" \xef\xbb\xbf", b"\xef\xbb", b"\xff\xfe"]) + text


TRAILING = [b"x", b" 1", b"]", b"}", b",", b"\0", b"{}", b"\x0b", b" \xc2\xa0"]
INSERTED = [
    *[bytes([byte]) for byte in b'{}[]",:\\0123456789-+.eE tfnu/*#\''],
    *[b"\0", b"\x01", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\\u", b"\\u0000", b"\\ud800", b"//"],
    # Not UTF-8: a lone continuation, cut sequences, overlong forms, halves, above U+10FFFF.
    *[b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\x80", b"\xe0\x80\xaf", b"\xff"],
    *[b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"],
    # UTF-8, but nothing that RFC 8259 knows as white space.
    *[b"\xc2\xa0", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xe3\x80\x80"],
]
MUTATIONS = [flip, insert, insert, delete, truncate, repeat, behind, mark]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
