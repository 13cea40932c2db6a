"""Compares the precise binary with the reference on Parquet files, typed row by typed row.

    check_parquet.py --precise PATH [FILE.parquet ...]

pyarrow reads the files, every row becomes the cells of SPEC.md 1.5 by the list of 1.7, and the
reference mints those. The binary mints the file itself. The files are those named, else those that
pyarrow ships for its own tests; and always some written here, with every type that there is.
"""

import argparse
import datetime
import decimal
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import uuid

import pyarrow
import pyarrow.parquet
from pyarrow import types

import check_generated
import precise_reference as reference


def main(arguments):
    options = parse(arguments)
    samples = options.files or shipped()
    if not samples:
        print("SKIPPED: pyarrow ships no Parquet sample")
    labels, problems = [], []
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        for file in samples + written(directory):
            for label, problem in problems_of_file(options.precise, file, directory):
                labels.append(label)
                problems.append(problem)
    return check_generated.report(labels, problems)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--precise", required=True, type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE.parquet")
    return parser.parse_args(arguments)


def shipped():
    """Files that neither this project nor its judge has made."""
    return sorted((pathlib.Path(pyarrow.__file__).parent / "tests/data").rglob("*.parquet"))


def problems_of_file(binary, file, directory):
    """A pair of label and problem for each row, the problem None where all is well."""
    wanted = [outcome(cells) for cells in rows_of(file)]
    found, said = minted(binary, file, directory)
    for row, outcomes in enumerate(wanted):
        given = found.pop(row, said)
        yield f"{file.name}, row {row}", None if given in outcomes else (
            f"reference {shown(outcomes)}\n    precise   {shown([given])}"
        )
    if found:
        yield file.name, f"rows that the file does not have: {sorted(found)[:10]}"


def shown(outcomes):
    texts = [one.hex() if isinstance(one, bytes) else one for one in outcomes]
    return " or ".join(sorted(texts))


def outcome(cells):
    """The set of what minting these cells may give: the one hash, or the codes of the faults."""
    text = json.dumps(cells).encode("utf-8")
    try:
        document = reference.precise_mint_cells(text)
    except reference.RowRefused as fault:
        return {code for code, _ in fault.faults}
    except reference.Refused as fault:
        return {fault.code}
    return {reference.proof_hash_of(document)}


def minted(binary, file, directory):
    """By row the hash or the code that the binary gives, and what holds for every other row."""
    output = directory / "out.parquet"
    rejects = directory / "out.rejects.ndjson"
    for old in (output, rejects):
        old.unlink(missing_ok=True)
    command = [binary.resolve(), "mint", file.resolve(), "-o", output, "--json"]
    # The exit status is not judged: a run with rejected rows may well report them by it.
    done = subprocess.run(command, capture_output=True, check=False)
    found = {}
    if rejects.exists():
        lines = rejects.read_bytes().split(b"\n")
        found |= {one["row"]: one["code"] for one in map(json.loads, filter(None, lines))}
    if output.exists():
        for one in pyarrow.parquet.read_table(output).to_pylist():
            # A row in both files would be in neither as it should be.
            found[one["row"]] = "rejected and minted" if one["row"] in found else one["proof_hash"]
    return found, refusal_of_all(done)


def refusal_of_all(done):
    """The code with which the run refused the whole file, or what it said instead."""
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    try:
        return json.loads(said)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return f"exit {done.returncode}: {said[-500:]}"


# --- From Arrow to cells, by 1.7 ---------------------------------------------------------------


def rows_of(file):
    """Each row as its cells."""
    table = pyarrow.parquet.ParquetFile(file).read()
    kinds = [cell_type(field.type) for field in table.schema]
    columns = [(scalar for chunk in column.chunks for scalar in chunk) for column in table.columns]
    for scalars in zip(*columns):
        yield [
            cell(name, kind, scalar)
            for name, kind, scalar in zip(table.column_names, kinds, scalars)
        ]


def cell(name, kind, scalar):
    if kind is None:
        # A cell of a type that the page does not know, so that the reference says so.
        return [name, "unknown", None]
    return [name, kind, cell_value(scalar)]


