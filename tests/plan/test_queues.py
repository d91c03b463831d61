"""What Jobs and pods say to queues and schedulers, and what an installation adds to them."""

from typing import Any

import pytest

from reelmill.plan import PlannerSettings
from reelmill.plan.settings import PodExtras, QueueSystem
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore

Json = dict[str, Any]
STAGES = [{"name": "clips", "clip": {"by": "length"}, "shards": 2}]


def jobs(extras: PodExtras, *, suspend: bool = False, **spec: Any) -> list[Json]:
    """All Jobs of a pipeline, as they are created."""
    cluster = SimulatedCluster(pipeline(STAGES, **spec), SymbolicStore(bucket={"raw": ["v1", "v2"]}))
    cluster.settings = PlannerSettings(extras=extras)
    for _ in range(20):
        cluster.deliver_all()
        cluster.reconcile()
        for name in cluster.live():
            if cluster.jobs[name]["spec"]["suspend"]:
                cluster.jobs[name]["spec"]["suspend"] = False  # as Kueue admits it
            else:
                cluster.advance(name)
    assert cluster.status.holds("Complete")
    assert len(cluster.created) >= 2
    return list(cluster.jobs.values())


def pod(job: Json) -> Json:
    template: Json = job["spec"]["template"]
    return template


def test_kueue_gets_a_label_on_the_job_and_holds_it_by_suspend() -> None:
    cluster = SimulatedCluster(pipeline(STAGES, queue={"name": "video"}), SymbolicStore(bucket={"raw": ["v"]}))
    cluster.reconcile()
    (job,) = cluster.jobs.values()
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "video"
    assert job["spec"]["suspend"] is True
    assert "schedulerName" not in pod(job)["spec"]


def test_volcano_gets_its_scheduler_and_an_annotation_on_the_pods() -> None:
    for job in jobs(PodExtras(queue_system=QueueSystem.VOLCANO), queue={"name": "video"}):
        assert pod(job)["spec"]["schedulerName"] == "volcano"
        assert pod(job)["metadata"]["annotations"] == {"scheduling.volcano.sh/queue-name": "video"}
        assert not [label for label in job["metadata"]["labels"] if "kueue" in label]


def test_yunikorn_gets_its_scheduler_and_labels_that_name_the_pipeline() -> None:
    found = jobs(PodExtras(queue_system=QueueSystem.YUNIKORN), queue={"name": "video"})
    for job in found:
        assert pod(job)["spec"]["schedulerName"] == "yunikorn"
        labels = pod(job)["metadata"]["labels"]
        assert labels["yunikorn.apache.org/queue"] == "root.video"
        assert labels["yunikorn.apache.org/app-id"] == "demo-uid-1"


@pytest.mark.parametrize("system", [QueueSystem.VOLCANO, QueueSystem.YUNIKORN])
def test_a_scheduler_does_not_take_suspend_from_the_operator(system: QueueSystem) -> None:
    cluster = SimulatedCluster(pipeline(STAGES, queue={"name": "video"}), SymbolicStore(bucket={"raw": ["v"]}))
    cluster.settings = PlannerSettings(extras=PodExtras(queue_system=system))
    cluster.reconcile()
    (job,) = cluster.jobs.values()
    assert job["spec"]["suspend"] is False
    cluster.edit(suspend=True)
    cluster.reconcile()
    assert [each["spec"]["suspend"] for each in cluster.jobs.values()] == [True]
    cluster.edit(suspend=False)
    cluster.settle()
    assert cluster.status.holds("Complete")


def test_without_a_queue_jobs_have_no_fields_of_queueing_systems() -> None:
    for system in QueueSystem:
        for job in jobs(PodExtras(queue_system=system)):
            assert "schedulerName" not in pod(job)["spec"]
            assert "annotations" not in pod(job)["metadata"]


def test_an_installations_labels_annotations_and_scheduler_reach_every_pod_and_ours_win() -> None:
    labels = {"team": "video", "reelmill.dev/uid": "forged", "app.kubernetes.io/name": "other"}
    extras = PodExtras(labels=labels, annotations={"note": "n"}, scheduler_name="bin-packing")
    for job in jobs(extras):
        for metadata in (job["metadata"], pod(job)["metadata"]):
            assert metadata["labels"]["team"] == "video"
            assert metadata["labels"]["reelmill.dev/uid"] == "uid-1"
            assert metadata["labels"]["app.kubernetes.io/name"] == "reelmill"
        assert pod(job)["metadata"]["annotations"] == {"note": "n"}
        assert pod(job)["spec"]["schedulerName"] == "bin-packing"


def test_a_scheduler_of_the_installation_wins_over_that_of_the_queue() -> None:
    extras = PodExtras(queue_system=QueueSystem.VOLCANO, scheduler_name="mine")
    assert {pod(job)["spec"]["schedulerName"] for job in jobs(extras, queue={"name": "q"})} == {"mine"}
