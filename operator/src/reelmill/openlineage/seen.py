"""Changes of one pipeline with all data for their events, which can be made and sent later. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelmill.contract.status import Status
from reelmill.openlineage.changes import RunChange, changes
from reelmill.openlineage.described import DescribedPipeline


@dataclass(frozen=True, slots=True)
class SeenChanges:
    """Changes that were observed together, at one time."""

    pipeline: DescribedPipeline
    keys: Mapping[str, str]
    """Stage -> its key."""
    changes: Sequence[RunChange]
    at: datetime


def seen(describe: Callable[[], DescribedPipeline], old: Status, new: Status, at: datetime) -> SeenChanges | None:
    """The changes from one status to the next, or None if nothing started or ended."""
    found = changes(old, new)
    if not found:
        return None
    keys = {stage.name: stage.key for stage in (*old.stages, *new.stages)}
    return SeenChanges(describe(), keys, found, at)