def cell_type(kind):
    """The type of 1.5 for one of Arrow's, or None for one that 1.7 does not list."""
    if isinstance(kind, pyarrow.BaseExtensionType):
        return {"arrow.uuid": "uuid", "arrow.json": "json"}.get(kind.extension_name)
    if types.is_dictionary(kind):
        return cell_type(kind.value_type)
    if is_list(kind):
        element = cell_type(kind.value_type)
        return element and element + "[]"
    if types.is_struct(kind):
        known = all(cell_type(field.type) for field in kind)
        return "struct" if known else None
    if types.is_map(kind):
        known = is_text(kind.key_type) and cell_type(kind.item_type)
        return "map" if known else None
    if types.is_timestamp(kind):
        return "timestamptz" if kind.tz is not None else "timestamp"
    for is_kind, name in SCALAR_TYPES:
        if is_kind(kind):
            return name
    return None


def is_list(kind):
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_list,
            types.is_large_list,
            types.is_fixed_size_list,
            types.is_list_view,
            types.is_large_list_view,
        )
    )


def is_text(kind):
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def is_bytes(kind):
    return (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


SCALAR_TYPES = [
    # Null has no type among the cells; every type has a null.
    (types.is_null, "text"),
    (types.is_boolean, "boolean"),
    (types.is_integer, "numeric"),
    # Before the bytes, for pyarrow counts decimals as bytes of a fixed size.
    (types.is_decimal, "numeric"),
    (types.is_float32, "float4"),
    (types.is_float64, "float8"),
    (is_text, "text"),
    (is_bytes, "bytes"),
    (types.is_date, "date"),
    (types.is_time, "time"),
]


def cell_value(scalar):
    """The value in the spelling of 1.5."""
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        stored = scalar.value.as_py()
        return str(uuid.UUID(bytes=stored)) if kind.extension_name == "arrow.uuid" else stored
    if types.is_dictionary(kind):
        return cell_value(scalar.value)
    if is_list(kind):
        return [cell_value(element) for element in scalar.values]
    if types.is_struct(kind):
        return [
            # By number, since names may be equal.
            cell(field.name, cell_type(field.type), scalar[i])
            for i, field in enumerate(kind)
        ]
    if types.is_map(kind):
        item_type = cell_type(kind.item_type)
        return [cell(entry[0].as_py(), item_type, entry[1]) for entry in scalar.values]
    if types.is_boolean(kind):
        return "true" if scalar.as_py() else "false"
    if types.is_floating(kind):
        # Of either width the exact value as binary64, whose repr() reads back as itself.
        return repr(scalar.as_py())
    if is_text(kind):
        return scalar.as_py()
    if types.is_integer(kind) or types.is_decimal(kind):
        return str(scalar.as_py())
    if is_bytes(kind):
        return scalar.as_py().hex()
    if types.is_date(kind):
        return date_text(scalar.value // (1 if types.is_date32(kind) else 86_400_000))
    if types.is_time(kind):
        return time_text(scalar.value, kind.unit)
    return timestamp_text(scalar.value, kind)


# Dates and times from their integers: Python's own would lose nanoseconds and refuse some years.

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY_OF_1970 = datetime.date(1970, 1, 1).toordinal()
LAST_DAY = datetime.date(9999, 12, 31).toordinal()


def date_text(days):
    day = DAY_OF_1970 + days
    # Beyond the years that the page has, any text will do that says so.
    if day < 1:
        return "0000-01-01"
    if day > LAST_DAY:
        return "10000-01-01"
    return datetime.date.fromordinal(day).isoformat()


def time_text(value, unit):
    seconds, fraction = divmod(value, PER_SECOND[unit])
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    digits = len(str(PER_SECOND[unit])) - 1
    return f"{clock}.{fraction:0{digits}}" if digits else clock


def timestamp_text(value, kind):
    days, rest = divmod(value, 86_400 * PER_SECOND[kind.unit])
    zone = "Z" if kind.tz is not None else ""
    return date_text(days) + "T" + time_text(rest, kind.unit) + zone


# --- The files that are written here -----------------------------------------------------------


def written(directory):
    """Files in `directory`: the same rows by several writers' habits, and what is refused."""
    table = every_type()
    # Without the Arrow schema in it, a file states the types by Parquet's own means alone, and
    # 1.7 speaks of no such means for a UUID and for JSON.
    parquet_only = table.drop_columns(["uuid", "json"])
    habits = [
        ("every-type", table, {"row_group_size": 100}),
        ("plain-schema", parquet_only, {"store_schema": False, "use_dictionary": False}),
        ("zstd-pages-2", table, {"compression": "zstd", "data_page_version": "2.0"}),
        ("int96", int96(), {"use_deprecated_int96_timestamps": True}),
    ]
    habits += [(f"refused-{name}", table, {}) for name, table in refused()]
    files = []
    for name, table, habit in habits:
        files.append(directory / f"{name}.parquet")
        pyarrow.parquet.write_table(table, files[-1], **habit)
    return files


def every_type():
    """Each value in a row of its own, all else NULL; then rows of values that are accepted."""
    rows = [{}]
    for name, (_, good, bad) in COLUMNS.items():
        rows += [{name: value} for value in good + bad]
    source = random.Random(1)
    for _ in range(200):
        rows.append({name: source.choice([*good, None]) for name, (_, good, _) in COLUMNS.items()})
    return pyarrow.table(
        {
            name: pyarrow.array([row.get(name) for row in rows], kind)
            for name, (kind, _, _) in COLUMNS.items()
        }
    )


def int96():
    """The timestamps of old files, which have nanoseconds but no unit of their own."""
    values = [0, -1, 10**9 + 1000, -(10**18), 10**18 + 999_999_000, None, 1]
    return pyarrow.table({"at": pyarrow.array(values, pyarrow.timestamp("ns"))})


def refused():
    """Tables whose every row is refused for its types or its names."""
    one = pyarrow.array([1, 2])
    twins = pyarrow.StructArray.from_arrays([one, one], names=["Twin", "tWIN"])
    nameless = pyarrow.StructArray.from_arrays([one], names=[""])
    by_number = pyarrow.map_(pyarrow.int32(), pyarrow.string())
    inner = pyarrow.struct([("fine", pyarrow.int8()), ("odd", pyarrow.duration("s"))])
    columns = {
        "duration": pyarrow.array([1, None], pyarrow.duration("us")),
        "float16": pyarrow.array([1.5, None], pyarrow.float16()),
        "map-by-number": pyarrow.array([[(1, "a")], None], by_number),
        "empty-list-of-durations": pyarrow.array([[], None], pyarrow.list_(pyarrow.duration("s"))),
        "struct-with-duration": pyarrow.array([{"fine": 1, "odd": None}, None], inner),
        "struct-with-twins": twins,
        "struct-with-nameless": nameless,
    }
    for name, column in columns.items():
        yield name, pyarrow.table({"id": one, "column": column})
    yield "twins", pyarrow.table([one, one], names=["Id", "iD"])
    yield "nameless", pyarrow.table([one, one], names=["id", ""])


def signed(bits):
    return getattr(pyarrow, f"int{bits}")()


def unsigned(bits):
    return getattr(pyarrow, f"uint{bits}")()


def integers(bits, negative):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if negative else (0, 2**bits - 1)
    edges = {low, low + 1, -1, 0, 1, 7, high - 1, high}
    edges |= {sign * (2**53 + near) for sign in (1, -1) for near in (-2, -1, 0, 1)}
    return [value for value in sorted(edges) if low <= value <= high]


def decimals(precision, scale):
    """The extremes, short values, and values of about 15 digits, all with this scale."""
    unscaled = {0, 1, -1, 10, 15 * 10**scale, 10**scale, 10**precision - 1, 1 - 10**precision}
    for digits in (14, 15, 16, 17, 20, 21, 22):
        unscaled |= {10**digits - 1, 10**digits, 12345678901234567890123 // 10 ** (23 - digits)}
    unscaled |= {2**53 + near for near in (-2, -1, 0, 1)}
    context = decimal.Context(prec=100)
    return [
        context.scaleb(decimal.Decimal(value), -scale)
        for value in sorted(unscaled)
        if abs(value) < 10**precision
    ]


def binary32(bits):
    return struct.unpack(">f", bits.to_bytes(4, "big"))[0]


NOT_A_NUMBER = [math.nan, math.inf, -math.inf]
DOUBLES = [
    *[0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e21, 1e20, 1e-6, 1e-7, 2.0**53, -(2.0**53) - 2, 1e23],
    *[5e-324, -5e-324, 2.225073858507201e-308, 2.2250738585072014e-308, 1.7976931348623157e308],
    *[123456789012345680000.0, 9.5367431640625e-07, 4.35, 100.0],
]
SINGLES = [
    *[0.0, -0.0, 1.0, -1.5, 100.0, 16777216.0, 16777218.0, -33554432.0, 2.0**-149, -(2.0**-149)],
    *[binary32(bits) for bits in (1, 2, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3DCCCCCD)],
    *[binary32(bits) for bits in (0x3EAAAAAB, 0x4B800001, 0x60AD78EC, 0x358637BD, 0x33D6BF95)],
]
TEXTS = [
    *["", " ", "a", "A", "null", "true", "1.50", "\u00e9", "e\u0301", "\ufeff", "\U0001f600"],
    *['"', "\\", "/", "\b\t\n\f\r", "".join(map(chr, range(1, 33))), "\x7f\x80\x9f\xa0", "\xad"],
    *["\u2028\u2029", "\ud7ff\ue000\ufffd\uffff", "\U00010000\U0010ffff", "\u200d\u202e"],
    "x" * 70_000,
]
ZERO = ["\0", "a\0b"]
BLOBS = [b"", b"\0", b"\xff", b"\xfb\xff\xbf", b"abcd", bytes(range(256))]
UUIDS = [bytes(16), bytes(range(16)), b"\xff" * 16, b"\xab\xcd\xef" * 5 + b"\0"]
JSONS = ["null", "1.50", '{"B":1e2,"b":[{}]}', '"\\u0041"', " [ 1 , 2 ] ", "[" * 127 + "]" * 127]
NO_JSONS = ['{"a":1,"a":2}', "[1,", "9007199254740993", "1e400", "", "[" * 128 + "]" * 128]


def moments(unit):
    """Timestamps in a unit that are in the years 1 to 9999, and some that are not."""
    scale = PER_SECOND[unit]
    good = [0, 1, -1, scale, -scale, 1_700_000_000 * scale, 951_782_400 * scale]
    if unit == "ns":
        # 64 bits of nanoseconds end before the years do.
        whole = [1, -1, 123_456, 2**63 // 1000 - 1, -(2**63) // 1000 + 1]
        good = [0, scale, -scale] + [value * 1000 for value in whole]
        return good, [1, -1, 999, 10**18 + 1, 2**63 - 1]
    first, end = -62_135_596_800 * scale, 253_402_300_800 * scale
    return good + [first, end - 1], [first - 1, end]


def times(unit):
    """Times of day in a unit. Behind the last comes 24:00, which some writers do write."""
    scale = PER_SECOND[unit]
    if unit == "ns":
        return [0, 1000, 45_296_789_012_000, 86_399_999_999_000], [1, 999, 86_400 * scale]
    return [0, 1, scale, 45_296 * scale, 86_400 * scale - 1], [86_400 * scale]


def timestamp_column(unit, zone=None):
    return pyarrow.timestamp(unit, zone), *moments(unit)


PERSON = pyarrow.struct(
    [("ID", pyarrow.int64()), ("fullName", pyarrow.string()), ("\u00c9", pyarrow.date32())]
)
PEOPLE = pyarrow.map_(pyarrow.string(), PERSON)
NESTED = pyarrow.struct([("Inner", PERSON), ("ALL", pyarrow.list_(PERSON)), ("By", PEOPLE)])
ADA = {"ID": 1, "fullName": "Ada", "\u00c9": -56_270}
NOBODY = {"ID": None, "fullName": None, "\u00c9": None}

# By name the type, values that are accepted, and values that are refused.
COLUMNS = {
    "nothing": (pyarrow.null(), [None], []),
    "Flag": (pyarrow.bool_(), [True, False], []),
    **{f"int{n}": (signed(n), integers(n, True), []) for n in (8, 16, 32, 64)},
    **{f"uint{n}": (unsigned(n), integers(n, False), []) for n in (8, 16, 32, 64)},
    "decimal32": (pyarrow.decimal32(9, 3), decimals(9, 3), []),
    "decimal64": (pyarrow.decimal64(18, 0), decimals(18, 0), []),
    "decimal128 whole": (pyarrow.decimal128(38, 0), decimals(38, 0), []),
    "decimal128 cents": (pyarrow.decimal128(38, 2), decimals(38, 2), []),
    "decimal128 small": (pyarrow.decimal128(38, 38), decimals(38, 38), []),
    "decimal256 whole": (pyarrow.decimal256(76, 0), decimals(76, 0), []),
    "decimal256 half": (pyarrow.decimal256(76, 38), decimals(76, 38), []),
    "float32": (pyarrow.float32(), SINGLES, NOT_A_NUMBER),
    "float64": (pyarrow.float64(), DOUBLES, NOT_A_NUMBER),
    "MiXeD": (pyarrow.string(), TEXTS, ZERO),
    "\u00c0\u00c9\u0130\u212a": (pyarrow.large_string(), TEXTS, ZERO),
    'a "quoted" \\ name': (pyarrow.string_view(), TEXTS, ZERO),
    "with.a.dot": (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), TEXTS, ZERO),
    "\U0001f600": (pyarrow.binary(), BLOBS, []),
    "\ufb33": (pyarrow.large_binary(), BLOBS, []),
    "binary_view": (pyarrow.binary_view(), BLOBS, []),
    "fixed": (pyarrow.binary(3), [b"\0\0\0", b"abc", b"\xff\xfe\xfd"], []),
    "uuid": (pyarrow.uuid(), UUIDS, []),
    "json": (pyarrow.json_(), JSONS, NO_JSONS),
    "date32": (pyarrow.date32(), [0, -1, -719_162, 2_932_896, 11_016], [-719_163, 2_932_897]),
    "date64": (pyarrow.date64(), [0, -86_400_000, 951_782_400_000], []),
    "time32 s": (pyarrow.time32("s"), *times("s")),
    "time32 ms": (pyarrow.time32("ms"), *times("ms")),
    "time64 us": (pyarrow.time64("us"), *times("us")),
    "time64 ns": (pyarrow.time64("ns"), *times("ns")),
    **{f"timestamp {unit}": timestamp_column(unit) for unit in PER_SECOND},
    **{f"timestamp {unit} utc": timestamp_column(unit, "UTC") for unit in PER_SECOND},
    "timestamp tokyo": timestamp_column("us", "Asia/Tokyo"),
    "timestamp offset": timestamp_column("ms", "+05:30"),
    "list": (pyarrow.list_(pyarrow.int32()), [[], [None], [1, None, -2], [7] * 300], []),
    "list of floats": (pyarrow.list_(pyarrow.float32()), [[0.5, -0.0]], [[0.5, math.nan]]),
    "list of moments": (pyarrow.list_(pyarrow.timestamp("ns")), [[0, None, 1000]], [[0, 1]]),
    "list of texts": (pyarrow.large_list(pyarrow.string()), [[], TEXTS, [None, ""]], [ZERO]),
    "pairs": (pyarrow.list_(pyarrow.decimal128(9, 2), 2), [decimals(9, 2)[:2], [None, None]], []),
    "list view": (pyarrow.list_view(pyarrow.uint64()), [[], [2**64 - 1, None]], []),
    "lists of lists": (
        pyarrow.list_(pyarrow.list_(pyarrow.list_(pyarrow.string()))),
        [[], [[]], [None], [[[]]], [[["a", None], None, []], None]],
        [[[["\0"]]]],
    ),
    "Struct": (PERSON, [ADA, NOBODY], [{**ADA, "\u00c9": 3_000_000}, {**ADA, "fullName": "\0"}]),
    "structs": (pyarrow.list_(PERSON), [[], [ADA, None, NOBODY]], []),
    "NESTED": (
        NESTED,
        [
            {"Inner": None, "ALL": None, "By": None},
            {"Inner": ADA, "ALL": [ADA, None], "By": [("Ada", ADA), ("ada", None), ("", NOBODY)]},
        ],
        [{"Inner": ADA, "ALL": [], "By": [("x", ADA), ("x", ADA)]}],
    ),
    "map": (
        pyarrow.map_(pyarrow.string(), pyarrow.int64()),
        [[], [("a", 1), ("A", 2), ("", None)], [("\U0001f600", 1), ("\ufb33", 2**63 - 1)]],
        [[("a", 1), ("b", 2), ("a", 1)], [("\0", 1)]],
    ),
    "map of maps": (
        pyarrow.map_(
            pyarrow.large_string(),
            pyarrow.map_(pyarrow.string(), pyarrow.list_(pyarrow.binary())),
        ),
        [[("x", None), ("y", [("Z", [b"\xff", None])]), ("z", [])]],
        [[("x", [("y", []), ("y", None)])]],
    ),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
