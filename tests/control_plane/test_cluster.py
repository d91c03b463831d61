"""What the planner counts on: Jobs as this server's controllers really run them."""

from collections import Counter
from typing import Any

import pytest

from cluster.client import ApiError, Client
from cluster.control_plane import ControlPlane
from cluster.kwok import ANNOTATION
from cluster.pods import condition, finished, job, terminated
from reelmill.plan.jobs.build import POD_FAILURE_POLICY

pytestmark = pytest.mark.control_plane

JOB, POD = "batch/v1/Job", "v1/Pod"
POLICY = {"podFailurePolicy": POD_FAILURE_POLICY}
INDEX = "batch.kubernetes.io/job-completion-index"


def fate_annotations(**fates: str) -> dict[str, str]:
    """Annotations that tell kwok how pods end: `exit_3` is `exit-3`."""
    return {f"{ANNOTATION}/{name.replace('_', '-')}": value for name, value in fates.items()}


def pods_by_index(client: Client, namespace: str) -> Counter[str]:
    """Index -> pods that tried it."""
    return Counter(pod["metadata"]["annotations"][INDEX] for pod in client.list(POD, namespace))


def test_each_index_has_its_own_retries_and_the_others_continue(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    fates = fate_annotations(exit_1="70", exit_2="70 0", exit_3="65", message="{}", message_0='{"shard": 0}')
    client.apply(job("shards", 5, annotations=fates, job=POLICY), namespace)
    done = client.wait_for(JOB, "shards", namespace, finished, 90)
    assert done["status"]["completedIndexes"] == "0,2,4"
    assert done["status"]["failedIndexes"] == "1,3"
    failed = condition(done, "Failed")
    assert failed is not None
    assert failed["reason"] == "FailedIndexes"
    assert pods_by_index(client, namespace) == {"0": 1, "1": 2, "2": 2, "3": 1, "4": 1}
    (first,) = client.list(POD, namespace, f"{INDEX}=0")
    assert terminated(first)["message"] == '{"shard": 0}'


@pytest.mark.parametrize("code", [64, 76])
def test_wrong_configuration_and_stale_plans_end_the_job_at_once(
    code: int, control_plane: ControlPlane, namespace: str
) -> None:
    client = control_plane.client
    fates = fate_annotations(exit_0=str(code), hold="true")
    document = job("shards", 2, annotations=fates, job=POLICY)
    client.apply(document, namespace)
    release_pod(client, namespace, "0")
    failed = condition(client.wait_for(JOB, "shards", namespace, finished, 60), "Failed")
    assert failed is not None
    assert failed["reason"] == "PodFailurePolicy"
    assert f"exit code {code}" in failed["message"]


def release_pod(client: Client, namespace: str, index: str) -> dict[str, Any]:
    """Let the held pod of an index end; returns it as it was."""

    def running() -> dict[str, Any] | None:
        found = client.list(POD, namespace, f"{INDEX}={index}")
        return next((pod for pod in found if pod["status"].get("phase") == "Running"), None)

    pod = client.wait(running, 30, f"index {index} to run")
    client.patch(POD, pod["metadata"]["name"], {"metadata": {"annotations": {f"{ANNOTATION}/hold": None}}}, namespace)
    return pod


def test_an_evicted_pod_burns_no_retry(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    client.apply(job("shards", 1, annotations=fate_annotations(hold="true"), retries=0, job=POLICY), namespace)
    pod = client.wait(
        lambda: next((pod for pod in client.list(POD, namespace) if pod["status"].get("phase") == "Running"), None),
        30,
        "the pod to run",
    )
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    client.json("POST", client.path(POD, namespace, name, "eviction"), eviction)
    client.wait(lambda: client.find(POD, name, namespace) is None, 30, "the evicted pod to go")
    release_pod(client, namespace, "0")
    done = client.wait_for(JOB, "shards", namespace, finished, 60)
    assert condition(done, "Complete")


def test_a_suspended_job_has_no_pods_until_it_is_resumed(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    client.apply(job("shards", 2, annotations=fate_annotations(hold="true")), namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: job.get("status", {}).get("ready") == 2, 30)
    client.patch(JOB, "shards", {"spec": {"suspend": True}}, namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: condition(job, "Suspended"), 30)
    client.wait(lambda: not client.list(POD, namespace), 30, "the pods to go")
    client.patch(JOB, "shards", {"spec": {"suspend": False}}, namespace)
    for index in ("0", "1"):
        release_pod(client, namespace, index)
    assert condition(client.wait_for(JOB, "shards", namespace, finished, 60), "Complete")


def test_parallelism_is_changed_while_a_job_runs(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    client.apply(job("shards", 6, annotations=fate_annotations(hold="true"), job={"parallelism": 2}), namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: job.get("status", {}).get("ready") == 2, 30)
    client.patch(JOB, "shards", {"spec": {"parallelism": 4}}, namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: job["status"].get("ready") == 4, 30)


def test_a_pod_that_asks_for_gpus_waits_for_one_of_the_product(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    limits = {"memory": "64Mi", "nvidia.com/gpu": "1"}

    def product(name: str) -> dict[str, Any]:
        return {"limits": dict(limits), "nodeSelector": {"nvidia.com/gpu.product": name}}

    client.apply([job("here", 1, **product("NVIDIA-L4")), job("nowhere", 1, **product("NVIDIA-B200"))], namespace)
    assert condition(client.wait_for(JOB, "here", namespace, finished, 60), "Complete")
    (pod,) = client.list(POD, namespace, "job-name=here")
    assert pod["spec"]["nodeName"] == "fake-gpu"

    def words() -> str | None:
        pods = client.list(POD, namespace, "job-name=nowhere")
        said = [each for pod in pods for each in pod["status"].get("conditions", ()) if each["status"] == "False"]
        return next((each["message"] for each in said if each.get("reason") == "Unschedulable"), None)

    assert "didn't match Pod's node affinity/selector" in client.wait(words, 30, "the scheduler's words")


def test_jobs_end_though_the_api_server_is_killed_while_they_run(control_plane: ControlPlane, namespace: str) -> None:
    client = control_plane.client
    client.apply(job("shards", 3, annotations=fate_annotations(hold="true")), namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: job.get("status", {}).get("ready"), 30)
    control_plane.restart("kube-apiserver")
    for index in ("0", "1", "2"):
        release_pod(client, namespace, index)
    assert condition(client.wait_for(JOB, "shards", namespace, finished, 90), "Complete")


def test_rights_are_those_of_rbac(control_plane: ControlPlane, namespace: str) -> None:
    stranger = control_plane.client.as_account(namespace, "default")
    with pytest.raises(ApiError, match="is forbidden") as refusal:
        stranger.list(JOB, namespace)
    assert refusal.value.code == 403
