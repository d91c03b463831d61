"""The marks of an axis: round numbers and round times, and how they are written. Pure."""

import math
from datetime import UTC, datetime

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_UNITS = ((1e15, ""), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_FAR = 1e12
"""Numbers that are so many steps from zero cannot be told apart on an axis."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIMES = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * each for each in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * each for each in (1, 2, 3, 6, 12)),
    *(_DAY * each for each in (1, 2, 7, 14, 30, 90, 180, 365)),
)


def numbers(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Multiples of a round number from `low` to `high`: up to `most` + 1. Both ends where there are no such numbers."""
    least = high / most - low / most
    if not (0 < least < math.inf) or (step := _step(least, whole=whole)) is None:
        return [low, high] if low < high else [low]
    if max(abs(low), abs(high)) / step > _FAR:
        return [low, high]
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [each * step for each in range(first, last + 1)] or [low, high]


def _step(least: float, *, whole: bool) -> float | None:
    """The smallest round number that is not below `least`; None beyond what a float holds."""
    if whole and least <= 1:
        return 1.0
    power = math.floor(math.log10(least))
    if not -300 < power < 300:
        return None
    found = (each * 10.0**power for each in _STEPS if each * 10.0**power >= least * (1 - 1e-9))
    return next((each for each in found if not whole or each.is_integer()), None)


def number(value: float, step: float) -> str:
    """A mark of an axis whose marks are `step` apart: `0.25`, `1,200`, `15k`, `2.5M`."""
    if not math.isfinite(step) or step <= 0:
        return _minus(f"{value:.4g}")
    for unit, letter in _UNITS:
        if abs(value) >= unit and (abs(value) >= 1e4 or step >= 1e3) and letter:
            return _minus(f"{value / unit:.6g}{letter}")
    if abs(value) >= 1e15 or step < 1e-6:
        return _minus(f"{value:.4g}")
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    digits += round(step * 10**digits, 6) % 1 != 0  # steps of 2.5
    return _minus(f"{value:,.{digits}f}")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def times(begin: float, end: float, most: int) -> list[tuple[float, str]]:
    """Round times in UTC from `begin` to `end`, in seconds since 1970, up to `most` + 1, as they are written."""
    step = next((each for each in _TIMES if each * most >= end - begin), 0)
    if not step:
        step = math.ceil((end - begin) / most / _TIMES[-1]) * _TIMES[-1]
    marks = [each * step for each in range(math.ceil(begin / step), math.floor(end / step) + 1)]
    form = "%H:%M:%S" if end - begin < 600 else "%H:%M" if end - begin < 2 * _DAY else "%d %b"
    return [(mark, f"{datetime.fromtimestamp(mark, UTC):{form}}") for mark in marks]
