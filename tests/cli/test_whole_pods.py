"""The pod of a whole pass, as the commands about logs and causes see it."""

from typing import Any

import pytest

from reelmill.cli.cluster.pipeline_view import shard_of


@pytest.mark.parametrize(("step", "shard"), [("whole", 0), ("open", None), ("commit", None), ("survey", None)])
def test_it_works_on_the_only_shard_of_its_pass(step: str, shard: int | None) -> None:
    pod: dict[str, Any] = {"metadata": {"name": "p", "labels": {"reelmill.dev/step": step}}}
    assert shard_of(pod, ()) == shard
