"""What `reelmill diff` is told and gives back: two states of a data set, and their differences."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from reelmill.contract.commands.result_rows import CommandRow
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task

Level = Literal["input", "item"]
Change = Literal["added", "gone", "changed"]

_STATE = re.compile(r"(?P<key>[0-9a-f]{10,64})?(?:@(?P<segment>[1-9][0-9]{0,8}))?|@(?P<frozen>[a-z][a-z0-9.-]*)")


@dataclass(frozen=True, slots=True)
class State:
    """A data set at one moment of its life."""

    key: str = ""
    """Ten or more hex digits of the stage key. Empty: the key of the pipeline's present definition."""
    segment: int | None = None
    """Its last segment. None: the last one that is closed now."""
    frozen: str = ""
    """Name of a frozen state; then the other two are empty."""

    @classmethod
    def parse(cls, text: str) -> "State":
        """The state that `KEY`, `KEY@SEGMENT`, `@SEGMENT` or `@NAME` stands for. Raises SpecError for another text."""
        match = _STATE.fullmatch(text)
        if not match or not text:
            raise SpecError(
                f"{text!r} is not a state of a data set",
                hint="write KEY, KEY@SEGMENT, @SEGMENT or the @NAME of a frozen state: 7379aabcdb@2 is the data set "
                "with this key after segment 2",
            )
        return cls(match["key"] or "", int(match["segment"]) if match["segment"] else None, match["frozen"] or "")


Side = tuple[Task, State]
"""A pipeline, and a state of one of its data sets."""


class DiffRow(CommandRow):
    """One difference. `input` is about the outcome of an input item, `item` about an item that the stage gave."""

    level: Level
    change: Change
    key: str
    was: str = ""
    """Of an input, its outcome before: `done`, `failed(truncated)`. Empty: there was none."""
    now: str = ""
    """Of an input, its outcome after."""
    fields: dict[str, tuple[Any, Any]] = Field(default_factory=dict)
    """What differs if the row is `changed`: name -> values before and after, None for one that is absent. Of an input,
    its `message`; of an item, its own fields, `media`, `outputs` and `provenance`."""


class DiffCount(CommandRow):
    """How many differences of one kind there are."""

    level: Level
    change: Change
    what: str
    """The new outcome of an input, from the old one if it changed: `failed(truncated) -> done`. The changed field of an
    item; an item with two changed fields is counted under each."""
    number: int
