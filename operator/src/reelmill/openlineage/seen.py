"""Changes of one pipeline with all that their events need, so that these can be made and sent later. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelmill.contract.status import Status
from reelmill.openlineage.changes import RunChange, changes
from reelmill.openlineage.described import DescribedPipeline


@dataclass(frozen=True, slots=True)
class SeenChanges:
    """Changes that were seen together, at one time."""

    pipeline: DescribedPipeline
    keys: Mapping[str, str]
    """Stage -> its key."""
    changes: Sequence[RunChange]
    at: datetime


def seen(pipeline: DescribedPipeline, old: Status, new: Status, at: datetime) -> SeenChanges:
    """What changed from one status to the next."""
    keys = {stage.name: stage.key for stage in (*old.stages, *new.stages)}
    return SeenChanges(pipeline, keys, changes(old, new), at)
