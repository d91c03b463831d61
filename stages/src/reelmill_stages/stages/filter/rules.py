"""Rules about fields of items, prepared to decide about millions of them. Pure.

A rule reads one field. Its result is None if the item is kept, `Filtered` with the name of the rule, or `Failed` if the
field cannot be judged. Messages contain the value and the limit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reelmill.contract.reasons import ItemReason
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.filter import Rule, pattern_matcher
from reelmill_stages.records.rows.item_values import ABSENT, value_of
from reelmill_stages.results import Failed, Filtered

Verdict = Filtered | Failed | None
"""The result for an item; None: it is kept."""

_INFINITE = (float("inf"), float("-inf"))
_LONGEST = 80
_SHOWN = 8


class BadValue(ValueError):
    """A value that the rule cannot judge. The text contains the reason."""


Condition = Callable[[Any], str]
"""Returns the limit that a value violates, such as `min is 16`; empty if it is kept. Raises BadValue."""


class ReadyRule:
    """One rule, prepared to judge items."""

    def __init__(self, rule: Rule) -> None:
        self.name = rule.reason
        self.field = rule.field
        self._missing = rule.missing
        self.value = value_of(rule.field)
        """Returns the value of the rule's field in an item."""
        self._conditions = tuple(_conditions(rule))

    def judge(self, item: Item) -> Verdict:
        """Return the verdict about an item."""
        return self.judge_value(self.value(item))

    def judge_value(self, value: Any) -> Verdict:
        """Return the verdict about an item whose field has this value."""
        if value is ABSENT:
            return self._missing_verdict()
        try:
            for condition in self._conditions:
                if violation := condition(value):
                    return Filtered(self.name, f"{self.field} is {shown(value)}; {violation}")
        except BadValue as bad:
            return Failed(ItemReason.BAD_FIELD, f"rule {self.name}: {self.field} is {shown(value)}, {bad}")
        return None

    def _missing_verdict(self) -> Verdict:
        if self._missing == "keep":
            return None
        if self._missing == "drop":
            return Filtered(self.name, f"{self.field} is missing")
        return Failed(ItemReason.NO_FIELD, f"rule {self.name}: the item has no field {self.field}")


def ready(rules: Sequence[Rule]) -> tuple[ReadyRule, ...]:
    """Return the rules of a block, in its order."""
    return tuple(ReadyRule(rule) for rule in rules)


def judge(rules: Sequence[ReadyRule], item: Item) -> Verdict:
    """Return the verdict of the first rule that does not keep the item; None if all keep it."""
    for rule in rules:
        verdict = rule.judge(item)
        if verdict is not None:
            return verdict
    return None


def shown(value: Any) -> str:
    """Return a value for a message."""
    if type(value) is float:
        return number_shown(value)
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def number_shown(number: float) -> str:
    """Return a number without an empty fraction."""
    whole = isinstance(number, float) and number.is_integer() and abs(number) < 1e15
    return str(int(number)) if whole else repr(number)


def _conditions(rule: Rule) -> Iterator[Condition]:
    if rule.is_number:
        yield _range_condition(rule.min, rule.max)
    if rule.is_text:
        yield _text_condition(rule.matches, rule.not_matches)
    if rule.is_length:
        yield _length_condition(rule)
    if rule.in_:
        yield _list_condition(rule.in_, wanted=True)
    if rule.not_in:
        yield _list_condition(rule.not_in, wanted=False)


def _range_condition(least: float | None, most: float | None) -> Condition:
    low = float("-inf") if least is None else least
    high = float("inf") if most is None else most

    def violated_limit(value: Any) -> str:
        kind = type(value)
        if kind is float:
            if value != value or value in _INFINITE:
                raise BadValue("which is not a finite number")
        elif kind is not int:
            raise BadValue("which is not a number")
        if low <= value <= high:
            return ""
        return f"min is {number_shown(low)}" if value < low else f"max is {number_shown(high)}"

    return violated_limit


def _text_condition(pattern: str | None, excluded: str | None) -> Condition:
    wanted = pattern_matcher(pattern) if pattern is not None else None
    refused = pattern_matcher(excluded) if excluded is not None else None

    def violated_limit(value: Any) -> str:
        if type(value) is not str:
            raise BadValue("which is not a text")
        if wanted is not None and not wanted.isinstance_python(value):
            return f"it must match {pattern}"
        if refused is not None and refused.isinstance_python(value):
            return f"it must not match {excluded}"
        return ""

    return violated_limit


_COUNTERS: Mapping[str, Callable[[str], int]] = {
    "words": lambda text: len(text.split()),
    "characters": lambda text: len(text.strip()),
}


def _length_condition(rule: Rule) -> Condition:
    limits = [(what, _COUNTERS[what], *ends) for what, ends in rule.lengths.items() if ends != (None, None)]

    def violated_limit(value: Any) -> str:
        for what, counter, least, most in limits:
            count = counter(value)
            if least is not None and count < least:
                return f"it has {count} {what}; min{what.capitalize()} is {least}"
            if most is not None and count > most:
                return f"it has {count} {what}; max{what.capitalize()} is {most}"
        return ""

    return violated_limit


def _list_condition(values: Sequence[bool | float | str], *, wanted: bool) -> Condition:
    known = frozenset(map(_typed_key, values))
    listed = ", ".join(map(shown, values[:_SHOWN])) + (", …" if len(values) > _SHOWN else "")
    message = f"it must be {'one' if wanted else 'none'} of {listed}"

    def violated_limit(value: Any) -> str:
        kind = type(value)
        if kind is float and (value != value or value in _INFINITE):
            raise BadValue("which is not a finite number")
        if kind not in (str, int, float, bool):
            raise BadValue("which is neither a text, a number nor true or false")
        return "" if (_typed_key(value) in known) is wanted else message

    return violated_limit


def _typed_key(value: bool | float | str) -> tuple[bool, bool | float | str]:
    """Return the value in a form that differs from that of an equal one of another type: `true` is not 1."""
    return type(value) is bool, value
