"""Conditions of a filter and the order of items: as texts in addresses, and as SQL."""

from dataclasses import dataclass

from reelmill.contract.errors import SpecError
from reelmill_stages.dashboard.index.values import Scalar

OPERATORS = ("<=", ">=", "!=", "=", "<", ">", "~")
"""`~`: the text contains this one, in lower or upper case."""
LONGEST_CONDITION = 2000
"""Characters of one condition."""


@dataclass(frozen=True, slots=True)
class ItemCondition:
    """One condition of a filter: `measures.luma>=20`."""

    field: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "ItemCondition":
        """Raises SpecError for a text that is none, or is too long."""
        if len(text) > LONGEST_CONDITION:
            raise SpecError(
                f"a condition of {len(text)} characters: {text[:100]!r}…",
                hint=f"at most {LONGEST_CONDITION} are allowed",
            )
        found = min(
            ((text.find(each, 1), -len(each), each) for each in OPERATORS if text.find(each, 1) > 0), default=None
        )
        if found is None:
            raise SpecError(
                f"not a condition: {text[:100]!r}", hint=f"write FIELD, one of {' '.join(OPERATORS)}, and a value"
            )
        at, _, operator = found
        return cls(text[:at].strip(), operator, text[at + len(operator) :].strip())

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class ItemOrder:
    """The order of items; by their ordinals unless a field is named."""

    field: str = "ordinal"
    descending: bool = False


def comparison(condition: ItemCondition, column: str, *, walked: bool = False) -> tuple[str, list[Scalar]]:
    """A condition on a column as SQL, and its values. `walked`: SQLite takes no index of the column for it."""
    name = f"+{column}" if walked else column
    if condition.operator == "~":
        escaped = condition.value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{name} LIKE ? ESCAPE '\\'", [f"%{escaped}%"]
    value = _value(column, condition.value)
    if condition.operator in ("=", "!="):
        # What looks like a number may be one, or a text.
        return f"{name} {'NOT ' if condition.operator == '!=' else ''}IN (?, ?)", [value, condition.value]
    # Numbers sort before all texts, so a comparison needs to say which of the two it means.
    return f"({name} {condition.operator} ? AND {name} {'>=' if type(value) is str else '<'} '')", [value]


def number_in(text: str) -> Scalar:
    """The number in a text; the text where it is none, or is NaN. `true` and `false` are 1 and 0."""
    if text in ("true", "false"):
        return int(text == "true")
    try:
        number = int(text) if text.lstrip("+-").isdecimal() and len(text) < 18 else float(text)
    except ValueError:
        return text
    return number if number == number else text


def _value(column: str, text: str) -> Scalar:
    """What a condition compares with; keys are texts, also those that look like numbers."""
    return text if column == "key" else number_in(text)
