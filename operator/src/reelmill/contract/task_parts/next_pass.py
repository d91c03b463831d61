"""The next pass of a stage: what it covers, and how a step of another stage reports it."""

import math

from pydantic import Field

from reelmill.contract.model import Model


class NextPass(Model):
    """The next pass of another stage, which a step opened or measured after its own work."""

    stage: str
    key: str
    """The first 10 digits of the stage's key."""
    segment: int
    in_: int = Field(0, alias="in")
    shards: int = 0
    """Number of shards; 0: the pass was only measured."""
    small: bool = False
    """Whether one pod can do the whole pass."""
    foreign: bool = False
    """Whether another pipeline is working on this pass."""


def last_to_cover(segments: int, covered: int, waves: int) -> int:
    """The last segment that a pass covers: all new ones, or one of `waves` parts of them."""
    return covered + math.ceil((segments - covered) / waves) if segments > covered else segments
