"""The second implementation of SPEC.md: slow, readable, and written from that page alone.

It shares no code with the engines, so that where the two agree the page has said enough.
The order is the order of the page: record, canonical form, proof, batch; then the functions of
the SQL catalogue by name, and a small command line.
"""

import base64
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
    refuse_what_is_not_utf8(text)
    if text.startswith(b"\xef\xbb\xbf"):
        raise Refused("PR102", "$", 0)
    return Reader(text).document()


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

    def __init__(self, text):
        self.text = text
        self.at = 0
        self.steps = []
        self.depth = 0
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


# --- Section 2: the proof ----------------------------------------------------------------------


def proof_hash(canonical_form, blind_key=None):
    if blind_key is None:
        return blake3.blake3(canonical_form).digest()
    demand_length(blind_key, "PR304")
    return blake3.blake3(canonical_form, key=blind_key).digest()


def blind(secret, record_id):
    demand_length(secret, "PR304")
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
    """The hash behind either spelling, `0x…` or `prf_…`."""
    return hash_of_hex(text) if text.startswith("0x") else hash_of_id(text)


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


def demand_blind(blind_key):
    if blind_key is not None:
        demand_length(blind_key, "PR304")


def precise_merkle_combine(roots, k):
    listed = read_json(roots, "PR309")
    if not isinstance(listed, list):
        raise Refused("PR309")
    return combine([hash_of_hex(one, "PR309") for one in listed], k)


SCALARS = {
    "precise_canonical": precise_canonical,
    "precise_check": precise_check,
    "precise_proof_hash": precise_proof_hash,
    "precise_mint_proof": precise_mint_proof,
    "precise_try_mint_proof": precise_try_mint_proof,
    "precise_proof_id": proof_id,
    "precise_proof_hash_of": proof_hash_of,
    "precise_verify_proof": verify_proof,
    "precise_blind": blind,
    "precise_merkle_combine": precise_merkle_combine,
    "precise_verify_inclusion": verify_inclusion,
    "precise_verify_absence": verify_absence,
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

USAGE = "usage: precise_reference.py canonical|hash|check|mint-ndjson FILE|-"


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
    return print_or_refuse(text, lambda form: form)


def print_hash(text):
    return print_or_refuse(text, lambda form: proof_hash(form).hex().encode("ascii") + b"\n")


def print_or_refuse(text, result):
    try:
        form = canonical(text)
    except Refused as fault:
        print(f"{fault} at byte {fault.offset}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(result(form))
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
    "hash": print_hash,
    "check": print_check,
    "mint-ndjson": print_minted_lines,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
