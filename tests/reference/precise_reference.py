"""The second implementation of SPEC.md: slow, readable, and written from that page alone.

It shares no code with the engines, so that where the two agree the page has said enough.
The order is the order of the page: record, canonical form, proof, batch, log, voiding, cohorts;
then the functions of the SQL catalogue by name, and a small command line.
"""

import base64
import datetime
import fractions
import functools
import hashlib
import json
import re
import sys

import blake3
import rfc8785

DEEPEST = 128
LARGEST = 16_777_216
MOST_LEAVES = 2**53 - 1
MOST_PART_BITS = 32
MOST_EXACT = 2**53 - 1
BLIND_CONTEXT = "precise 2026 record blind v1"
CANON = "precise-jcs-1"


class Refused(Exception):
    """A refusal with a code of section 11, and where known a JSON path and a byte offset."""

    def __init__(self, code, path="$", offset=None):
        super().__init__(f"{code} {path}")
        self.code = code
        self.path = path
        self.offset = offset


# --- Section 1: the canonical form -------------------------------------------------------------


def canonical(text):
    """The canonical form of one JSON text, bytes to bytes, or Refused (section 1)."""
    return canonical_within(text, [], 0)


def canonical_within(text, steps, depth):
    """The same for a text that becomes a part of something larger, at a place and a depth in it."""
    refuse_what_is_not_utf8(text)
    if text.startswith(b"\xef\xbb\xbf"):
        raise Refused("PR102", "$", 0)
    return Reader(text, steps, depth).document()


def judge(text):
    """Assert that an outside RFC 8785 library gives an accepted text the same bytes."""
    ours = canonical(text)
    # parse_int=float because RFC 8785 knows binary64 only, while Python would keep integers.
    theirs = rfc8785.dumps(json.loads(text.decode("utf-8"), parse_int=float))
    assert ours == theirs, f"reference {ours[:200]!r}, rfc8785 {theirs[:200]!r}"


def refuse_what_is_not_utf8(text):
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Refused("PR101", "$", fault.start) from None


WHITE = re.compile(rb"[ \t\n\r]*")
DIGITS = re.compile(rb"[0-9]*")
# Everything a string may hold as it is: all but the quote, the backslash and bare controls.
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
HEX = b"0123456789abcdefABCDEF"
WORDS = {b"t": b"true", b"f": b"false", b"n": b"null"}
SHORT_ESCAPES = {
    b'"': b'"',
    b"\\": b"\\",
    b"/": b"/",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
}


class Reader:
    """Reads one text from the left and stops at the first fault (1.1).

    Each reading method returns the canonical bytes of what it read. `steps` is the path of the
    value being read, as keys and indices; `written` counts the canonical bytes so far, in the
    order of the text, which is all that the size rule needs.
    """

    def __init__(self, text, steps, depth):
        self.text = text
        self.at = 0
        self.steps = list(steps)
        self.depth = depth
        self.written = 0

    def document(self):
        result = self.value()
        # The document ends here; what follows it is a fault met later than its size.
        self.check_size()
        self.skip_white()
        if self.at < len(self.text):
            raise Refused("PR105", "$", self.at)
        return result

    def value(self):
        self.skip_white()
        first = self.peek()
        if first == b"[":
            return self.container(self.array)
        if first == b"{":
            return self.container(self.object)
        return self.scalar(first)

    def scalar(self, first):
        if first == b'"':
            result = write_string(self.string())
        elif first in WORDS:
            result = self.word(WORDS[first])
        else:
            result = self.number()
        self.written += len(result)
        self.check_size()
        return result

    def container(self, read):
        # The depth is checked before anything is read further in, so that a text of brackets
        # alone cannot exhaust the stack.
        if self.depth == DEEPEST:
            raise self.fault("PR901")
        self.depth += 1
        self.at += 1
        self.written += 1
        result = read()
        self.at += 1
        self.written += 1
        self.depth -= 1
        return result

    def array(self):
        """Reads from behind `[` up to the matching `]`."""
        elements = []
        self.skip_white()
        if self.peek() == b"]":
            return b"[]"
        while True:
            self.steps.append(len(elements))
            elements.append(self.value())
            self.steps.pop()
            if self.comma_or(b"]") == b"]":
                return b"[" + b",".join(elements) + b"]"

    def object(self):
        """Reads from behind `{` up to the matching `}`."""
        members = []
        self.skip_white()
        if self.peek() == b"}":
            return b"{}"
        while True:
            members.append(self.member())
            if self.comma_or(b"}") == b"}":
                return self.write_object(members)

    def member(self):
        key = self.key()
        self.skip_white()
        self.expect(b":")
        self.written += 1
        self.steps.append(key)
        value = self.value()
        self.steps.pop()
        return key, value

    def key(self):
        self.skip_white()
        if self.peek() != b'"':
            raise self.unexpected()
        key = self.string()
        self.written += len(write_string(key))
        self.check_size()
        return key

    def write_object(self, members):
        members.sort(key=lambda member: utf16(member[0]))
        for (key, _), (following, _) in zip(members, members[1:]):
            if key == following:
                raise Refused("PR106", path_text(self.steps + [key]), self.at)
        return b"{" + b",".join(write_string(key) + b":" + value for key, value in members) + b"}"

    def comma_or(self, closing):
        """Stands behind an element; steps over a comma, but not over the closing bracket."""
        self.skip_white()
        found = self.peek()
        if found == b",":
            self.at += 1
            self.written += 1
        elif found != closing:
            raise self.unexpected()
        return found

    def word(self, word):
        for letter in word:
            self.expect(bytes([letter]))
        return word

    # Strings: read as text without escapes, so that keys compare as what they say.

    def string(self):
        self.at += 1
        pieces = []
        while True:
            end = PLAIN.match(self.text, self.at).end()
            pieces.append(self.text[self.at : end])
            self.at = end
            found = self.peek()
            if found == b'"':
                self.at += 1
                return b"".join(pieces).decode("utf-8")
            if found != b"\\":
                raise self.unexpected()
            self.at += 1
            pieces.append(self.escape())

    def escape(self):
        """Reads from behind the backslash."""
        letter = self.peek()
        if letter in SHORT_ESCAPES:
            self.at += 1
            return SHORT_ESCAPES[letter]
        self.expect(b"u")
        return self.unicode_escape().encode("utf-8")

    def unicode_escape(self):
        """Reads from behind `\\u`, and a second half if the first asks for one."""
        unit = self.four_digits()
        if unit == 0:
            raise self.fault("PR108")
        if 0xDC00 <= unit <= 0xDFFF:
            raise self.fault("PR107")
        if not 0xD800 <= unit <= 0xDBFF:
            return chr(unit)
        if self.text[self.at : self.at + 2] != b"\\u":
            raise self.fault("PR107")
        self.at += 2
        lower = self.four_digits()
        if not 0xDC00 <= lower <= 0xDFFF:
            raise self.fault("PR107")
        return chr(0x10000 + ((unit - 0xD800) << 10) + (lower - 0xDC00))

    def four_digits(self):
        start = self.at
        for _ in range(4):
            if self.peek() not in HEX or self.peek() == b"":
                raise self.unexpected()
            self.at += 1
        return int(self.text[start : self.at], 16)

    # Numbers: the token is read by RFC 8259's grammar, then judged by 1.3.

    def number(self):
        negative = self.peek() == b"-"
        if negative:
            self.at += 1
        # A leading zero is a whole part of its own: in `01` the number ends before the 1.
        if self.peek() == b"0":
            self.at += 1
            whole = "0"
        else:
            whole = self.digits()
        fraction = ""
        if self.peek() == b".":
            self.at += 1
            fraction = self.digits()
        exponent = 0
        if self.peek() in (b"e", b"E"):
            self.at += 1
            exponent = self.exponent()
        try:
            return canonical_number(negative, *significant(whole, fraction, exponent))
        except Refused as fault:
            raise self.fault(fault.code) from None

    def exponent(self):
        sign = -1 if self.peek() == b"-" else 1
        if self.peek() in (b"+", b"-"):
            self.at += 1
        return sign * saturated(self.digits())

    def digits(self):
        end = DIGITS.match(self.text, self.at).end()
        if end == self.at:
            raise self.unexpected()
        run = self.text[self.at : end].decode("ascii")
        self.at = end
        return run

    # The cursor.

    def peek(self):
        """The byte ahead, or nothing at the end of the text."""
        return self.text[self.at : self.at + 1]

    def skip_white(self):
        self.at = WHITE.match(self.text, self.at).end()

    def expect(self, byte):
        if self.peek() != byte:
            raise self.unexpected()
        self.at += 1

    def check_size(self):
        if self.written > LARGEST:
            raise Refused("PR902", "$", self.at)

    def unexpected(self):
        return self.fault("PR103" if self.at < len(self.text) else "PR104")

    def fault(self, code):
        return Refused(code, path_text(self.steps), self.at)


def path_text(steps):
    """The JSON path of 1.1."""
    return "$" + "".join(step_text(step) for step in steps)


def step_text(step):
    if isinstance(step, int):
        return f"[{step}]"
    shown = step if len(step) <= 64 else step[:64] + "…"
    # Whether a name is a plain one is decided by the whole name, not by what is shown of it.
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", step):
        return "." + shown
    return "[" + write_string(shown).decode("utf-8") + "]"


def utf16(key):
    # Big-endian bytes compare exactly as the sequence of code units does.
    return key.encode("utf-16-be")


ESCAPED = re.compile(r'["\\\x00-\x1f]')
WRITTEN_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def write_string(string):
    """A string in canonical form, quotes included (1.2)."""
    return ('"' + ESCAPED.sub(write_escape, string) + '"').encode("utf-8")


def write_escape(match):
    character = match.group()
    return WRITTEN_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def saturated(digits):
    """An exponent's digits as an integer, cut off where no text is long enough to matter."""
    digits = digits.lstrip("0")
    return 10**18 if len(digits) > 18 else int(digits or "0")


def significant(whole, fraction, exponent):
    """D and e of 1.3; D is empty for zero."""
    run = whole + fraction
    digits = run.lstrip("0")
    first = len(run) - len(digits)
    return digits.rstrip("0"), len(whole) - 1 - first + exponent


