"""What other clients of the API server do to Jobs, stages, webhooks and permissions while pipelines run."""

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from control_plane.operators import ACCOUNT, running, until
from control_plane.pipelines import Desk, resource, steps
from control_plane.test_controller_runs import RUN
from reelmill.plan.jobs.build import MANAGED_BY

pytestmark = pytest.mark.control_plane
Json = dict[str, Any]
JOB, WEBHOOKS = "batch/v1/Job", "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration"


def check_against_store(desk: Desk) -> None:
    """Compare the counts of the status with those of the symbolic store, which shares no code with the operator."""
    for stage in desk.status().stages:
        data = desk.kubelet.store.stages[stage.name, stage.key]
        outcomes = Counter(outcome.partition(":")[0] for outcome in data.effective.values())
        totals = stage.totals
        counted = {"done": totals.done, "filtered": totals.filtered, "failed": totals.failed, "skipped": totals.skipped}
        assert {name: count for name, count in counted.items() if count} == outcomes, stage.name
        assert totals.in_ == outcomes.total()
        assert stage.segments == len(data.closed)


def start_and_hold(desk: Desk, step: str) -> None:
    """Create the pipeline, and keep the pods of this step from ending once there are some."""
    desk.kubelet.held_step = step
    desk.apply(resource())
    held = lambda: [job for job in desk.jobs() if job["metadata"]["labels"]["reelmill.dev/step"] == step]  # noqa: E731
    until(lambda: any((job.get("status") or {}).get("ready") for job in held()), 60, f"a pod of {step}")


def test_a_running_job_that_loses_its_labels_is_not_done_twice(desk: Desk, config: Path) -> None:
    with running(config, namespaces=(desk.namespace,)):
        start_and_hold(desk, "shards")
        (job,) = [job for job in desk.jobs() if job["metadata"]["labels"]["reelmill.dev/step"] == "shards"]
        name, labels = job["metadata"]["name"], job["metadata"]["labels"]
        desk.client.patch(JOB, name, {"metadata": {"labels": {MANAGED_BY: None}}}, desk.namespace)
        labelled = lambda: desk.client.get(JOB, name, desk.namespace)["metadata"]["labels"] == labels  # noqa: E731
        until(labelled, 60, "the label")
        desk.kubelet.held_step = ""
        desk.wait_for("Complete")
    assert steps(desk.kubelet.jobs) == RUN
    assert set(desk.kubelet.store.tried.values()) == {1}
    check_against_store(desk)


def renamed(stages: list[Json]) -> None:
    stages[1]["name"] = "pictures"


def inserted(stages: list[Json]) -> None:
    stages.insert(1, {"name": "parts", "clip": {"by": "length"}, "shards": 2})


def removed(stages: list[Json]) -> None:
    del stages[1]


def reordered(stages: list[Json]) -> None:
    stages[0]["from"] = stages[1]["from"] = ["raw"]
    stages.reverse()


def changed(stages: list[Json]) -> None:
    stages[0]["clip"] = {"by": "length", "maxLength": "20s"}


@pytest.mark.parametrize("step", ["survey", "shards"])
def test_stages_that_are_edited_again_and_again_end_as_the_last_edit_says(desk: Desk, config: Path, step: str) -> None:
    edits: list[Callable[[list[Json]], None]] = [renamed, inserted, removed, reordered, changed]
    with running(config, namespaces=(desk.namespace,)):
        start_and_hold(desk, step)
        original = desk.get()["spec"]["stages"]
        for edit in edits:
            stages = copy.deepcopy(original)
            edit(stages)
            for spec in (stages, original, stages):
                generation = desk.edit({"spec": {"stages": spec}})["metadata"]["generation"]
                until(lambda number=generation: desk.status().observed_generation == number, 60, edit.__name__)
        desk.kubelet.held_step = ""
        desk.wait_for("Complete", seconds=120)
    assert [stage.name for stage in desk.status().stages] == [stage["name"] for stage in stages]
    check_against_store(desk)
    # An item may have been in a pod of each edit that changed the key of its stage.
    assert max(desk.kubelet.store.tried.values()) <= 1 + 3 * len(edits)


def test_an_admission_webhook_that_cannot_be_reached_is_reported(desk: Desk, config: Path) -> None:
    name = f"unreachable-{desk.namespace}"
    webhook = {
        "name": "jobs.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/deny"},
        "rules": [{"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": desk.namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    kind, api = WEBHOOKS.rpartition("/")[2], WEBHOOKS.rpartition("/")[0]
    desk.client.apply({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "webhooks": [webhook]})
    try:
        with running(config, namespaces=(desk.namespace,)):
            desk.apply(resource())
            reconciling = lambda: desk.status().condition("Reconciling")  # noqa: E731
            until(lambda: (found := reconciling()) and found.reason == "JobRefused", 60, "a word about the webhook")
            assert "jobs.example.com" in reconciling().message
            desk.client.delete(WEBHOOKS, name)
            desk.wait_for("Complete", seconds=120)
    finally:
        if desk.client.find(WEBHOOKS, name):
            desk.client.delete(WEBHOOKS, name)
    check_against_store(desk)


def test_a_namespace_without_a_role_binding_disturbs_no_other_and_is_served_once_it_has_one(
    desk: Desk, config: Path
) -> None:
    client, other = desk.client, f"{desk.namespace}-more"
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}})
    try:
        with running(config, namespaces=(desk.namespace, other)) as one:
            client.apply(resource(suspend=True), other)
            desk.apply(resource())
            desk.wait_for("Complete")
            desk.edit({"spec": {"ttl": {"succeeded": "2h"}}})
            desk.wait_for("Complete")
            assert {each["metadata"]["namespace"] for each in one.operator.cache.pipelines} == {desk.namespace}
            api = "rbac.authorization.k8s.io"
            role = f"{ACCOUNT}-{desk.namespace}"
            binding = {
                "apiVersion": f"{api}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": role},
                "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": desk.namespace}],
                "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
            }
            client.apply(binding, other)
            suspended = lambda: (client.get("VideoPipeline", "demo", other).get("status") or {}).get("conditions")  # noqa: E731
            until(suspended, 120, "the other namespace")
    finally:
        client.json("DELETE", client.path("v1/Namespace", "", other))
