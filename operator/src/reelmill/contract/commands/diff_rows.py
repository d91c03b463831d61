"""Arguments and results of `reelmill diff`: two states of a data set, and their differences."""

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
    """A state of a data set: a key and a last segment, or a frozen state."""

    key: str = ""
    """Ten or more hex digits of the stage key. Empty: the key of the pipeline's current definition."""
    segment: int | None = None
    """Its last segment. None: the last closed one."""
    frozen: str = ""
    """Name of a frozen state; the other two fields are then empty."""

    @classmethod
    def parse(cls, text: str) -> "State":
        """Parse `KEY`, `KEY@SEGMENT`, `@SEGMENT` or `@NAME`. Raises SpecError if the text has another form."""
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
    """One difference: `input` compares the outcome of an input item, `item` an output item of the stage."""

    level: Level
    change: Change
    key: str
    was: str = ""
    """For inputs, the outcome before: `done`, `failed(truncated)`. Empty: there was none."""
    now: str = ""
    """For inputs, the outcome after."""
    fields: dict[str, tuple[Any, Any]] = Field(default_factory=dict)
    """Differences of a `changed` row: name -> values before and after, None if absent. For inputs, the `message`; for
    items, their fields, `media`, `outputs` and `provenance`."""


class DiffCount(CommandRow):
    """Number of differences of one kind."""

    level: Level
    change: Change
    what: str
    """For inputs, the new outcome, after the old one if it changed: `failed(truncated) -> done`. For items, the changed
    field; an item with two changed fields is counted under each."""
    number: int