def canonical_number(negative, digits, e):
    """The number D × 10^e as written, or Refused; the rules in the order of 1.3."""
    if digits == "":
        return b"0"
    gate(digits, e)
    return (("-" if negative else "") + layout(digits, e + 1)).encode("ascii")


def gate(digits, e):
    if len(digits) > 17:
        raise Refused("PR201")
    if e > 308 or e < -324:
        raise Refused("PR202")
    if len(digits) <= 15 and abs(e) <= 290:
        return
    # float() rounds correctly, ties to even, and repr() gives the shortest decimal.
    nearest = float(f"{digits}e{e - len(digits) + 1}")
    if nearest == 0 or nearest == float("inf"):
        raise Refused("PR202")
    if parts_of_repr(repr(nearest)) != (digits, e):
        raise Refused("PR201")


def parts_of_repr(text):
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    return significant(whole, fraction, int(exponent or "0"))


def layout(digits, n):
    """The table of 1.3."""
    m = len(digits)
    if m <= n <= 21:
        return digits + "0" * (n - m)
    if 0 < n < m:
        return digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + digits
    point = "." if m > 1 else ""
    sign = "+" if n > 0 else "-"
    return f"{digits[0]}{point}{digits[1:]}e{sign}{abs(n - 1)}"


# --- Sections 1.4 and 1.5: a typed row, given as cells -----------------------------------------


class RowRefused(Refused):
    """A refusal of a row, which may hold several faults.

    The page leaves open which of them is reported. This one reports the first it met; `faults`
    lists all of them as (code, path), so that a judge can accept any.
    """

    def __init__(self, faults):
        super().__init__(*faults[0])
        self.faults = faults


def canonical_of_cells(text):
    """The canonical form of the row that a cells text describes, bytes to bytes, or Refused."""
    refuse_what_is_not_utf8(text)
    if text.startswith(b"\xef\xbb\xbf"):
        raise Refused("PR102", "$", 0)
    CellReader(text, [], 0).document()
    return RowWriter().row(json.loads(text))


class CellReader(Reader):
    """Reads the text of cells as 1.1 reads any, and refuses what no cell holds (1.5)."""

    def object(self):
        raise Refused("PR118", "$", self.at)

    def number(self):
        try:
            super().number()
        except Refused as fault:
            # Its grammar is judged; what it would become is not.
            if fault.code not in ("PR201", "PR202"):
                raise
        raise Refused("PR118", "$", self.at)

    def word(self, word):
        super().word(word)
        if word != b"null":
            raise Refused("PR118", "$", self.at)
        return word

    def check_size(self):
        """PR902 is about the row."""


TYPE = re.compile(r"([a-z0-9]+)((?:\[\])*)")
NUMERAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?")
# Without ASCII, ignoring case would let a dotless i stand for an i.
NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
HEX_PAIRS = re.compile("(?:[0-9a-fA-F]{2})*")
UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A year may be too long here, so that it is refused as a year and not as a wrong spelling.
DATE = "([0-9]{4,})-([0-9]{2})-([0-9]{2})"
TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
OFFSET = "([+-])([0-9]{2})(?::?([0-9]{2})|:([0-9]{2}):([0-9]{2}))?"
DATE_ONLY = re.compile(DATE)
TIME_ONLY = re.compile(TIME)
TIMESTAMP = re.compile(f"{DATE}[ T]{TIME}")
TIMESTAMPTZ = re.compile(f"{DATE}[ T]{TIME} ?(?:Z|UTC|{OFFSET})")
BAD_YEAR = re.compile("[0-9]{5,}|0000-")


class RowWriter:
    """Writes cells as one JSON object and collects the faults on the way.

    Each writing method returns the canonical bytes of what it was given; with a fault it returns
    bytes of no meaning, since then the faults are the result. `steps` is the path of the value
    being written and `depth` the number of containers around it.
    """

    def __init__(self):
        self.steps = []
        self.depth = 0
        self.faults = []

    def row(self, cells):
        form = self.struct(cells)
        if len(form) > LARGEST:
            self.faults.append(("PR902", "$"))
        if self.faults:
            raise RowRefused(self.faults)
        return form

    def refuse(self, code):
        self.faults.append((code, path_text(self.steps)))
        return b""

    def refuse_member(self, code, key):
        self.faults.append((code, path_text(self.steps + [key])))

    # Containers. Their depth needs no check of its own: the cells text nests deeper than the row
    # it describes, and 1.1 has bounded it. Only the text of a JSON cell can lead further down.

    def struct(self, cells):
        """A row, or a struct within one: names are folded and must be column names."""
        members = self.members(cells, folded)
        for key in repeated(members):
            self.refuse_member("PR112", key)
        if any(key == "" for key, _ in members):
            self.refuse_member("PR112", "")
        return write_members(members)

    def map(self, cells):
        members = self.members(cells, as_it_is)
        for key in repeated(members):
            self.refuse_member("PR106", key)
        return write_members(members)

    def members(self, cells, key_of):
        if not isinstance(cells, list):
            self.refuse("PR118")
            return []
        self.depth += 1
        members = [self.member(cell, key_of) for cell in cells]
        self.depth -= 1
        return [member for member in members if member is not None]

    def member(self, cell, key_of):
        """The key and the written value of one cell, or None for what has no name."""
        if not is_cell(cell):
            self.refuse("PR118")
        # Of what is no cell, the parts that are there may be at fault as well.
        name, kind, value = ((cell if isinstance(cell, list) else []) + [None] * 3)[:3]
        if not isinstance(name, str):
            return None
        self.steps.append(key_of(name))
        written = self.typed(kind, value) if isinstance(kind, str) else b""
        self.steps.pop()
        return key_of(name), written

    def array(self, kind, values):
        if not isinstance(values, list):
            return self.refuse("PR118")
        self.depth += 1
        elements = []
        for index, value in enumerate(values):
            self.steps.append(index)
            elements.append(self.typed(kind, value))
            self.steps.pop()
        self.depth -= 1
        return b"[" + b",".join(elements) + b"]"

    def typed(self, kind, value):
        """A value of the type named."""
        spelled = TYPE.fullmatch(kind)
        base, brackets = spelled.groups() if spelled else ("", "")
        if base not in CONTAINERS and base not in SCALAR_TYPES:
            # What such a value should look like is unknown, but no type has numbers or objects.
            if holds_no_value(value) or (kind.endswith("[]") and isinstance(value, str)):
                self.refuse("PR118")
            return self.refuse("PR116")
        if value is None:
            return b"null"
        if brackets:
            return self.array(kind.removesuffix("[]"), value)
        if base in CONTAINERS:
            return CONTAINERS[base](self, value)
        if not isinstance(value, str):
            return self.refuse("PR118")
        return SCALAR_TYPES[base](self, value)

    # Scalars, each from its text.

    def boolean(self, text):
        return text.encode("ascii") if text in ("true", "false") else self.refuse("PR119")

    def number(self, text, write):
        if NO_NUMBER.fullmatch(text):
            return self.refuse("PR202")
        numeral = read_numeral(text)
        if numeral is None:
            return self.refuse("PR119")
        negative, digits, e = numeral
        return write(negative, digits, e) if digits else b"0"

    def numeric(self, text):
        return self.number(text, self.exact)

    def exact(self, negative, digits, e):
        if is_kept_as_number(digits, e):
            return canonical_number(negative, digits, e)
        # 1e999999999 is eleven characters here and a gigabyte there: judged before it is written.
        if negative + plain_length(digits, e) > LARGEST:
            self.faults.append(("PR902", "$"))
            return b""
        return write_string(("-" if negative else "") + plain(digits, e))

    def float8(self, text):
        return self.number(text, self.nearest(shortest_of_binary64))

    def float4(self, text):
        return self.number(text, self.nearest(shortest_of_binary32))

    def nearest(self, shortest):
        def write(negative, digits, e):
            kept = shortest(digits, e)
            return canonical_number(negative, *kept) if kept else self.refuse("PR202")

        return write

    def text(self, text):
        return write_string(text)

    def char(self, text):
        return write_string(text.rstrip(" "))

    def bytes(self, text):
        if not HEX_PAIRS.fullmatch(text):
            return self.refuse("PR119")
        encoded = base64.urlsafe_b64encode(bytes.fromhex(text)).decode("ascii")
        return write_string(encoded.rstrip("="))

    def uuid(self, text):
        lowered = folded(text)
        return write_string(lowered) if UUID.fullmatch(lowered) else self.refuse("PR119")

    def json(self, text):
        try:
            return canonical_within(text.encode("utf-8"), self.steps, self.depth)
        except Refused as fault:
            self.faults.append((fault.code, fault.path))
            return b""

    # Dates and times. One text may hold a fault for each of the two codes.

    def date(self, text):
        found = self.dated(DATE_ONLY, text)
        if not found or self.refuse_all(date_faults(*found.groups())):
            return b""
        return write_string(text)

    def time(self, text):
        found = TIME_ONLY.fullmatch(text)
        if not found:
            return self.refuse("PR119")
        if self.refuse_all(time_faults(*found.groups())):
            return b""
        return write_string(time_text(*found.groups()))

    def timestamp(self, text):
        found = self.dated(TIMESTAMP, text)
        if not found:
            return b""
        date, time = found.groups()[:3], found.groups()[3:]
        if self.refuse_all(date_faults(*date) + time_faults(*time)):
            return b""
        return write_string("-".join(date) + "T" + time_text(*time))

    def timestamptz(self, text):
        found = self.dated(TIMESTAMPTZ, text)
        if not found:
            return b""
        date, time, offset = found.groups()[:3], found.groups()[3:7], found.groups()[7:]
        if self.refuse_all(date_faults(*date) + time_faults(*time) + offset_faults(*offset)):
            return b""
        in_utc = moved_to_utc(date, time, offset)
        if in_utc is None:
            return self.refuse("PR117")
        return write_string(in_utc + "Z")

    def dated(self, pattern, text):
        """The match of a text that says a day, or None. A year before 1 is refused on the way."""
        if text in ("infinity", "-infinity"):
            self.refuse("PR117")
            return None
        if text.endswith(" BC"):
            self.refuse("PR117")
            text = text.removesuffix(" BC")
        found = pattern.fullmatch(text)
        if not found:
            # What cannot be read further may already have shown a year that is out of range.
            if BAD_YEAR.match(text):
                self.refuse("PR117")
            self.refuse("PR119")
        return found

    def refuse_all(self, codes):
        for code in codes:
            self.refuse(code)
        return bool(codes)


