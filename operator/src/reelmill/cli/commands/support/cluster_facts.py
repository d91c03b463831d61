"""What a bug report says about a pipeline in a cluster: resource, status, events, Jobs, pods and logs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reelmill.cli.cluster import pods as pod_words
from reelmill.cli.cluster.client import EVENTS, JOBS, PODS, ClusterClient
from reelmill.cli.cluster.commands.events import about
from reelmill.cli.cluster.explanation import why
from reelmill.cli.cluster.pipeline_view import Json, PipelineView
from reelmill.cli.cluster.requests import command_builder
from reelmill.cli.cluster.tree import lines
from reelmill.cli.commands.support.bundle import SupportBundle
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.text.quantities import count_of

MOST_PODS = 30
"""Pods whose logs are read: those that failed first, then the newest."""
TAIL = 300
"""Lines from the end of each log."""
MOST_LOG_BYTES = 4 << 20
"""What is read of them: a line may have any length."""
WIDTH = 120
_JOB_FIELDS = (
    *("completions", "parallelism", "completionMode", "suspend", "backoffLimit", "backoffLimitPerIndex"),
    *("maxFailedIndexes", "podFailurePolicy", "podReplacementPolicy", "activeDeadlineSeconds"),
)
_POD_FIELDS = (
    *("nodeName", "nodeSelector", "affinity", "tolerations", "priorityClassName", "schedulerName"),
    *("serviceAccountName", "runtimeClassName", "securityContext"),
)


def add_pipeline(bundle: SupportBundle, link: ClusterClient, resource: Json, place: ClusterOptions) -> None:
    """Everything about a pipeline that its namespace has. What may not be read is noted."""
    bundle.document("pipeline.json", resource)
    jobs = bundle.attempt("jobs.json", lambda: link.owned(JOBS, resource))
    pods = bundle.attempt("pods.json", lambda: link.owned(PODS, resource))
    seen = PipelineView(resource, datetime.now(UTC), jobs, pods)
    events = bundle.attempt("events.json", lambda: about(seen, link.every(EVENTS)))
    bundle.document("jobs.json", [job_facts(job) for job in jobs])
    bundle.document("pods.json", [pod_facts(pod) for pod in pods])
    bundle.document("events.json", events)
    seen = PipelineView(resource, seen.now, jobs, pods, events)
    with bundle.noting_errors("status.txt"):
        bundle.text("status.txt", "\n".join(line.plain for line in lines(seen, width=WIDTH, wide=True)))
    with bundle.noting_errors("why.txt"):
        bundle.text("why.txt", why(seen, command_builder(seen.name, place)))
    add_logs(bundle, link, pods, "logs")


def add_logs(bundle: SupportBundle, link: ClusterClient, pods: Sequence[Json], folder: str) -> None:
    """The ends of the logs of pods that have started."""
    started = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in (None, "Pending")]
    started.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)
    started.sort(key=lambda pod: not pod_words.end(pod))
    for pod in started[:MOST_PODS]:
        name = pod["metadata"]["name"]
        with bundle.noting_errors(f"{folder}/{name}.log"):
            bundle.log(f"{folder}/{name}.log", list(link.log(name, last=TAIL, limit_bytes=MOST_LOG_BYTES)))
    if len(started) > MOST_PODS:
        bundle.missing(folder, f"the logs of {count_of(len(started) - MOST_PODS, 'more pod')} were left out")


def job_facts(job: Json) -> Json:
    """A Job without its task."""
    spec = job.get("spec") or {}
    return {
        "metadata": _metadata(job),
        "spec": {name: spec[name] for name in _JOB_FIELDS if name in spec},
        "pod": _pod_spec((spec.get("template") or {}).get("spec") or {}),
        "status": job.get("status"),
    }


def pod_facts(pod: Json) -> Json:
    """A pod without its task: where it is, what it asks for, its conditions and the states of its containers."""
    return {"metadata": _metadata(pod), "spec": _pod_spec(pod.get("spec") or {}), "status": pod.get("status")}


def _metadata(thing: Json) -> Json:
    kept = ("name", "namespace", "uid", "labels", "creationTimestamp", "deletionTimestamp", "finalizers")
    return {name: thing["metadata"][name] for name in kept if name in thing["metadata"]}


def _pod_spec(spec: Json) -> dict[str, Any]:
    found: dict[str, Any] = {name: spec[name] for name in _POD_FIELDS if name in spec}
    for kind in ("initContainers", "containers"):
        found[kind] = [
            {
                "name": each.get("name"),
                "image": each.get("image"),
                "resources": each.get("resources"),
                "variables": [variable.get("name") for variable in each.get("env") or ()],
            }
            for each in spec.get(kind) or ()
        ]
    return found
