"""Recomputes every vector with the reference and compares: check_vectors.py DIR."""

import json
import pathlib
import sys

import blake3

import attribution_reference
import performance_reference
import precise_reference as reference
import royalty_reference

# They tell of the software, and a second implementation is another one.
ABOUT = {"precise_selftest", "precise_version"}

FAMILIES = (reference, performance_reference, attribution_reference, royalty_reference)
FUNCTIONS = {name: call for family in FAMILIES for name, call in family.FUNCTIONS.items()}
AGGREGATES = {name: call for family in FAMILIES for name, call in family.AGGREGATES.items()}

# The outside library takes minutes on the vectors that exist to be huge.
LARGEST_JUDGED = 1_000_000


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_vectors.py DIR", file=sys.stderr)
        return 2
    files = sorted(pathlib.Path(arguments[0]).glob("*.json"))
    if not files:
        print("no vectors yet")
        return 1
    passed = failed = 0
    seen = set()
    for vector in (vector for file in files for vector in read_vectors(file)):
        if vector.get("function") in ABOUT:
            print(f"SKIPPED: {vector['id']}, the reference has no version and no selftest")
            continue
        problem = problem_with(vector)
        if vector["id"] in seen:
            problem = "this id is used twice"
        seen.add(vector["id"])
        if problem:
            print(f"{vector['id']}: {problem}")
            failed += 1
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def read_vectors(file):
    return json.loads(file.read_text(encoding="utf-8"))["vectors"]


def problem_with(vector):
    """What is wrong with the vector, or None."""
    try:
        expected = expectation(vector)
        found = outcome(vector)
        if found != expected:
            return f"the vector says {shown(expected)}, the reference {shown(found)}"
        return disagreement_outside(vector)
    except Exception as fault:
        # One malformed vector must not hide the verdict on the others.
        return f"{type(fault).__name__}: {fault}"


def shown(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "…"


def expectation(vector):
    if "document" in vector:
        return ("audience", (vector["document"], vector["proof_id"], vector["cohort_ids"]))
    if "result_without_detail" in vector:
        return ("result", value_of(vector["result_without_detail"]))
    (kind,) = {"result", "result_blake3", "error"} & set(vector)
    return (kind, value_of(vector["result"]) if kind == "result" else vector[kind])


def outcome(vector):
    """What the reference says, in the form in which the vector states it."""
    try:
        if is_audience(vector):
            records = [record.encode("utf-8") for record in vector["records"]]
            rules = vector.get("ruleset")
            rules = rules and rules.encode("utf-8")
            return ("audience", reference.audience(records, vector["k"], rules))
        result = call(vector)
    except reference.Refused as fault:
        return ("error", fault.code)
    if "result_blake3" in vector and result is not None:
        raw = result if isinstance(result, bytes) else result.encode("utf-8")
        return ("result_blake3", "0x" + blake3.blake3(raw).hexdigest())
    return ("result", result)


def is_audience(vector):
    """Audiences are no calls of a function: records and k in, a document out."""
    return "records" in vector


def call(vector):
    if "operation" in vector:
        return reference.OPERATIONS[vector["operation"]](*arguments_of(vector))
    name = vector["function"]
    if name in AGGREGATES:
        return AGGREGATES[name](rows_of(vector))
    return FUNCTIONS[name](*arguments_of(vector))


def arguments_of(vector):
    return [value_of(form, as_argument=True) for form in vector["args"]]


def rows_of(vector):
    if "rows" in vector:
        return [[value_of(form, as_argument=True) for form in row] for row in vector["rows"]]
    constant = [value_of(form, as_argument=True) for form in vector.get("constant_args", [])]
    return [[counted_hash(i)] + constant for i in range(vector["rows_blake3"])]


def counted_hash(i):
    return blake3.blake3(str(i).encode("ascii")).digest()


def value_of(form, as_argument=False):
    """A value from its form; JSON is bytes as an argument and text as a result."""
    ((kind, content),) = form.items()
    if kind == "null":
        return None
    if kind == "json":
        return content.encode("utf-8") if as_argument else content
    if kind == "json_hex":
        return bytes.fromhex(content)
    if kind == "json_repeat":
        return "".join(piece * times for piece, times in content).encode("utf-8")
    if kind == "bytes":
        return bytes.fromhex(content.removeprefix("0x"))
    if kind == "double":
        return float(content)
    if kind in ("text", "int", "bool", "numeric"):
        return content
    raise ValueError(f"a vector cannot hold a value of the kind {kind}")


def disagreement_outside(vector):
    """Asks the outside library about accepted canonical forms, those of typed rows included."""
    if vector.get("function") not in JUDGED or "error" in vector:
        return None
    text = arguments_of(vector)[0]
    if text is None or len(text) > LARGEST_JUDGED:
        return None
    form = JUDGED[vector["function"]](text)
    if len(form) <= LARGEST_JUDGED:
        reference.judge(form)
    return None


# By function, what its first argument has to be read as to get a JSON text.
JUDGED = {
    "precise_canonical": bytes,
    "precise_mint_cells": reference.canonical_of_cells,
    "precise_mint_row": reference.canonical_of_cells,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