CONTAINERS = {"struct": RowWriter.struct, "map": RowWriter.map}
SCALAR_TYPES = {
    "boolean": RowWriter.boolean,
    "numeric": RowWriter.numeric,
    "float8": RowWriter.float8,
    "float4": RowWriter.float4,
    "text": RowWriter.text,
    "char": RowWriter.char,
    "bytes": RowWriter.bytes,
    "uuid": RowWriter.uuid,
    "date": RowWriter.date,
    "time": RowWriter.time,
    "timestamp": RowWriter.timestamp,
    "timestamptz": RowWriter.timestamptz,
    "json": RowWriter.json,
}

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOLD = str.maketrans(UPPER, UPPER.lower())


def folded(name):
    # Not lower(): only A to Z are folded.
    return name.translate(FOLD)


def as_it_is(name):
    return name


def is_cell(cell):
    if not isinstance(cell, list) or len(cell) != 3:
        return False
    return isinstance(cell[0], str) and isinstance(cell[1], str)


def repeated(members):
    keys = sorted((key for key, _ in members), key=utf16)
    return sorted({key for key, following in zip(keys, keys[1:]) if key == following}, key=utf16)


def write_members(members):
    members = sorted(members, key=lambda member: utf16(member[0]))
    return b"{" + b",".join(write_string(key) + b":" + value for key, value in members) + b"}"


def holds_no_value(value):
    """Whether anything in it is neither null, a string nor an array."""
    if isinstance(value, list):
        return any(holds_no_value(element) for element in value)
    return not (value is None or isinstance(value, str))


# Exact numerics.


def read_numeral(text):
    """Sign, D and e of a numeral (1.5), or None; D is empty for zero."""
    found = NUMERAL.fullmatch(text)
    if not found:
        return None
    sign, whole, fraction, exponent_sign, exponent = found.groups(default="")
    if whole + fraction == "":
        return None
    power = saturated(exponent) * (-1 if exponent_sign == "-" else 1)
    return sign == "-", *significant(whole, fraction, power)


def is_kept_as_number(digits, e):
    if len(digits) <= 15 and -7 <= e <= 20:
        return True
    # An integer of at most 16 digits may still be within 2^53 - 1.
    return len(digits) - 1 <= e <= 15 and int(digits.ljust(e + 1, "0")) <= MOST_EXACT


def plain_length(digits, e):
    """How many characters plain() would write."""
    if e < 0:
        return len("0.") + (-e - 1) + len(digits)
    if e >= len(digits) - 1:
        return e + 1
    return len(digits) + len(".")


def plain(digits, e):
    """D × 10^e in plain notation, D being without zeros at its ends."""
    if e < 0:
        return "0." + "0" * (-e - 1) + digits
    if e >= len(digits) - 1:
        return digits + "0" * (e + 1 - len(digits))
    return digits[: e + 1] + "." + digits[e + 1 :]


# Binary floating point. Both give D and e of the shortest decimal, or None out of range.


def shortest_of_binary64(digits, e):
    # Far outside, float() might be asked for an exponent of any length.
    if abs(e) > 400:
        return None
    # float() rounds correctly, ties to even, and repr() gives the shortest decimal.
    nearest = float(f"{digits}e{e - len(digits) + 1}")
    if nearest == 0 or nearest == float("inf"):
        return None
    return parts_of_repr(repr(nearest))


def shortest_of_binary32(digits, e):
    if abs(e) > 100:
        return None
    nearest = nearest_binary32(fraction_of(digits, e))
    if nearest == 0 or nearest >= 2**128:
        return None
    return shortest_decimal(nearest)


def fraction_of(digits, e):
    # Whatever lies behind a thousand digits only says on which side of them the number is, since
    # no binary32, and no middle between two, has that many. D ends in a digit other than 0.
    if len(digits) > 1000:
        digits = digits[:1000] + "1"
    return int(digits) * fractions.Fraction(10) ** (e - len(digits) + 1)


def nearest_binary32(number):
    """A positive number rounded to 24 bits, fewer near zero, ties to even; 2^128 is infinity."""
    numerator, denominator = number.as_integer_ratio()
    # Counting digits gives the exponent, or one less.
    exponent = numerator.bit_length() - denominator.bit_length() - 1
    if number >= fractions.Fraction(2) ** (exponent + 1):
        exponent += 1
    step = fractions.Fraction(2) ** (max(exponent, -126) - 23)
    # round() of a Fraction is exact, ties to even.
    return round(number / step) * step


def shortest_decimal(number):
    """Of the decimals that read back as this binary32: fewest digits, then nearest, then even."""
    numerator, denominator = number.as_integer_ratio()
    e = len(str(numerator)) - len(str(denominator)) - 1
    if number >= fractions.Fraction(10) ** (e + 1):
        e += 1
    for length in range(1, 10):
        unit = fractions.Fraction(10) ** (e - length + 1)
        below = number // unit
        # If any decimal of this length reads back, so does one of the two next to the number.
        reading_back = [n for n in (below, below + 1) if nearest_binary32(n * unit) == number]
        if reading_back:
            n = min(reading_back, key=lambda n: (abs(n * unit - number), n % 2))
            run = str(n)
            return run.rstrip("0"), e + len(run) - length
    raise AssertionError("nine digits tell every binary32 from its neighbours")


# Dates and times: each function takes the runs of digits as they were matched.


def date_faults(year, month, day):
    faults = []
    if len(year) > 4 or year == "0000":
        faults.append("PR117")
    # The calendar repeats every 400 years, so of a longer year the last four digits tell.
    if not 1 <= int(month) <= 12 or not 1 <= int(day) <= days_of(int(year[-4:]), int(month)):
        faults.append("PR119")
    return faults


def time_faults(hour, minute, second, fraction):
    fraction = fraction or ""
    faults = []
    if (hour, minute, second) == ("24", "00", "00") and fraction.strip("0") == "":
        faults.append("PR117")
    elif int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        faults.append("PR119")
    if fraction[6:].strip("0") != "":
        faults.append("PR117")
    return faults


def offset_faults(sign, hours, *minutes_and_seconds):
    if sign is None:
        return []
    rest = [int(part) for part in minutes_and_seconds if part is not None]
    return ["PR119"] if int(hours) > 23 or any(part > 59 for part in rest) else []


def days_of(year, month):
    """How many days a month has, in the proleptic Gregorian calendar."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def time_text(hour, minute, second, fraction):
    return f"{hour}:{minute}:{second}.{(fraction or '')[:6].ljust(6, '0')}"


def moved_to_utc(date, time, offset):
    """Date and time in UTC, as written, or None where that is in no year of four digits."""
    hour, minute, second, fraction = time
    local = int(hour) * 3600 + int(minute) * 60 + int(second)
    # An offset is less than a day, so at most one midnight lies between.
    days, seconds = divmod(local - offset_seconds(*offset), 86_400)
    year, month, day = next_to(*(int(part) for part in date), days)
    if not 1 <= year <= 9999:
        return None
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    clock = time_text(f"{hour:02}", f"{minute:02}", f"{second:02}", fraction)
    return f"{year:04}-{month:02}-{day:02}T{clock}"


def offset_seconds(sign, hours, minutes, minutes_before_seconds, seconds):
    if sign is None:
        return 0
    ahead = int(hours) * 3600 + int(minutes or minutes_before_seconds or 0) * 60 + int(seconds or 0)
    return -ahead if sign == "-" else ahead


def next_to(year, month, day, days):
    """The same day, the one before or the one behind."""
    if days == 1 and day == days_of(year, month):
        return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
    if days == -1 and day == 1:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        return year, month, days_of(year, month)
    return year, month, day + days


# --- Section 2: the proof ----------------------------------------------------------------------


def proof_hash(canonical_form, blind_key=None):
    if blind_key is None:
        return blake3.blake3(canonical_form).digest()
    demand_length(blind_key, "PR304")
    return blake3.blake3(canonical_form, key=blind_key).digest()


def blind(secret, record_id):
    demand_length(secret, "PR304")
    if not record_id:
        raise Refused("PR113")
    material = secret + record_id.encode("utf-8")
    return blake3.blake3(material, derive_key_context=BLIND_CONTEXT).digest()


def demand_length(value, code="PR301"):
    if len(value) != 32:
        raise Refused(code)


def proof_id(value):
    demand_length(value)
    return "prf_" + base64.b32encode(value).decode("ascii").rstrip("=").lower()


def hex_text(value):
    return "0x" + value.hex()


def hash_of_hex(text, code="PR301"):
    if not isinstance(text, str) or not re.fullmatch("0x[0-9a-f]{64}", text):
        raise Refused(code)
    return bytes.fromhex(text[2:])


def hash_of_id(text):
    # 260 bits carry 256: the four left over must be zero, which leaves `a` and `q` at the end.
    if not re.fullmatch("prf_[a-z2-7]{51}[aq]", text):
        raise Refused("PR302")
    return base64.b32decode(text[4:].upper() + "====")


def proof_hash_of(text):
    """The hash behind any of its spellings: `0x…`, a proof document, `prf_…`."""
    if text.startswith("0x"):
        return hash_of_hex(text)
    if text.startswith("{"):
        return parse_proof_document(text.encode("utf-8"))[0]
    return hash_of_id(text)


def proof_document(canonical_form, blind_key=None):
    """What minting returns, as JCS text (2.3)."""
    value = proof_hash(canonical_form, blind_key)
    document = {
        "canon": CANON,
        "hash": "blake3",
        "proof_hash": hex_text(value),
        "proof_id": proof_id(value),
        "v": 1,
    }
    if blind_key is None:
        document["size"] = len(canonical_form)
    else:
        document["blinded"] = True
    return jcs(document)


def parse_proof_document(text):
    """The members of a proof document as (hash, size), where a blinded one has size None."""
    document = read_document(text, "PR303")
    blinded = "blinded" in document
    demand_members(document, PROOF_MEMBERS | {"blinded" if blinded else "size"}, "PR303")
    value = hash_of_hex(document["proof_hash"], "PR303")
    contradicting = (
        document["canon"] != CANON
        or document["hash"] != "blake3"
        or document["proof_id"] != proof_id(value)
        or not is_integer(document["v"], 1, 1)
        or (blinded and document["blinded"] is not True)
        or (not blinded and not is_integer(document["size"], 1, LARGEST))
    )
    if contradicting:
        raise Refused("PR303")
    return value, None if blinded else document["size"]


PROOF_MEMBERS = {"canon", "hash", "proof_hash", "proof_id", "v"}


def jcs(document):
    """One of our own documents in JCS form."""
    return canonical(json.dumps(document).encode("utf-8")).decode("utf-8")


def read_json(text, code):
    """JSON in any spelling, one fault code for everything wrong with it.

    Reading its canonical form makes 1, 1.0 and 10e-1 the same integer, as databases reprint
    them, and refuses repeated members.
    """
    try:
        return json.loads(canonical(text))
    except Refused:
        raise Refused(code) from None


def read_document(text, code):
    document = read_json(text, code)
    if not isinstance(document, dict):
        raise Refused(code)
    return document


def demand_members(document, names, code):
    if not isinstance(document, dict) or set(document) != names:
        raise Refused(code)


def is_integer(value, least, most):
    # Not isinstance: in Python true and false are integers too.
    return type(value) is int and least <= value <= most


def verify_proof(record, document, blind_key=None):
    form = canonical(record)
    value, size = parse_proof_document(document)
    if blind_key is None:
        if size is None:
            raise Refused("PR305")
        return proof_hash(form) == value and len(form) == size
    demand_length(blind_key, "PR304")
    return size is None and proof_hash(form, blind_key) == value


# --- Section 3: the batch ----------------------------------------------------------------------


def leaf(value):
    return hashlib.sha256(b"\x00" + value).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def distinct(hashes):
    """A batch is a set: sorted, duplicates removed; and not empty."""
    if not hashes:
        raise Refused("PR308")
    for value in hashes:
        demand_length(value)
    return sorted(set(hashes))


def split(n):
    """The largest power of two below n, for n > 1."""
    return 1 << ((n - 1).bit_length() - 1)


def tree(nodes):
    """RFC 9162 2.1.1 over hashes that already are nodes."""
    if len(nodes) == 1:
        return nodes[0]
    k = split(len(nodes))
    return node(tree(nodes[:k]), tree(nodes[k:]))


def root(hashes):
    return tree([leaf(value) for value in distinct(hashes)])


def path_of(index, nodes):
    """RFC 9162 2.1.3.1: the siblings on the way from a leaf to the root, the leaf's own first."""
    if len(nodes) == 1:
        return []
    k = split(len(nodes))
    if index < k:
        return path_of(index, nodes[:k]) + [tree(nodes[k:])]
    return path_of(index - k, nodes[k:]) + [tree(nodes[:k])]


