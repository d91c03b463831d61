"""Tasks that an operator of an earlier version wrote are read by the stages of this one."""

import json

import pytest
from pydantic import ValidationError

from reelmill.contract.task import Owner, Step, StoreRef, Task
from reelmill.contract.task_parts.shard_limits import ShardLimits

TASK = Task(step=Step.SHARDS, owner=Owner(namespace="n", name="p", uid="u"), run=3, store=StoreRef(uri="s3://b/p"))


def written(**limits: float) -> str:
    """The task as it stands in a pod, with more among its limits."""
    given = TASK.model_dump(mode="json", by_alias=True)
    return json.dumps({**given, "limits": {**given["limits"], **limits}})


def test_the_limit_that_version_0_1_0_wrote_is_dropped() -> None:
    assert Task.model_validate_json(written(workerMemory=0)) == TASK
    assert "workerMemory" not in TASK.model_dump_json()


def test_a_limit_that_never_existed_is_refused() -> None:
    with pytest.raises(ValidationError, match="workerMemroy"):
        Task.model_validate_json(written(workerMemroy=0))


def test_limits_are_still_made_from_values() -> None:
    assert (
        ShardLimits.model_validate({"workers": 2})
        == ShardLimits.model_validate(ShardLimits(workers=2))
        == ShardLimits(workers=2)
    )
