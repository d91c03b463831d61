"""Conditions of a filter and the order of items, as text in URLs and as SQL."""

from dataclasses import dataclass

from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill_stages.dashboard.index.values import Scalar

OPERATORS = ("<=", ">=", "!=", "=", "<", ">", "~")
"""`~`: the text contains this one, regardless of case."""
LONGEST_CONDITION = 2000
"""Maximum length of one condition in characters."""


@dataclass(frozen=True, slots=True)
class ItemCondition:
    """One condition of a filter: `measures.luma>=20`."""

    field: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "ItemCondition":
        """Parse a condition. Raises SpecError for a text that is invalid or too long."""
        if len(text) > LONGEST_CONDITION:
            raise SpecError(
                f"a condition of {count_of(len(text), 'character')}: {text[:100]!r}…",
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
    """The order of items: by ordinal unless a field is given."""

    field: str = "ordinal"
    descending: bool = False


def comparison(condition: ItemCondition, column: str, *, walked: bool = False) -> tuple[str, list[Scalar]]:
    """Return a condition on a column as SQL, and its values. `walked`: SQLite must not use the column's index."""
    name = f"+{column}" if walked else column
    if condition.operator == "~":
        escaped = condition.value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{name} LIKE ? ESCAPE '\\'", [f"%{escaped}%"]
    value = _value(column, condition.value)
    if condition.operator in ("=", "!="):
        # Text that looks like a number may be a number or a text.
        return f"{name} {'NOT ' if condition.operator == '!=' else ''}IN (?, ?)", [value, condition.value]
    # Numbers sort before all texts, so a comparison must select one of the two types.
    return f"({name} {condition.operator} ? AND {name} {'>=' if type(value) is str else '<'} '')", [value]


def number_in(text: str) -> Scalar:
    """Return the number in a text; the text itself if it is not a number, or is NaN. `true` and `false` are 1 and 0."""
    if text in ("true", "false"):
        return int(text == "true")
    try:
        number = int(text) if text.lstrip("+-").isdecimal() and len(text) < 18 else float(text)
    except ValueError:
        return text
    return number if number == number else text


def _value(column: str, text: str) -> Scalar:
    """Return the value that a condition compares with; keys are texts, even if they look like numbers."""
    return text if column == "key" else number_in(text)
