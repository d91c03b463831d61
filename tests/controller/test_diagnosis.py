"""Why pods do not run, and what finished ones said: from raw pods to one sentence."""

from typing import Any

import pytest

from reelmill.contract.task import Failure, Step
from reelmill.controller.observe.diagnose import diagnose
from reelmill.controller.observe.job_reports import phase_to_read, report

Json = dict[str, Any]
JOB: Json = {"metadata": {"name": "demo-clips-o2", "labels": {"reelmill.dev/step": "open"}}, "spec": {}, "status": {}}


def waiting(reason: str, message: str) -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "metadata": {"name": "pod-1"},
        "spec": {"containers": [{"name": "reelmill", "image": "registry.example/stages:1"}]},
        "status": {"containerStatuses": [{"name": "reelmill", "state": state}]},
    }


def unscheduled(message: str, reason: str = "Unschedulable") -> Json:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return {"metadata": {"name": "pod-1"}, "status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("pod", "reason", "words"),
    [
        (
            unscheduled("0/2 nodes are available: 2 Insufficient nvidia.com/gpu."),
            "Unschedulable",
            "Insufficient nvidia",
        ),
        (unscheduled("waits", "SchedulingGated"), "SchedulingGated", "waits"),
        (waiting("ImagePullBackOff", "Back-off pulling"), "ImagePull", "registry.example/stages:1"),
        (waiting("InvalidImageName", "cannot parse"), "ImagePull", "correct `image`"),
        (waiting("CreateContainerConfigError", 'secret "s3" not found'), "SecretMissing", 'secret "s3"'),
        (waiting("CreateContainerConfigError", "runAsNonRoot"), "PodConfig", "runAsNonRoot"),
    ],
)
def test_a_pod_that_does_not_run_is_reported_in_the_clusters_own_words(pod: Json, reason: str, words: str) -> None:
    found = diagnose(JOB, [pod], 15)
    assert found
    assert found.reason == reason
    assert words in found.message


def test_problems_that_need_a_person_precede_those_that_may_pass() -> None:
    pods = [unscheduled("no node"), waiting("CreateContainerConfigError", 'secret "s3" not found')]
    found = diagnose(JOB, pods, 15)
    assert found
    assert found.reason == "SecretMissing"


def test_a_starting_pod_is_reported_only_after_a_while() -> None:
    pod = waiting("ContainerCreating", "")
    assert diagnose(JOB, [pod], 20) is None
    found = diagnose(JOB, [pod], 90)
    assert found
    assert found.reason == "PodStarting"


def test_the_message_does_not_change_while_nothing_happens() -> None:
    pods = [{**waiting("ContainerCreating", ""), "metadata": {"name": name}} for name in ("pod-1", "pod-2")]
    said = {diagnose(JOB, listed, age) for listed in (pods, pods[::-1]) for age in (61, 75, 6000)}
    assert len(said) == 1


def test_a_job_without_any_pod_is_reported_after_a_while() -> None:
    assert diagnose(JOB, [], 10) is None
    found = diagnose(JOB, [], 40)
    assert found
    assert found.reason == "NoPods"
    assert diagnose({**JOB, "status": {"active": 1}}, [], 40) is None


def test_a_job_between_two_attempts_is_not_reported_as_without_pods() -> None:
    found = diagnose({**JOB, "status": {"failed": 2}}, [], 40)
    assert found
    assert found.reason == "BackOff"
    assert "2 pods of demo-clips-o2 failed" in found.message
    assert diagnose({**JOB, "status": {"succeeded": 1}}, [], 40) is None


def ended(code: int, message: str = "", reason: str = "Error", at: str = "2026-01-01T00:00:00Z") -> Json:
    state = {"terminated": {"exitCode": code, "message": message, "reason": reason, "finishedAt": at}}
    return {
        "metadata": {"name": "pod-1"},
        "status": {"containerStatuses": [{"name": "reelmill", "state": state}]},
    }


def finished(how: str, step: str = "open") -> Json:
    labels = {"reelmill.dev/step": step}
    return {
        "metadata": {"name": "j", "labels": labels},
        "status": {"conditions": [{"type": how, "status": "True"}]},
    }


@pytest.mark.parametrize(
    ("how", "step", "phase"),
    [
        ("Complete", "survey", "Succeeded"),
        ("Complete", "commit", "Succeeded"),
        ("Complete", "shards", ""),
        ("Failed", "shards", "Failed"),
        ("Failed", "open", "Failed"),
    ],
)
def test_the_pods_that_hold_a_report_are_asked_and_no_others(how: str, step: str, phase: str) -> None:
    assert phase_to_read(finished(how, step)) == phase


def test_the_report_is_the_message_of_the_pod_that_ended_last() -> None:
    pods = [ended(75, "late", at="2026-01-01T00:00:09Z"), ended(75, "early")]
    assert report(finished("Failed"), pods) == "late"


def test_no_pod_left_is_an_empty_report() -> None:
    assert report(finished("Complete"), []) == ""


def test_a_pod_out_of_memory_is_reported_as_such() -> None:
    failure = Failure.model_validate_json(report(finished("Failed", "shards"), [ended(137, reason="OOMKilled")]))
    assert failure.error == "OutOfMemory"
    assert "memory" in failure.hint


def test_an_evicted_pod_is_reported_in_the_kubelets_words() -> None:
    words = {"reason": "Evicted", "message": "The node was low on memory"}
    never_started: Json = {"metadata": {"name": "pod-1"}, "status": words}
    killed = ended(137, reason="Error")
    for pod in (never_started, {**killed, "status": {**killed["status"], **words}}):
        failure = Failure.model_validate_json(report(finished("Failed"), [pod]))
        assert failure.error == "Evicted"
        assert "low on memory" in failure.message


def test_the_report_of_an_evicted_pod_is_read_only_if_it_is_whole() -> None:
    whole = Failure(step=Step.COMMIT, error="StoreError", message="the bucket is gone").model_dump_json()
    evicted = {"reason": "Evicted", "message": "The node was low on memory"}
    for message, error in ((whole, "StoreError"), (whole[:40], "Evicted")):
        pod = ended(137, message)
        pod["status"] |= evicted
        assert Failure.model_validate_json(report(finished("Failed"), [pod])).error == error
