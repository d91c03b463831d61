"""The operator takes pipelines to their end on a real API server, with its own rights and no other."""

from pathlib import Path

import pytest

from cluster.control_plane import ControlPlane
from control_plane.operators import running, until, writes_nothing
from control_plane.pipelines import SMALL, Desk, Json, resource, size, steps
from openlineage_events.receiver import must_be_valid, receiver

pytestmark = pytest.mark.control_plane

RUN = ["demo-clips-s", "demo-samples-s", "demo-survey-v"]
"""The Jobs of a run: what opens a pass is the survey, or the pod of the last shard before it, which closes its own."""
SMALL_RUN = ["demo-clips-w", "demo-samples-w", "demo-survey-v"]
"""The same of small passes, each of which is one pod."""
COMMIT_RUN = sorted([*RUN, "demo-clips-c", "demo-samples-c"])
"""The same with stage images whose last shards close nothing: each pass has a commit step, which opens the next one."""
OLDER_RUN = sorted([*COMMIT_RUN, "demo-clips-o", "demo-samples-o"])
"""The same with stage images of version 0.1.0, which do the task of their step and nothing after it."""


@pytest.mark.parametrize(
    ("stages", "follows_up", "closes", "expected"),
    [
        (None, True, True, RUN),
        (SMALL, True, True, SMALL_RUN),
        (None, True, False, COMMIT_RUN),
        (None, False, True, OLDER_RUN),
    ],
    ids=["large", "small", "commit-steps", "older-images"],
)
def test_a_pipeline_becomes_complete_with_as_few_jobs_as_its_images_allow(
    desk: Desk, config: Path, *, stages: list[Json] | None, follows_up: bool, closes: bool, expected: list[str]
) -> None:
    desk.kubelet.store.follows_up, desk.kubelet.store.closes = follows_up, closes
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(stages=stages))
        found = desk.wait_for("Complete")
        assert steps(desk.kubelet.jobs) == expected
        assert found["metadata"].get("finalizers") is None
        assert not [name for name in found["metadata"].get("annotations") or {} if "kopf" in name]
        assert set(desk.kubelet.store.tried.values()) == {1}
        assert size(found) < 64 * 1024


def test_a_server_for_lineage_receives_the_run_and_its_passes(desk: Desk, config: Path) -> None:
    with receiver() as server:
        with running(config, namespaces=(desk.namespace,), openlineage=server.url):
            desk.apply(resource(stages=SMALL))
            found = desk.wait_for("Complete")
            until(lambda: server.events and server.events[-1]["eventType"] == "COMPLETE", 60, "the end of the run")
        for event in server.events:
            must_be_valid(event)
        job = f"{desk.namespace}.demo"
        sent_events = [(event["eventType"], event["job"]["name"].removeprefix(job)) for event in server.events]
        passes = [(type_, f".{stage['name']}") for stage in SMALL for type_ in ("START", "COMPLETE")]
        assert sent_events == [("START", ""), *passes, ("COMPLETE", "")]
        ends = [event for event in server.events if event["eventType"] == "COMPLETE"][:-1]
        made = [event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] for event in ends]
        assert made == [stage["items"] for stage in found["status"]["stages"]]


@pytest.mark.parametrize(("shards", "pods"), [(1, 6), (2, 11)])
def test_the_pods_of_five_stages(desk: Desk, config: Path, shards: int, pods: int) -> None:
    stages = [{"name": f"s{number}", "clip": {"by": "length"}, "shards": shards} for number in range(5)]
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(stages=stages))
        desk.wait_for("Complete", seconds=120)
    assert len(desk.kubelet.ran) == pods
    assert {code for _, _, code in desk.kubelet.ran} == {0}
    # One after the other: every Job waits for the one before it.
    assert len(desk.kubelet.jobs) == 6
    assert set(desk.kubelet.store.tried.values()) == {1}


def test_the_operator_writes_nothing_when_nothing_happens(desk: Desk, config: Path, defined: ControlPlane) -> None:
    user = f"system:serviceaccount:{desk.namespace}:reelmill-operator"
    # Progress is written at an interval: how often depends on the machine.
    with running(config, namespaces=(desk.namespace,), resync_seconds=1, progress_seconds=3600) as one:
        desk.apply(resource())
        desk.wait_for("Complete")
        # The last of a run's writes may come after its end is seen.
        until(lambda: writes_nothing(one, defined, user), 120, "three lists without a write")
    kinds = [(event["verb"], event["objectRef"]["resource"]) for event in defined.audit(user)]
    assert kinds.count(("create", "jobs")) == len(RUN)
    assert kinds.count(("patch", "videopipelines")) <= 4 * len(RUN)