def path_length(index, count):
    """How long that path is; an index and a count allow one length only."""
    if count == 1:
        return 0
    k = split(count)
    if index < k:
        return path_length(index, k) + 1
    return path_length(index - k, count - k) + 1


def leads_to(leaf_hash, index, count, path, root_hash):
    """RFC 9162 2.1.3.2, step by step."""
    if index >= count:
        return False
    fn, sn, r = index, count - 1, leaf_hash
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            r = node(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root_hash


def inclusion(hashes, value):
    """The inclusion document of a member of the set."""
    leaves = distinct(hashes)
    index = leaves.index(value)
    path = path_of(index, [leaf(one) for one in leaves])
    return jcs({"count": len(leaves), "index": index, "path": [hex_text(p) for p in path]})


def verify_inclusion(value, document, root_hash):
    demand_length(value)
    demand_length(root_hash)
    found = read_document(document, "PR306")
    demand_members(found, {"count", "index", "path"}, "PR306")
    count = demand_count(found["count"], "PR306")
    path = demand_path(found["index"], count, found["path"], "PR306")
    return leads_to(leaf(value), found["index"], count, path, root_hash)


def demand_count(count, code):
    if not is_integer(count, 1, MOST_LEAVES):
        raise Refused(code)
    return count


def demand_path(index, count, path, code):
    if not is_integer(index, 0, count - 1) or not isinstance(path, list):
        raise Refused(code)
    if len(path) != path_length(index, count):
        raise Refused(code)
    return [hash_of_hex(p, code) for p in path]


def absence(hashes, value):
    """The absence document of a hash that is not in the set."""
    leaves = distinct(hashes)
    if value in leaves:
        raise ValueError("a member of the set is not absent from it")
    nodes = [leaf(one) for one in leaves]
    right = sum(one < value for one in leaves)
    document = {"count": len(leaves)}
    if right > 0:
        document["left"] = neighbour(right - 1, leaves, nodes)
    if right < len(leaves):
        document["right"] = neighbour(right, leaves, nodes)
    return jcs(document)


def neighbour(index, leaves, nodes):
    path = [hex_text(p) for p in path_of(index, nodes)]
    return {"index": index, "leaf": hex_text(leaves[index]), "path": path}


def verify_absence(value, document, root_hash):
    demand_length(value)
    demand_length(root_hash)
    found = read_document(document, "PR307")
    sides = set(found) & {"left", "right"}
    demand_members(found, {"count"} | sides, "PR307")
    # A tree has at least one leaf, so every absent hash has at least one neighbour.
    if not sides:
        raise Refused("PR307")
    count = demand_count(found["count"], "PR307")
    left = read_neighbour(found["left"], count) if "left" in sides else None
    right = read_neighbour(found["right"], count) if "right" in sides else None
    return lies_between(value, left, right, count) and all(
        leads_to(leaf(side_leaf), index, count, path, root_hash)
        for index, side_leaf, path in (side for side in (left, right) if side)
    )


def read_neighbour(side, count):
    demand_members(side, {"index", "leaf", "path"}, "PR307")
    path = demand_path(side["index"], count, side["path"], "PR307")
    return side["index"], hash_of_hex(side["leaf"], "PR307"), path


def lies_between(value, left, right, count):
    left_index = left[0] if left else -1
    right_index = right[0] if right else count
    if right_index != left_index + 1:
        return False
    return (not left or left[1] < value) and (not right or value < right[1])


def combine(roots, k):
    """The root over the roots of blocks of 2^k leaves.

    Equal blocks, but for the last, fall on the tree's own splits, so k does not change the
    result; it is still part of the input, and checked.
    """
    if not 0 <= k <= 63 or not roots:
        raise Refused("PR309")
    return tree(roots)


def parts(hashes, limit=2**20):
    """The cells of a large set as (part document or None, sorted hashes)."""
    leaves = distinct(hashes)
    for bits in range(MOST_PART_BITS + 1):
        cells = cut(leaves, bits)
        if all(len(cell) <= limit for cell in cells.values()):
            return [
                (jcs({"bits": bits, "index": j, "parts": len(cells)}) if bits else None, cell)
                for j, cell in sorted(cells.items())
            ]
    raise Refused("PR904")


def cut(leaves, bits):
    cells = {}
    for value in leaves:
        cells.setdefault(int.from_bytes(value, "big") >> (256 - bits), []).append(value)
    return cells


# --- Section 4: the log ------------------------------------------------------------------------


LARGEST_DECIMAL = 2**63 - 1
LONGEST_ENTRY = 65_535
MOST_SIGNATURES = 100
MOST_PATH_LINES = 63
ED25519, COSIGNATURE = 1, 4
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
DECIMAL = re.compile(r"0|[1-9][0-9]*")


def entry(text):
    """The members of a log entry (4.1)."""
    if len(text) > LONGEST_ENTRY:
        raise Refused("PR905")
    found = read_document(text, "PR407")
    kind = found.get("kind")
    if kind == "status":
        demand_members(found, {"at", "count", "kind", "map_root", "v"}, "PR407")
        demand(is_integer(found["count"], 0, MOST_LEAVES), "PR407")
        empty = hash_of_hex(found["map_root"], "PR407") == bytes(32)
        demand(empty == (found["count"] == 0) and is_time(found["at"]), "PR407")
    else:
        demand(isinstance(kind, str) and kind in BATCH_MEMBERS, "PR407")
        optional = set(found) & {"label", "part"}
        names = {"batch_root", "canon", "closed_at", "count", "kind", "v"}
        demand_members(found, names | BATCH_MEMBERS[kind] | optional, "PR407")
        for name in {"batch_root"} | BATCH_MEMBERS[kind]:
            hash_of_hex(found[name], "PR407")
        demand(found["canon"] == CANON and is_time(found["closed_at"]), "PR407")
        demand(is_integer(found["count"], 1, MOST_LEAVES), "PR407")
        demand("label" not in found or is_label(found["label"]), "PR407")
        demand("part" not in found or is_part(found["part"]), "PR407")
    demand(is_integer(found["v"], 1, 1) and canonical(text) == text, "PR407")
    return found


BATCH_MEMBERS = {
    "records": set(),
    "audience": {"audience_hash"},
    "settlement": {"statement_hash"},
}


def demand(holds, code):
    if not holds:
        raise Refused(code)


def is_time(text):
    match = TIME.fullmatch(text) if isinstance(text, str) else None
    # The pattern's digits are those of ASCII.
    if not match:
        return False
    year, month, day, hour, minute, second = (int(number) for number in match.groups())
    return (
        1 <= year
        and 1 <= month <= 12
        and 1 <= day <= days_of(year, month)
        and hour < 24
        and minute < 60
        and second < 60
    )


def is_label(label):
    return isinstance(label, str) and label != ""


def is_part(part):
    if not isinstance(part, dict) or set(part) != {"bits", "index", "parts"}:
        return False
    if not is_integer(part["bits"], 1, MOST_PART_BITS):
        return False
    cells = 2 ** part["bits"]
    return is_integer(part["index"], 0, cells - 1) and is_integer(part["parts"], 1, cells)


def identity(text):
    found = entry(text)
    found.pop("closed_at", None)
    return hashlib.sha256(jcs(found).encode("utf-8")).digest()


def entry_leaf(text):
    return hashlib.sha256(b"\x00" + text).digest()


# Ed25519, RFC 8032 section 5.1, by affine points and Python's integers: slow, and for public data
# only, since how long it takes depends on what it is given.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1)


def add(one, other):
    (x1, y1), (x2, y2) = one, other
    both = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + both, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - both, -1, P) % P
    return x, y


