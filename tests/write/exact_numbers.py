"""Numbers for columns of the `write` stage, and which of them a column can hold exactly."""

import math

KINDS = ("integer", "number", "json")
NUMBERS = (
    0, -1, 2**53, 2**53 + 1, -(2**62) - 1, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30, 10**400,
    0.1, -0.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf,
)  # fmt: skip


def problem_of(value: float, kind: str) -> str:
    """What such a number is not, in words; empty if a column of this type can hold it exactly."""
    if kind == "integer":
        fits = isinstance(value, int) and -(2**63) <= value < 2**63
        return "" if fits else "a whole number of 64 bits"
    if isinstance(value, float):
        words = "a finite number" if kind == "number" else "JSON: a number in it is not finite"
        return "" if math.isfinite(value) else words
    if kind == "json":
        return ""
    try:
        return "" if int(float(value)) == value else "a number that 64 bits of floating point hold exactly"
    except OverflowError:
        return "a finite number"
