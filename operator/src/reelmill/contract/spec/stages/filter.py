"""`filter`: keep or drop items by rules about their fields."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import SchemaError, SchemaValidator, core_schema

from reelmill.contract.reasons import rule_name
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.field_types import Text, seconds
from reelmill.contract.spec.spec_model import SpecModel

LONGEST_PATTERN = 512


def pattern_matcher(pattern: str) -> SchemaValidator:
    """Compile a pattern; `isinstance_python(text)` of the result searches it in a text, in linear time.

    The engine is Rust's regex crate, which is part of pydantic: no backtracking, and a bounded size of the compiled
    pattern. Raises ValueError if the pattern is not supported, such as one with look-around or a back-reference.
    """
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True, regex_engine="rust-regex"))
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(
            f"{pattern!r} is not a regular expression that is matched in linear time, without look-around and "
            f"back-references: {lines[-1]}"
        ) from error


def _pattern(text: str) -> str:
    pattern_matcher(text)
    return text


def _exact_number(value: Any) -> int | float:
    """Return the float that equals a number, or the integer itself if no float does. Raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number:
        raise ValueError("must be a number")
    try:
        as_float = float(value)
    except OverflowError:
        as_float = math.inf
    if not math.isfinite(as_float):
        raise ValueError("must be a finite number")
    return as_float if as_float == value else int(value)


def _limit(value: object) -> object:
    """Convert a duration (`2s`) to seconds."""
    if not isinstance(value, str):
        return value
    try:
        return seconds(value)
    except ValueError as error:
        raise ValueError(
            f"{value!r} is neither a number nor a duration: write 1000 or 0.1 without quotes, or 2s"
        ) from error


ExactNumber = Annotated[float, PlainValidator(_exact_number, json_schema_input_type=float)]
"""A finite number. An integer that no float equals, such as an id of 64 bits, stays an integer."""

Number = Annotated[
    ExactNumber,
    BeforeValidator(_limit),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 20}]}),
]
"""A number, or a duration such as `2s`, which is its seconds."""

Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN), AfterValidator(_pattern)]
"""A regular expression that occurs anywhere in the text (`^` and `$` are its ends), in the syntax of Rust's regex crate
or of RE2: no look-around, no back-references."""

Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]

Value = Annotated[StrictBool | ExactNumber | Text, Field(union_mode="left_to_right")]
Values = Annotated[list[Value], Field(min_length=1, max_length=1000)]
"""Texts, numbers, `true` or `false`."""


class Rule(SpecModel):
    """A condition on one field of an item. All conditions that are given must hold."""

    name: Annotated[str, Field(max_length=40)] = ""
    """The reason of items that the rule drops, in ledger, status and messages. If absent, the last part of `field`."""
    field: Annotated[str, Field(min_length=1, max_length=120)]
    """Name of a field, with dots below objects: `measures.luma`. Besides the fields of the item: `key`, `group`,
    `weight`, `media.size` in bytes, and `duration` in seconds for every item that has a span."""
    min: Number | None = None
    """Smallest value, which is kept: a number, or a duration such as `2s`."""
    max: Number | None = None
    """Largest value, which is kept."""
    in_: Annotated[Values | None, Field(alias="in")] = None
    """Values of which it must be one."""
    not_in: Values | None = None
    """Values of which it must be none."""
    matches: Pattern | None = None
    """A regular expression that must occur in the text; `^` and `$` are its ends. It is matched in linear time, so it
    has no look-around and no back-references."""
    not_matches: Pattern | None = None
    """A regular expression that must not occur in the text."""
    min_words: Count | None = None
    """Smallest number of words of the text: its parts between white space. For languages that write without spaces, use
    `minCharacters`."""
    max_words: Count | None = None
    """Largest number of words."""
    min_characters: Count | None = None
    """Smallest number of characters of the text, without white space at its ends."""
    max_characters: Count | None = None
    """Largest number of characters."""
    missing: Literal["fail", "keep", "drop"] = "fail"
    """What happens to an item without the field: `failed(no_field)`, or the rule keeps it, or drops it."""

    @property
    def reason(self) -> str:
        """The reason of items that it drops."""
        return self.name or self.field.rpartition(".")[2]

    @property
    def is_number(self) -> bool:
        """Whether it is about a number."""
        return self.min is not None or self.max is not None

    @property
    def is_text(self) -> bool:
        """Whether it is about a text."""
        return self.matches is not None or self.not_matches is not None or self.is_length

    @property
    def is_length(self) -> bool:
        """Whether it is about the length of a text."""
        return any(limit is not None for ends in self.lengths.values() for limit in ends)

    @property
    def lengths(self) -> Mapping[str, tuple[int | None, int | None]]:
        """What is counted in a text -> the smallest and the largest number."""
        return {
            "words": (self.min_words, self.max_words),
            "characters": (self.min_characters, self.max_characters),
        }

    @model_validator(mode="after")
    def _check_conditions(self) -> Self:
        try:
            rule_name(self.reason)
        except ValueError as error:
            raise ValueError(str(error) if self.name else f"give this rule a name: {error}") from error
        if not (self.is_number or self.is_text or self.in_ or self.not_in):
            raise ValueError(
                "a rule needs a condition: at least one of min, max, in, notIn, matches, notMatches, minWords, "
                "maxWords, minCharacters and maxCharacters"
            )
        if self.is_number and self.is_text:
            raise ValueError(
                "a field is a number or a text: give min and max, or conditions on texts, such as matches and minWords"
            )
        ends = {"": (self.min, self.max), **{what.capitalize(): ends for what, ends in self.lengths.items()}}
        for what, (least, most) in ends.items():
            if least is not None and most is not None and least > most:
                raise ValueError(f"min{what} {least:g} is more than max{what} {most:g}: no item would be kept")
        return self


class FilterBlock(StageBlock):
    """Keeps or drops items by rules about their fields. No media is read: a changed rule decides again in seconds."""

    gives = "anything"
    passes_items = True
    keeps_fields = True

    rules: Annotated[list[Rule], Field(min_length=1, max_length=64)]
    """The rules. An item is kept if every rule keeps it; otherwise, it is `filtered` with the name of the first rule
    that drops it as its reason, and its value and the limit in the message. A value of another type than the rule is
    about, and a number that is NaN or infinite, is `failed(bad_field)`."""

    @property
    def added_fields(self) -> frozenset[str]:
        return frozenset()

    def read_fields(self) -> Sequence[tuple[str, str]]:
        return [(f"rules[{number}].field", rule.field) for number, rule in enumerate(self.rules)]

    def refusals(self) -> list[str]:
        names = Counter(rule.reason for rule in self.rules)
        return [
            f"{count} rules have the name {name!r}: give each its own" for name, count in names.items() if count > 1
        ]
