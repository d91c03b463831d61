"""Minimal patches of a status, and detection of changes that are only progress. Pure."""

from typing import Any

from reelmill.contract.spending import Spent
from reelmill.contract.status import StageStatus, Status

Json = dict[str, Any]


def merge_patch(old: Json, new: Json) -> Json:
    """The JSON merge patch from `old` to `new`; lists are replaced as a whole, missing fields become null."""
    patch: Json = {name: None for name in old if name not in new}
    for name, value in new.items():
        known = old.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            if inner := merge_patch(known, value):
                patch[name] = inner
        elif name not in old or known != value:
            patch[name] = value
    return patch


def dropped(sent: Json, kept: Json, within: str = "status") -> list[str]:
    """Fields that were sent and not kept, sorted, such as `status.stages[].usage`."""
    found = {f"{within}.{name}" for name in sent if name not in kept}
    for name in sent.keys() & kept.keys():
        one, other = sent[name], kept[name]
        if isinstance(one, dict) and isinstance(other, dict):
            found.update(dropped(one, other, f"{within}.{name}"))
        elif isinstance(one, list) and isinstance(other, list):
            pairs = [(each, kept) for each, kept in zip(one, other, strict=False) if isinstance(each, dict)]
            found.update(path for each, kept in pairs for path in dropped(each, kept, f"{within}.{name}[]"))
    return sorted(found)


def only_progress(old: Status, new: Status) -> bool:
    """Whether two statuses differ only in the progress of running Jobs, which is written less often."""
    return _without_progress(old) == _without_progress(new)


def _without_progress(status: Status) -> Status:
    survey = status.survey.replace(seen=False)
    stages = [_without_counts(stage) for stage in status.stages]
    # Pods are counted whenever their number changes, which alone is not worth a write.
    return status.replace(shards="", survey=survey, stages=stages, spent=Spent())


def _without_counts(stage: StageStatus) -> StageStatus:
    work = stage.pass_
    if work is None:
        return stage
    # `queued` and `running` differ only in the number of running pods.
    state = "running" if stage.state == "queued" else stage.state
    return stage.replace(state=state, pass_=work.replace(seen=False, active=0, done=0, failed="", eta=""))
