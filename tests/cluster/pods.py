"""Pods and Jobs for tests of the cluster itself: restricted, small, one container."""

from typing import Any

from cluster.images import SHELL

CONTAINER = "reelmill"
"""The container name used in the failure policies."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Labels of a namespace that accepts only restricted pods."""


def spec(script: str, **more: Any) -> dict[str, Any]:
    """A pod spec that runs a shell script and meets Pod Security `restricted`. `limits` are the container's."""
    limits = more.pop("limits", {"memory": "64Mi"})
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": CONTAINER,
                "image": SHELL,
                "imagePullPolicy": "Never",
                "command": ["/bin/sh", "-c", script],
                "resources": {"limits": limits, "requests": {"cpu": "10m"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        **more,
    }


def pod(name: str, script: str, **more: Any) -> dict[str, Any]:
    """A pod with `labels`; the other arguments are as in `spec`."""
    metadata = {"name": name, "labels": more.pop("labels", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec(script, **more)}


def job(
    name: str,
    completions: int,
    script: str = "exit 0",
    *,
    annotations: dict[str, str] | None = None,
    retries: int = 1,
    job: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An Indexed Job whose indexes fail independently. `job` is merged into its spec; the rest is as in `spec`."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "completionMode": "Indexed",
            "completions": completions,
            "parallelism": completions,
            "backoffLimitPerIndex": retries,
            "maxFailedIndexes": completions,
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"annotations": annotations or {}}, "spec": spec(script, **more)},
            **(job or {}),
        },
    }


def condition(thing: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The condition of a kind, if it is True."""
    found = (each for each in (thing.get("status") or {}).get("conditions") or () if each["type"] == kind)
    return next((each for each in found if each["status"] == "True"), None)


def finished(job: dict[str, Any]) -> bool:
    """Whether a Job is Complete or Failed."""
    return bool(condition(job, "Complete") or condition(job, "Failed"))


def ended(pod: dict[str, Any]) -> bool:
    """Whether a pod is Succeeded or Failed."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def terminated(pod: dict[str, Any]) -> dict[str, Any]:
    """How a pod's one container ended."""
    (status,) = pod["status"]["containerStatuses"]
    state: dict[str, Any] = status["state"]["terminated"]
    return state