def times(scalar, point):
    total = NEUTRAL
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def point_of(encoded):
    """The point of 32 bytes; None unless they are its only spelling."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


def encode_point(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def has_small_order(point):
    return times(8, point) == NEUTRAL


def challenge(*pieces):
    return int.from_bytes(hashlib.sha512(b"".join(pieces)).digest(), "little") % ORDER


@functools.cache
def ed25519_verifies(public, message, signature):
    """Without the cofactor, and strict (4.2)."""
    if len(signature) != 64:
        return False
    a, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or has_small_order(a) or has_small_order(r) or s >= ORDER:
        return False
    k = challenge(signature[:32], public, message)
    return times(s, BASE) == add(r, times(k, a))


def secret_scalar(seed):
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return int.from_bytes(digest[:32], "little"), bytes(digest[32:])


def ed25519_public(seed):
    return encode_point(times(secret_scalar(seed)[0], BASE))


def ed25519_sign(seed, message):
    a, prefix = secret_scalar(seed)
    r = challenge(prefix, message)
    encoded = encode_point(times(r, BASE))
    k = challenge(encoded, ed25519_public(seed), message)
    return encoded + ((r + k * a) % ORDER).to_bytes(32, "little")


def is_name(name):
    return name != "" and not any(one.isspace() or one == "+" or one < " " for one in name)


def read_base64(text, code):
    """Base64 in its one spelling."""
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Refused(code) from None
    demand(base64.b64encode(decoded).decode("ascii") == text, code)
    return decoded


def key_id(name, algorithm, public):
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([algorithm]) + public).digest()[:4]


def key_parts(text, code):
    """Name, id and bytes of name+id+base64(bytes)."""
    pieces = text.split("+", 2)
    demand(len(pieces) == 3 and is_name(pieces[0]), code)
    raw = read_base64(pieces[2], code)
    demand(len(raw) == 33 and raw[0] in (ED25519, COSIGNATURE), code)
    return pieces[0], pieces[1], raw[0], raw[1:]


def verifier_key(text):
    """A key as (name, id, algorithm, 32 bytes)."""
    name, stated, algorithm, public = key_parts(text, "PR401")
    point = point_of(public)
    demand(point is not None and not has_small_order(point), "PR401")
    computed = key_id(name, algorithm, public)
    demand(computed.hex() == stated, "PR401")
    return name, computed, algorithm, public


def verifier_key_text(name, algorithm, public):
    encoded = base64.b64encode(bytes([algorithm]) + public).decode("ascii")
    return f"{name}+{key_id(name, algorithm, public).hex()}+{encoded}"


def signing_key(text):
    """A key as (name, id, algorithm, seed)."""
    demand(text.startswith("PRIVATE+KEY+"), "PR402")
    name, stated, algorithm, seed = key_parts(text.removeprefix("PRIVATE+KEY+"), "PR402")
    computed = key_id(name, algorithm, ed25519_public(seed))
    demand(computed.hex() == stated, "PR402")
    return name, computed, algorithm, seed


def demand_note_text(text):
    demand(text.endswith("\n") and not any(one < " " and one != "\n" for one in text), "PR403")


def cosigned(text, seconds):
    return f"cosignature/v1\ntime {seconds}\n{text}".encode("utf-8")


def sign(key, text, seconds):
    """The note of a text with one signature."""
    name, identifier, algorithm, seed = signing_key(key)
    demand_note_text(text)
    if algorithm == ED25519:
        signature = ed25519_sign(seed, text.encode("utf-8"))
    else:
        demand(seconds <= LARGEST_DECIMAL, "PR403")
        signature = seconds.to_bytes(8, "big") + ed25519_sign(seed, cosigned(text, seconds))
    encoded = base64.b64encode(identifier + signature).decode("ascii")
    return f"{text}\n\u2014 {name} {encoded}\n"


def read_note(note):
    """A note as (text, [(name, id, signature)])."""
    try:
        note = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("PR403") from None
    end = note.rfind("\n\n")
    demand(end >= 0 and note.endswith("\n"), "PR403")
    text, lines = note[: end + 1], note[end + 2 :].split("\n")[:-1]
    demand_note_text(text)
    demand(1 <= len(lines) <= MOST_SIGNATURES, "PR403")
    return text, [read_signature(line) for line in lines]


def read_signature(line):
    pieces = line.split(" ")
    demand(len(pieces) == 3 and pieces[0] == "\u2014" and is_name(pieces[1]), "PR403")
    raw = read_base64(pieces[2], "PR403")
    demand(len(raw) > 4, "PR403")
    return pieces[1], raw[:4], raw[4:]


def open_note(note, keys):
    """Who signed, as (name, seconds or None), in the order of the keys."""
    text, signatures = read_note(note)
    opened = []
    for name, identifier, algorithm, public in keys:
        times_stated = [
            verified_time(text, algorithm, public, signature)
            for signed_name, signed_id, signature in signatures
            if (signed_name, signed_id) == (name, identifier)
        ]
        if times_stated:
            opened.append((name, None if algorithm == ED25519 else max(times_stated)))
    demand(opened, "PR405")
    return opened


def verified_time(text, algorithm, public, signature):
    seconds, message = 0, text.encode("utf-8")
    if algorithm == COSIGNATURE:
        demand(len(signature) == 72, "PR404")
        seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        demand(seconds <= LARGEST_DECIMAL, "PR404")
        message = cosigned(text, seconds)
    demand(ed25519_verifies(public, message, signature), "PR404")
    return seconds


def read_decimal(text, code):
    demand(DECIMAL.fullmatch(text) and int(text) <= LARGEST_DECIMAL, code)
    return int(text)


def checkpoint(text):
    """Origin, size and root of a note's text."""
    demand(text.endswith("\n"), "PR406")
    lines = text.split("\n")[:-1]
    demand(len(lines) >= 3 and all(lines), "PR406")
    size = read_decimal(lines[1], "PR406")
    value = read_base64(lines[2], "PR406")
    demand(len(value) == 32 and (size > 0 or value == empty_root()), "PR406")
    return lines[0], size, value


def empty_root():
    return hashlib.sha256(b"").digest()


def consistency_path(old_size, nodes):
    """RFC 9162 2.1.4.1."""
    if old_size in (0, len(nodes)):
        return []
    return subproof(old_size, nodes, True)


def subproof(m, nodes, whole):
    if m == len(nodes):
        return [] if whole else [tree(nodes)]
    k = split(len(nodes))
    if m <= k:
        return subproof(m, nodes[:k], whole) + [tree(nodes[k:])]
    return subproof(m - k, nodes[k:], False) + [tree(nodes[:k])]


