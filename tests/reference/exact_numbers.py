"""Numbers of JSON as fractions, and as integers in units of a power of ten (SPEC.md 8.9 and 9)."""

import fractions
import json
import re

from precise_reference import Refused, canonical, demand, saturated, significant

Fraction = fractions.Fraction


def read_exact(text, code=None):
    """JSON with its numbers as fractions; with a code, everything wrong with the text is that."""
    try:
        form = canonical(text)
    except Refused:
        if code is None:
            raise
        raise Refused(code) from None
    return json.loads(form, parse_int=Fraction, parse_float=Fraction)


NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")


def scaled(value, decimals, limit):
    """A number, or a string of one, in units of 10^-decimals; None if it is not below the limit in
    magnitude, or has more decimals."""
    if isinstance(value, str):
        value = number_in(value)
    if not isinstance(value, Fraction) or abs(value) >= limit:
        return None
    units = value * 10**decimals
    return units.numerator if units.denominator == 1 else None


def number_in(text):
    """What a text is as a number, None if it is none, or too large or small for any range here."""
    found = NUMBER.fullmatch(text)
    if not found:
        return None
    sign, whole, part, exponent_sign, exponent = found.groups()
    power = saturated(exponent or "0") * (-1 if exponent_sign == "-" else 1)
    digits, e = significant(whole, part or "", power)
    last = e - len(digits) + 1
    # A power of ten beyond these would fill the memory.
    if digits and (e > 99 or last < -99):
        return None
    return Fraction(int(sign + (digits or "0"))) * Fraction(10) ** (last if digits else 0)


def decimal_text(units, decimals):
    """An integer in units of 10^-decimals, without zeros at its end."""
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**decimals)
    digits = str(part).rjust(decimals, "0").rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def demand_bits(number, bits=127):
    demand(-(2**bits) <= number < 2**bits, "PR907")
    return number


def sixteen(number):
    return demand_bits(number).to_bytes(16, "big", signed=True)
