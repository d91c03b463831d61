"""Formats of numbers, times and names in a report. Pure functions."""

import re
from datetime import UTC, datetime

from markupsafe import Markup

from reelmill.contract.measures import measure
from reelmill.contract.text.quantities import amount, size, time
from reelmill.contract.text.terminal import printable

_NONCHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
_FIELDS = {"duration": "s", "media.size": "bytes"}
UNKNOWN = "–"
"""Placeholder for an unknown number."""


def told(value: object) -> object:
    """The text for a value on the page; every value is passed through this function."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value)
    return "" if value is None else value


def plain(text: str, *, keep: str = "\n\t") -> str:
    """Untrusted text with escapes for control characters, and without characters that XML does not allow."""
    return _NONCHARACTERS.sub("\ufffd", printable(text, keep=keep))


def brief(text: str, longest: int = 160) -> str:
    """A name or message; if it is long, its beginning and end."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 3
    return f"{text[: longest - 1 - end]}…{text[-end:]}"


def number(value: float | None, digits: int = 4) -> str:
    """A number of a field: integers up to a million in full, others with the given significant digits.

    Exponents are for numbers below 0.0001 and from 1e15 on.
    """
    if value is None:
        return UNKNOWN
    if float(value).is_integer() and abs(value) < 1e6:
        return amount(int(value))
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 1e3 <= abs(rounded) < 1e15 else f"{value:.{digits}g}"


def seconds(value: float | None) -> str:
    """`3m 20s`."""
    return UNKNOWN if value is None else time(value)


def bytes_(value: float | None) -> str:
    """`1.4 GB`."""
    return UNKNOWN if value is None else size(value)


def money(value: float | None) -> str:
    """`1,234.50`, and small amounts with two digits."""
    if value is None:
        return UNKNOWN
    return f"{value:,.2f}" if value >= 1 or not value else f"{value:.2g}"


def clock(value: float | None) -> str:
    """`2026-11-29 21:12:03 UTC`."""
    return UNKNOWN if value is None else f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"


def percent(part: float, whole: float) -> str:
    """`12.5 %`; never 0 % or 100 % unless exact."""
    if not whole:
        return UNKNOWN
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    return f"{min(share, 99.9) if part < whole else share:.1f} %".replace(".0 %", " %")


def unit(field: str) -> str:
    """The unit of a field; empty if it has none or it is unknown."""
    found = measure(field.removeprefix("measures.")) if field.startswith("measures.") else None
    return found.unit if found else _FIELDS.get(field, "")


def meaning(field: str) -> str:
    """The description of a measure; empty for other fields."""
    found = measure(field.removeprefix("measures.")) if field.startswith("measures.") else None
    return found.definition if found else ""