def is_consistent(old_size, old_root, size, new_root, path):
    """RFC 9162 2.1.4.2, step by step; and what section 4.4 says where it says nothing."""
    if old_size == 0:
        return path == [] and old_root == empty_root() and (size > 0 or new_root == old_root)
    if old_size >= size:
        return old_size == size and path == [] and old_root == new_root
    if not path:
        return False
    if old_size & (old_size - 1) == 0:
        path = [old_root] + path
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            sr = node(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == old_root and sr == new_root


def log_proof(text):
    """A log proof as (index, path, checkpoint)."""
    lines = text.split("\n")
    demand(lines.pop(0) == "c2sp.org/tlog-proof@v1" and "" in lines, "PR408")
    end = lines.index("")
    head, rest = lines[:end], "\n".join(lines[end + 1 :])
    if head and head[0].startswith("extra "):
        demand(read_base64(head.pop(0).removeprefix("extra "), "PR408"), "PR408")
    demand(head and head[0].startswith("index ") and rest, "PR408")
    index = read_decimal(head.pop(0).removeprefix("index "), "PR408")
    path = [read_base64(line, "PR408") for line in head]
    demand(len(path) <= MOST_PATH_LINES and all(len(one) == 32 for one in path), "PR408")
    return index, path, rest


# --- Section 6: what is void -------------------------------------------------------------------


def void_value(text):
    """The value of a void document (6.1)."""
    found = read_document(text, "PR409")
    demand_members(found, {"at", "kind", "proof_hash", "reason", "salt", "v"}, "PR409")
    demand(found["kind"] == "void" and is_integer(found["v"], 1, 1), "PR409")
    demand(found["reason"] in ("correction", "erasure", "opt_out"), "PR409")
    demand(is_time(found["at"]), "PR409")
    hash_of_hex(found["proof_hash"], "PR409")
    hash_of_hex(found["salt"], "PR409")
    return hashlib.sha256(jcs(found).encode("utf-8")).digest()


def bit_of(key, at):
    return key[at // 8] >> (7 - at % 8) & 1


def map_leaf(key, value):
    return hashlib.sha256(b"\x00" + key + value).digest()


def map_root(values, depth=0):
    """The root of {proof hash: value} (6.2)."""
    if not values:
        return bytes(32)
    if len(values) == 1:
        return map_leaf(*list(values.items())[0])
    sides = [{key: values[key] for key in values if bit_of(key, depth) == side} for side in (0, 1)]
    return node(map_root(sides[0], depth + 1), map_root(sides[1], depth + 1))


def status_proof(values, target):
    path = []
    while len(values) > 1:
        depth = len(path)
        own = bit_of(target, depth)
        other = {key: values[key] for key in values if bit_of(key, depth) != own}
        values = {key: values[key] for key in values if bit_of(key, depth) == own}
        path.append(hex_text(map_root(other, depth + 1)))
    document = {"path": path}
    for key in values:
        document["terminal"] = {"key": hex_text(key), "value": hex_text(values[key])}
    return jcs(document)


def verify_status(document, target, root_hash):
    """`void 0x…`, `good` or `no` (6.3)."""
    found = read_document(document, "PR410")
    demand_members(found, {"path"} | set(found) & {"terminal"}, "PR410")
    demand(isinstance(found["path"], list), "PR410")
    path = [hash_of_hex(one, "PR410") for one in found["path"]]
    demand(len(path) <= 256 and path[-1:] != [bytes(32)], "PR410")
    reached, answer = bytes(32), "good"
    if "terminal" in found:
        demand_members(found["terminal"], {"key", "value"}, "PR410")
        key, value = (hash_of_hex(found["terminal"][one], "PR410") for one in ("key", "value"))
        if any(bit_of(key, at) != bit_of(target, at) for at in range(len(path))):
            return "no"
        reached = map_leaf(key, value)
        if key == target:
            answer = f"void {hex_text(value)}"
    for at in reversed(range(len(path))):
        pair = (path[at], reached) if bit_of(target, at) else (reached, path[at])
        reached = node(*pair)
    return answer if reached == root_hash else "no"


# --- Sections 4.6 and 5: policies and receipts -------------------------------------------------

MOST_OF_EACH = 64


class Policy:
    """Whom a verifier trusts (4.6)."""

    def __init__(self, text):
        controls = {one for one in text if one < " " or one == "\x7f"}
        demand(text.endswith("\n") and controls <= {"\t", "\n"}, "PR411")
        self.logs, self.witnesses, self.members, self.quorum = [], [], {}, None
        self.grouped = []
        for line in text.split("\n")[:-1]:
            words = [word for word in re.split("[ \t]", line) if word]
            if words and not words[0].startswith("#"):
                self.read_line(words)
        demand(self.quorum is not None, "PR411")

    def read_line(self, words):
        if words[0] == "log" and len(words) in (2, 3):
            self.add_key(self.logs, words[1], ED25519)
        elif words[0] == "witness" and len(words) in (3, 4):
            self.define(words[1], self.add_key(self.witnesses, words[2], COSIGNATURE))
        elif words[0] == "group" and len(words) >= 3:
            names = words[3:]
            for name in names:
                demand(name in self.members and name not in self.grouped, "PR411")
                self.grouped.append(name)
            self.define(words[1], (self.count_of(words[2], len(names)), names))
        elif words[0] == "quorum" and len(words) == 2:
            demand(self.quorum is None, "PR411")
            demand(words[1] == "none" or words[1] in self.members, "PR411")
            self.quorum = words[1]
        else:
            raise Refused("PR411")

    def add_key(self, keys, text, algorithm):
        try:
            key = verifier_key(text)
        except Refused:
            raise Refused("PR411") from None
        demand(key[2] == algorithm and len(keys) < MOST_OF_EACH, "PR411")
        demand(all(known[3] != key[3] for known in keys), "PR411")
        if algorithm == ED25519:
            demand(all(known[0] != key[0] for known in keys), "PR411")
        keys.append(key)
        return key

    def define(self, name, member):
        demand(name != "none" and name not in self.members, "PR411")
        demand(len(self.members) < 2 * MOST_OF_EACH, "PR411")
        self.members[name] = member

    @staticmethod
    def count_of(text, members):
        count = {"all": members, "any": 1}.get(text)
        if count is None:
            count = read_decimal(text, "PR411")
        demand(1 <= count <= members, "PR411")
        return count

    def open(self, note):
        """Origin, size, root, and when the quorum saw it or None."""
        text, signatures = read_note(note)
        origin, size, value = checkpoint(text)
        logs = [log for log in self.logs if log[0] == origin]
        open_note(note, logs)
        if self.quorum == "none":
            return origin, size, value, None
        seen = self.seen(self.quorum, text, signatures)
        # Each cosignature is verified, also of those that the quorum does not need.
        for name in self.members:
            self.seen(name, text, signatures)
        demand(seen is not None, "PR412")
        return origin, size, value, seen

    def seen(self, name, text, signatures):
        member = self.members[name]
        if len(member) == 4:
            key_name, identifier, algorithm, public = member
            stated = [
                verified_time(text, algorithm, public, signature)
                for signed_name, signed_id, signature in signatures
                if (signed_name, signed_id) == (key_name, identifier)
            ]
            return max(stated, default=None)
        count, names = member
        times_seen = [self.seen(one, text, signatures) for one in names]
        times_seen = sorted((one for one in times_seen if one is not None), reverse=True)
        return times_seen[count - 1] if len(times_seen) >= count else None


def parse_receipt(text):
    """The members of a receipt (5.2)."""
    found = read_document(text, "PR310")
    names = {"anchors", "batch", "entry", "proof_hash", "tlog_proof", "v"}
    demand_members(found, names | set(found) & {"blinded"}, "PR310")
    demand(found["anchors"] == [] and is_integer(found["v"], 1, 1), "PR310")
    demand(found.get("blinded", True) is True, "PR310")
    demand_members(found["batch"], {"count", "index", "path"}, "PR310")
    count = demand_count(found["batch"]["count"], "PR310")
    demand_path(found["batch"]["index"], count, found["batch"]["path"], "PR310")
    hash_of_hex(found["proof_hash"], "PR310")
    demand(isinstance(found["entry"], str) and isinstance(found["tlog_proof"], str), "PR310")
    return found


STEPS = ("record", "proof", "batch", "entry", "log", "checkpoint", "anchor", "status")


def verify_receipt(record, blind_key, receipt, policy, kind, status, now, max_age):
    """The name of the first step that fails, or `none` (5.4)."""
    if status is not None:
        try:
            status = read_json(status, "PR310")
        except Refused:
            status = NO_STATUS
    steps = steps_of(record, blind_key, receipt, policy, kind, status, now, max_age)
    return next((name for name in STEPS if steps[name] is False), "none")


# A status receipt that is no JSON is one in vain.
NO_STATUS = {}


def steps_of(record, blind_key, receipt, policy, kind, status, now, max_age):
    """Whether each step holds, None where it was not taken. The status is read as JSON already."""
    steps = dict.fromkeys(STEPS)
    try:
        form = canonical(record)
    except Refused:
        return steps | {"record": False}
    steps["record"] = True
    try:
        found = parse_receipt(receipt)
    except Refused:
        return steps | {"proof": False}
    value = hash_of_hex(found["proof_hash"])
    is_keyed = ("blinded" in found) == (blind_key is not None)
    if not is_keyed or proof_hash(form, blind_key) != value:
        return steps | {"proof": False}
    steps["proof"] = True
    logged = found["entry"].encode("utf-8")
    try:
        members = entry(logged)
        demand(members["kind"] != "status" and kind in (None, members["kind"]), "PR407")
    except Refused:
        return steps | {"entry": False}
    batch = found["batch"]
    path = [hash_of_hex(one) for one in batch["path"]]
    leads = leads_to(
        leaf(value), batch["index"], batch["count"], path, hash_of_hex(members["batch_root"])
    )
    if batch["count"] != members["count"] or not leads:
        return steps | {"batch": False}
    steps |= {"batch": True, "entry": True, "log": is_logged(logged, found["tlog_proof"])}
    if steps["log"] is False:
        return steps
    try:
        origin = Policy(policy).open(log_proof(found["tlog_proof"])[2].encode("utf-8"))[0]
    except Refused:
        return steps | {"checkpoint": False}
    steps["checkpoint"] = True
    if status is not None:
        shown = standing(value, status, policy, now, max_age)
        good = {"fresh": True, "origin": origin, "void": False}
        steps["status"] = shown == good
    return steps


def is_logged(logged, text):
    """Whether the log proof leads there; None if there is no checkpoint, as the next step says."""
    try:
        index, path, note = log_proof(text)
    except Refused:
        return False
    try:
        _, size, value = checkpoint(read_note(note.encode("utf-8"))[0])
    except Refused:
        return None
    return leads_to(entry_leaf(logged), index, size, path, value)


def standing(value, found, policy, now, max_age):
    """What a status receipt, read as JSON, shows of a proof (5.6); None is what it does not."""
    try:
        demand(isinstance(found, dict), "PR310")
        demand_members(found, {"entry", "proof", "tlog_proof", "v"}, "PR310")
        demand(is_integer(found["v"], 1, 1), "PR310")
        demand(isinstance(found["entry"], str) and isinstance(found["tlog_proof"], str), "PR310")
        index, path, note = log_proof(found["tlog_proof"])
        origin, size, value_of_root, seen = Policy(policy).open(note.encode("utf-8"))
        logged = found["entry"].encode("utf-8")
        members = entry(logged)
        demand(members["kind"] == "status" and origin.endswith("/status"), "PR310")
        demand(index + 1 == size, "PR310")
        demand(leads_to(entry_leaf(logged), index, size, path, value_of_root), "PR310")
        answer = verify_status(
            json.dumps(found["proof"]).encode("utf-8"), value, hash_of_hex(members["map_root"])
        )
    except Refused:
        return {"fresh": None, "origin": None, "void": None}
    is_fresh = abs(now - posix(members["at"])) <= max_age
    return {
        "fresh": is_fresh and (seen is None or abs(now - seen) <= max_age),
        "origin": origin.removesuffix("/status"),
        "void": {"good": False, "no": None}.get(answer, True),
    }


def posix(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    return int((moment - datetime.datetime(1970, 1, 1)).total_seconds())


# What the vectors of a log ask for (tests/vectors/README.md), by name.


def counted_leaves(size):
    return [entry_leaf(str(i).encode("ascii")) for i in range(size)]


def listed_hashes(first, path):
    return "[" + ",".join(f'"{hex_text(one)}"' for one in [first] + path) + "]"


def operate_inclusion_path(index, size):
    nodes = counted_leaves(size)
    return listed_hashes(tree(nodes), path_of(index, nodes))


def operate_consistency_path(old_size, size):
    nodes = counted_leaves(size)
    now = tree(nodes) if nodes else empty_root()
    return listed_hashes(now, consistency_path(old_size, nodes))


def operate_is_consistent(old_size, old_root, size, new_root, path):
    hashes = [hash_of_hex(one, "PR309") for one in read_json(path, "PR309")]
    return is_consistent(old_size, old_root, size, new_root, hashes)


def operate_open_note(note, keys):
    opened = open_note(as_bytes(note), [verifier_key(one) for one in keys.split("\n")])
    return "\n".join(name if at is None else f"{name} {at}" for name, at in opened)


def operate_checkpoint(text):
    origin, size, value = checkpoint(text)
    return f"{origin}\n{size}\n{hex_text(value)}"


def operate_entry(text):
    return f"{hex_text(identity(text))}\n{hex_text(entry_leaf(text))}"


def operate_log_proof(proof, logged, size, root_hash):
    index, path, _ = log_proof(proof)
    return leads_to(entry_leaf(as_bytes(logged)), index, size, path, root_hash)


def operate_signing_key(text):
    name, _, algorithm, seed = signing_key(text)
    return verifier_key_text(name, algorithm, ed25519_public(seed))


def operate_policy(policy, note):
    origin, size, _, seen = Policy(policy).open(note.encode("utf-8"))
    return f"{origin}\n{size}\n{'none' if seen is None else seen}"


def status_map(pairs):
    values = {}
    for key, value in json.loads(pairs):
        values.setdefault(hash_of_hex(key), hash_of_hex(value))
    return values


def as_bytes(text):
    return text.encode("utf-8") if isinstance(text, str) else text


OPERATIONS = {
    "checkpoint": operate_checkpoint,
    "consistency_path": operate_consistency_path,
    "entry": operate_entry,
    "inclusion_path": operate_inclusion_path,
    "is_consistent": operate_is_consistent,
    "log_proof": operate_log_proof,
    "open_note": operate_open_note,
    "policy": operate_policy,
    "prove_status": lambda pairs, target: status_proof(status_map(pairs), target),
    "receipt": lambda text: jcs(parse_receipt(text)),
    "sign": sign,
    "signing_key": operate_signing_key,
    "status_root": lambda pairs: hex_text(map_root(status_map(pairs))),
    "verifier_key": lambda text: verifier_key(text)[1].hex(),
    "verify_receipt": verify_receipt,
    "verify_status": verify_status,
    "void_document": lambda text: hex_text(void_value(text)),
}


# --- Section 8: cohorts ------------------------------------------------------------------------

ID = re.compile(
    r"(?P<name>[a-z][a-z0-9_]{0,62}?)(_(?P<zip>[0-9]{5})|_(?P<kind>zip3|dma)_[0-9]{3})?"
)
PLACE_AT_END = re.compile(r".*(_[0-9]{5}|_(zip3|dma)_[0-9]{3})", re.DOTALL)


def demand_cohort_id(text):
    """The parts of an id: its name, and the five digits or other place behind it if any."""
    found = ID.fullmatch(text)
    # The name is matched as short as can be, so that a place at the end is never a part of it.
    if not found or found["name"].endswith("_") or PLACE_AT_END.fullmatch(found["name"]):
        raise Refused("PR501", "$.cohort_id")
    return found


def is_zip(cohort):
    return demand_cohort_id(cohort)["zip"] is not None


def is_zip3(cohort):
    return demand_cohort_id(cohort)["kind"] == "zip3"


def is_dma(cohort):
    return demand_cohort_id(cohort)["kind"] == "dma"


def is_bare(cohort):
    return demand_cohort_id(cohort)["name"] == cohort


def wider(cohort, dma):
    """The next wider cohort of a record that says this market area; None is the remainder."""
    found = demand_cohort_id(cohort)
    if found["zip"]:
        return found["name"] + "_zip3_" + found["zip"][:3]
    if found["kind"] == "zip3" and dma:
        return found["name"] + "_dma_" + dma
    return None if found["name"] == cohort else found["name"]


class Spelled(str):
    """A number as it is spelled."""


def read_record(form):
    """A canonical record, its numbers as they are spelled; what is no object has no signals."""
    record = json.loads(form, parse_int=Spelled, parse_float=Spelled)
    return record if isinstance(record, dict) else {}


NOTHING = object()


def value_at(record, path):
    """What is at a dotted path, or NOTHING."""
    for name in path.split("."):
        record = record.get(name, NOTHING) if isinstance(record, dict) else NOTHING
    return record


class RuleSet:
    """A rule set (8.5), which says which cohorts a record is in (8.6)."""

    def __init__(self, text):
        try:
            self.form = canonical(text)
        except Refused as fault:
            raise Refused("PR504", fault.path, fault.offset) from None
        demand(len(self.form) <= 2**20, "PR504")
        found = json.loads(self.form, parse_int=Spelled, parse_float=Spelled)
        optional = {"places"} if isinstance(found, dict) and "places" in found else set()
        demand_members(found, {"cohorts", "version"} | optional, "PR504")
        demand(type(found["version"]) is str and 1 <= len(found["version"]) <= 64, "PR504")
        places = found.get("places", {})
        demand(isinstance(places, dict) and set(places) <= {"dma", "zip"}, "PR504")
        for path in places.values():
            demand_signal(path)
        self.zip, self.dma = places.get("zip", "zip"), places.get("dma", "dma")
        self.cohorts = found["cohorts"]
        demand(isinstance(self.cohorts, list) and 1 <= len(self.cohorts) <= 10_000, "PR504")
        for cohort in self.cohorts:
            demand_cohort(cohort)
        demand_apart(cohort["name"] for cohort in self.cohorts)

    def hash(self):
        return proof_hash(self.form)

    def ids(self, record):
        """The ids of the cohorts that a record is in, sorted by bytes."""
        code = self.zip_of(record)
        places = {"zip": code, "zip3": code, "dma": self.dma_of(record)}
        ids = []
        for cohort in self.cohorts:
            if holds({key: cohort[key] for key in GROUPS if key in cohort}, record):
                geo = cohort.get("geo")
                place = places.get(geo)
                if place is None:
                    ids.append(cohort["name"])
                elif geo == "zip":
                    ids.append(f"{cohort['name']}_{place}")
                else:
                    ids.append(f"{cohort['name']}_{geo}_{place[:3]}")
        return sorted(ids)

    def zip_of(self, record):
        return place_of(value_at(record, self.zip), "[0-9]{5}")

    def dma_of(self, record):
        return place_of(value_at(record, self.dma), "[0-9]{3}")


def place_of(value, pattern):
    return value if type(value) is str and re.fullmatch(pattern, value) else None


GROUPS = ("all", "any", "not")
OPERATORS = ("eq", "exists", "gt", "gte", "in", "lt", "lte", "ne")


def demand_cohort(cohort):
    demand(isinstance(cohort, dict), "PR504")
    group = set(cohort) & set(GROUPS)
    demand(len(group) == 1, "PR504")
    demand_members(cohort, {"name"} | group | (set(cohort) & {"geo"}), "PR504")
    demand("geo" not in cohort or cohort["geo"] in ("dma", "zip", "zip3"), "PR504")
    demand(type(cohort["name"]) is str, "PR504")
    demand(demand_cohort_id(cohort["name"])["name"] == cohort["name"], "PR501")
    (key,) = group
    demand_rule({key: cohort[key]}, 1)


def demand_apart(names):
    """A name with `_` behind it is sorted right before all that it begins."""
    names = sorted(name + "_" for name in names)
    for name, following in zip(names, names[1:]):
        demand(not following.startswith(name), "PR505")


def demand_rule(rule, depth):
    demand(isinstance(rule, dict) and depth <= 16, "PR504")
    if "signal" in rule:
        demand_condition(rule)
        return
    demand(len(rule) == 1, "PR504")
    ((key, inner),) = rule.items()
    demand(key in GROUPS, "PR504")
    if key == "not":
        demand_rule(inner, depth + 1)
        return
    demand(isinstance(inner, list) and inner, "PR504")
    for one in inner:
        demand_rule(one, depth + 1)


def demand_condition(condition):
    demand_signal(condition["signal"])
    demand(len(condition) == 2, "PR504")
    ((operator, operand),) = ((key, value) for key, value in condition.items() if key != "signal")
    demand(operator in OPERATORS, "PR504")
    if operator == "exists":
        demand(isinstance(operand, bool), "PR504")
    elif operator == "in":
        demand(isinstance(operand, list) and operand, "PR504")
        demand(all(isinstance(one, (str, bool)) for one in operand), "PR504")
    elif operator in ("eq", "ne"):
        demand(isinstance(operand, (str, bool)), "PR504")
    else:
        # A number is a text here, as it is spelled.
        demand(isinstance(operand, str), "PR504")


def demand_signal(path):
    demand(type(path) is str and all(path.split(".")), "PR504")


def holds(rule, record):
    if "signal" in rule:
        return condition_holds(rule, record)
    ((key, inner),) = rule.items()
    if key == "not":
        return not holds(inner, record)
    return (all if key == "all" else any)(holds(one, record) for one in inner)


def condition_holds(condition, record):
    found = value_at(record, condition["signal"])
    if "exists" in condition:
        return (found is not NOTHING) == condition["exists"]
    if "in" in condition:
        return any(compared(found, one) == 0 for one in condition["in"])
    ((operator, operand),) = ((key, value) for key, value in condition.items() if key != "signal")
    order = compared(found, operand)
    if order is None:
        return False
    return {
        "eq": order == 0,
        "ne": order != 0,
        "gt": order > 0,
        "gte": order >= 0,
        "lt": order < 0,
        "lte": order <= 0,
    }[operator]


def compared(value, operand):
    """Below, at or above 0 as the value is to the operand; None if they are not of one type."""
    if type(value) is not type(operand):
        return None
    if isinstance(value, Spelled):
        value, operand = fractions.Fraction(value), fractions.Fraction(operand)
    elif isinstance(value, str):
        value, operand = value.encode("utf-8"), operand.encode("utf-8")
    return (value > operand) - (value < operand)


class Entry:
    """What one record of an audience is: its cohorts, its market area, and its member (8.2)."""

    def __init__(self, form, row, rules=None):
        record = read_record(form)
        if rules:
            self.cohorts, self.dma = rules.ids(record), rules.dma_of(record)
        else:
            cohort = record.get("cohort_id")
            self.cohorts = [cohort] if type(cohort) is str else []
            self.dma = place_of(record.get("dma"), "[0-9]{3}")
        member = record.get("member_id")
        # Spelled is a text as well.
        self.member = ("id", str(member)) if isinstance(member, str) and member else ("row", row)
        for cohort in self.cohorts:
            demand_cohort_id(cohort)


def release(entries, k):
    """The cohorts that may be named, each with its members."""
    if k < 2:
        raise Refused("PR503")
    cohorts, remainder = {}, set()
    for entry in entries:
        for cohort in entry.cohorts:
            cohorts.setdefault(cohort, set()).add((entry.member, entry.dma))
        if not entry.cohorts:
            remainder.add(entry.member)
    for narrow in (is_zip, is_zip3, is_dma, is_bare):
        small = [one for one in cohorts if narrow(one) and len(members_of(cohorts[one])) < k]
        # Their places are found before any of them moves, so that order does not count.
        for cohort, seats in [(one, cohorts.pop(one)) for one in small]:
            for member, dma in seats:
                place = wider(cohort, dma)
                if place is None:
                    remainder.add(member)
                else:
                    cohorts.setdefault(place, set()).add((member, dma))
    cohorts = {cohort: members_of(seats) for cohort, seats in cohorts.items()}
    while 0 < len(remainder) < k and cohorts:
        smallest = min(cohorts, key=lambda one: (len(cohorts[one]), one))
        remainder |= cohorts.pop(smallest)
    if not cohorts:
        raise Refused("PR502")
    return {cohort: cohorts[cohort] for cohort in sorted(cohorts)}


def members_of(seats):
    return {member for member, _ in seats}


def seats_of(members, named):
    """By member of an audience, the ids of the named cohorts that count it, sorted by bytes (8.8).
    Who is counted by none is a member too."""
    return {member: [one for one in sorted(named) if member in named[one]] for member in members}


def members_kept(forms, entries):
    """By member, the bytes that are hashed for it: a record that is a member of its own is its proof
    hash, and a number among its equals."""
    kept, equals = {}, {}
    for form, entry in zip(forms, entries):
        kind, name = entry.member
        if kind == "id":
            kept[entry.member] = name.encode("utf-8")
        else:
            number = equals[form] = equals.get(form, -1) + 1
            kept[entry.member] = b"\x00" + proof_hash(form) + number.to_bytes(8, "big")
    return kept


def released(records, k, key, rules=None):
    """What is kept of a release's members, sorted."""
    forms = [canonical(record) for record in records]
    entries = [Entry(form, row, rules) for row, form in enumerate(forms)]
    kept = members_kept(forms, entries)
    seats = seats_of(kept, release(entries, k))
    return sorted(kept_of(key, kept[member], seats[member]) for member in kept)


def count_different(release, other):
    """How many members of two releases, as they are kept, have other seats (8.8)."""
    seats, others = ({one[:16]: one[16:] for one in kept} for kept in (release, other))
    return sum(seats.get(one) != others.get(one) for one in set(seats) | set(others))


def kept_of(key, member, cohorts):
    """What is kept of a member and its seats."""
    seats = "".join(f"{cohort}\n" for cohort in cohorts).encode("utf-8")
    return keyed_16(key, b"\x00" + member) + keyed_16(key, b"\x01" + seats)


def keyed_16(key, message):
    return blake3.blake3(message, key=key).digest()[:16]


def audience(records, k, rules=None):
    """The audience document of these texts, its proof id, and the cohorts it may name."""
    forms = []
    for record in records:
        try:
            forms.append(canonical(record))
        except Refused:
            continue
    rules = rules and RuleSet(rules)
    named = release([Entry(form, row, rules) for row, form in enumerate(forms)], k)
    counted = [jcs({"id": one, "n": len(named[one])}).encode("utf-8") for one in named]
    batches = [cell for _, cell in parts([proof_hash(form) for form in forms])]
    members = {
        "batch_roots": [hex_text(root(cell)) for cell in batches],
        "canon": CANON,
        "cohort_count": len(named),
        "cohorts_root": hex_text(root([proof_hash(one) for one in counted])),
        "count": sum(len(cell) for cell in batches),
        "k": k,
        "kind": "audience",
        "v": 1,
    }
    if rules:
        members["ruleset_hash"] = hex_text(rules.hash())
    document = jcs(members)
    return document, proof_id(proof_hash(document.encode("utf-8"))), list(named)


# --- The functions of the SQL catalogue --------------------------------------------------------
#
# JSON comes in as bytes and goes out as JCS text; SQL's NULL is None.


def null_in_null_out(function):
    def called(*arguments):
        return None if any(one is None for one in arguments) else function(*arguments)

    return called


def precise_canonical(record):
    return canonical(record).decode("utf-8")


def precise_check(record):
    try:
        canonical(record)
    except Refused as fault:
        return str(fault)
    return None


def precise_proof_hash(record, blind_key=None):
    demand_blind(blind_key)
    return proof_hash(canonical(record), blind_key)


def precise_mint_proof(record, blind_key=None):
    demand_blind(blind_key)
    return proof_document(canonical(record), blind_key)


def precise_try_mint_proof(record, blind_key=None):
    # A wrong blind is the query's fault, not the record's, so it is not passed over.
    demand_blind(blind_key)
    try:
        form = canonical(record)
    except Refused:
        return None
    return proof_document(form, blind_key)


def precise_mint_cells(cells, blind_key=None):
    demand_blind(blind_key)
    return proof_document(canonical_of_cells(cells), blind_key)


def demand_blind(blind_key):
    if blind_key is not None:
        demand_length(blind_key, "PR304")


def precise_merkle_combine(roots, k):
    listed = read_json(roots, "PR309")
    if not isinstance(listed, list):
        raise Refused("PR309")
    return combine([hash_of_hex(one, "PR309") for one in listed], k)


LONGEST_AGE = 2**53 - 1
A_DAY = 86_400


def precise_verify_receipt(record, receipt, policy, evidence):
    """The verdict without its details (5.5), which are words."""
    asked = read_document(evidence, "PR311")
    optional = set(asked) & {"blind", "kind", "max_age", "status"}
    demand_members(asked, {"now"} | optional, "PR311")
    demand(is_time(asked["now"]), "PR311")
    max_age = asked.get("max_age", A_DAY)
    demand(is_integer(max_age, 0, LONGEST_AGE), "PR311")
    demand(isinstance(asked.get("kind", ""), str), "PR311")
    blind_key = hash_of_hex(asked["blind"], "PR311") if "blind" in asked else None
    # JSON's null is no status receipt, and yet one is given.
    status = None if "status" not in asked else asked["status"] or NO_STATUS
    now = posix(asked["now"])
    steps = steps_of(record, blind_key, receipt, policy, asked.get("kind"), status, now, max_age)
    failed = next((name for name in STEPS if steps[name] is False), None)
    listed = [{"name": name, "ok": steps[name]} for name in STEPS]
    return jcs({"failed": failed, "steps": listed, "verdict": failed is None})


def precise_void_document(value, reason, at, salt):
    demand_length(value)
    demand_length(salt)
    members = {"at": at, "kind": "void", "reason": reason, "v": 1}
    document = jcs(members | {"proof_hash": hex_text(value), "salt": hex_text(salt)})
    void_value(document.encode("utf-8"))
    return document


def precise_verify_status(value, status, policy, now, max_age=A_DAY):
    """What is shown, without its detail (5.6)."""
    demand_length(value)
    demand(is_time(now) and max_age >= 0, "PR311")
    try:
        found = read_json(status, "PR310")
    except Refused:
        found = NO_STATUS
    shown = standing(value, found, policy, posix(now), max_age)
    holds = shown["fresh"] is True and shown["void"] is False
    return jcs(shown | {"verdict": holds})


def precise_cohort_ids(signals, rules):
    return jcs(RuleSet(rules).ids(read_record(canonical(signals))))


SCALARS = {
    "precise_canonical": precise_canonical,
    "precise_check": precise_check,
    "precise_proof_hash": precise_proof_hash,
    "precise_mint_proof": precise_mint_proof,
    "precise_try_mint_proof": precise_try_mint_proof,
    "precise_mint_cells": precise_mint_cells,
    # Rows of SQL do not exist here; one is given as its cells, which mint as the row does (1.5).
    "precise_mint_row": precise_mint_cells,
    "precise_proof_id": proof_id,
    "precise_proof_hash_of": proof_hash_of,
    "precise_verify_proof": verify_proof,
    "precise_blind": blind,
    "precise_merkle_combine": precise_merkle_combine,
    "precise_verify_inclusion": verify_inclusion,
    "precise_verify_absence": verify_absence,
    "precise_verify_receipt": precise_verify_receipt,
    "precise_void_document": precise_void_document,
    "precise_verify_status": precise_verify_status,
    "precise_ruleset_hash": lambda rules: RuleSet(rules).hash(),
    "precise_cohort_ids": precise_cohort_ids,
}

FUNCTIONS = {name: null_in_null_out(function) for name, function in SCALARS.items()}


def precise_merkle_root(rows):
    hashes = [value for (value,) in without_nulls(rows)]
    return root(hashes) if hashes else None


def precise_inclusion(rows):
    rows = without_nulls(rows)
    if not rows:
        return None
    target = rows[0][1]
    for value, named in rows:
        demand_length(value)
        demand_length(named)
        if named != target:
            raise Refused("PR192")
    hashes = [value for value, _ in rows]
    return (inclusion if target in hashes else absence)(hashes, target)


def without_nulls(rows):
    return [row for row in rows if all(one is not None for one in row)]


# An aggregate takes its rows as a list, each row the list of its arguments.
AGGREGATES = {
    "precise_merkle_root": precise_merkle_root,
    "precise_inclusion": precise_inclusion,
}


# --- The command line --------------------------------------------------------------------------

USAGE = "usage: precise_reference.py canonical|cells|hash|check|mint-ndjson FILE|-"


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in COMMANDS:
        print(USAGE, file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](read_input(arguments[1]))


def read_input(name):
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()


def print_canonical(text):
    return print_or_refuse(text, canonical)


def print_canonical_of_cells(text):
    return print_or_refuse(text, canonical_of_cells)


def print_hash(text):
    return print_or_refuse(text, hash_line)


def hash_line(text):
    return proof_hash(canonical(text)).hex().encode("ascii") + b"\n"


def print_or_refuse(text, result):
    try:
        printed = result(text)
    except Refused as fault:
        place = "" if fault.offset is None else f" at byte {fault.offset}"
        print(f"{fault}{place}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(printed)
    return 0


def print_check(text):
    fault = precise_check(text)
    print_line(fault or "ok")
    return 1 if fault else 0


def print_minted_lines(text):
    for line in text.split(b"\n"):
        if line.strip(b" \t\r"):
            print_line(minted_line(line))
    return 0


def minted_line(line):
    try:
        return f"ok {proof_hash(canonical(line)).hex()}"
    except Refused as fault:
        return str(fault)


def print_line(line):
    # Bytes, because a path may hold characters that the terminal's encoding lacks.
    sys.stdout.buffer.write(line.encode("utf-8") + b"\n")


COMMANDS = {
    "canonical": print_canonical,
    "cells": print_canonical_of_cells,
    "hash": print_hash,
    "check": print_check,
    "mint-ndjson": print_minted_lines,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
