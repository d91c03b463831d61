"""Amounts of input by outcome and of output of a stage: items, seconds of video and bytes of files.

Commits of shards and segments contain them; the funnel, the status and reports are derived from them. Records without
them, such as those of version 0.1.0, are read as unknown.
"""

from collections.abc import Iterable, Mapping

from pydantic import Field

from reelmill.contract.model import Model


class Volume(Model):
    """A number of items with their total duration and file size."""

    items: int = Field(0, ge=0)
    seconds: float = Field(0.0, ge=0)
    """Seconds of video of the items whose duration is known."""
    bytes: int = Field(0, ge=0)
    """Bytes of the items' files. A file shared by successive items is counted with the first of them."""
    untimed: int = Field(0, ge=0)
    """Number of items whose duration is unknown."""

    def __add__(self, other: "Volume") -> "Volume":
        return Volume(
            items=self.items + other.items,
            seconds=round(self.seconds + other.seconds, 3),
            bytes=self.bytes + other.bytes,
            untimed=self.untimed + other.untimed,
        )

    def __sub__(self, other: "Volume") -> "Volume":
        """Subtract a part. Raises ValueError if `other` is not a part."""
        return Volume(
            items=self.items - other.items,
            seconds=max(0.0, round(self.seconds - other.seconds, 3)),
            bytes=self.bytes - other.bytes,
            untimed=self.untimed - other.untimed,
        )


class Flow(Model):
    """Input of a stage by outcome, and its output. The input is the sum over the outcomes."""

    outcomes: dict[str, Volume] = Field(default_factory=dict)
    """`done`, or `outcome:reason` -> the inputs with this outcome."""
    made: Volume = Volume()
    """The output items of the stage."""
    retried: dict[str, Volume] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """For a retry: `outcome:reason` of an earlier pass -> the inputs that had it and were retried."""

    @property
    def given(self) -> Volume:
        """All inputs."""
        return sum(self.outcomes.values(), Volume())

    def followed_by(self, later: "Flow") -> "Flow":
        """Add the flow of the next pass. Raises ValueError if it retried inputs that this flow does not have."""
        outcomes = dict(self.outcomes)
        for name, volume in later.retried.items():
            outcomes[name] = outcomes.get(name, Volume()) - volume
        for name, volume in later.outcomes.items():
            outcomes[name] = outcomes.get(name, Volume()) + volume
        left = {name: volume for name, volume in sorted(outcomes.items()) if volume.items}
        return Flow(outcomes=left, made=self.made + later.made)

    def is_of(self, done: int, reasons: Mapping[str, int]) -> bool:
        """Whether it has these numbers of inputs by outcome."""
        counts = {name: volume.items for name, volume in self.outcomes.items()}
        return counts == {name: count for name, count in {**reasons, "done": done}.items() if count}


def total(flows: Iterable[Flow | None]) -> Flow | None:
    """The flow of a pass from those of its shards; None if one is unknown."""
    found = Flow()
    for flow in flows:
        if flow is None:
            return None
        retried = dict(found.retried)
        for name, volume in flow.retried.items():
            retried[name] = retried.get(name, Volume()) + volume
        outcomes = dict(found.outcomes)
        for name, volume in flow.outcomes.items():
            outcomes[name] = outcomes.get(name, Volume()) + volume
        found = Flow(outcomes=outcomes, made=found.made + flow.made, retried=retried)
    return found


def flow_after_pass(before: Flow | None, passed: Flow | None, done: int, reasons: Mapping[str, int]) -> Flow | None:
    """The flow of a stage after one more pass. None if a part is unknown, or if it does not match the counts."""
    if before is None or passed is None:
        return None
    try:
        found = before.followed_by(passed)
    except ValueError:
        return None
    return found if found.is_of(done, reasons) else None
