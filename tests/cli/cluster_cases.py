"""Pipelines as a cluster may show them, made by hand: the resource, its Jobs, pods and events."""

from datetime import UTC, datetime
from typing import Any

from reelmill.cli.cluster.pipeline_view import PipelineView

Json = dict[str, Any]
NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
KEY = "0123456789abcdef"


def at(minutes: float) -> str:
    """A time stamp so many minutes ago."""
    return datetime.fromtimestamp(NOW.timestamp() - 60 * minutes, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(type_: str, *, holds: bool = True, reason: str = "", message: str = "", minutes: float = 5) -> Json:
    return {
        "type": type_,
        "status": "True" if holds else "False",
        "reason": reason or type_,
        "message": message,
        "lastTransitionTime": at(minutes),
        "observedGeneration": 1,
    }


def stage(name: str, state: str = "waiting", **fields: Any) -> Json:
    return {"name": name, "key": KEY, "state": state, "path": f"{name}/{KEY[:10]}", **fields}


def work(step: str = "shards", **fields: Any) -> Json:
    """A pass: ten shards, begun ten minutes ago."""
    return {"segment": 1, "step": step, "job": "demo-clips-x", "shards": 10, "startedAt": at(10), **fields}


def counts(done: int, failed: int = 0, **others: int) -> Json:
    return {"in": done + failed + sum(others.values()), "done": done, "failed": failed, **others}


def seen(
    conditions: list[Json],
    *,
    clips: Json | None = None,
    samples: Json | None = None,
    status: Json | None = None,
    spec: Json | None = None,
    metadata: Json | None = None,
    jobs: list[Json] | None = None,
    pods: list[Json] | None = None,
    events: list[Json] | None = None,
    logs: dict[str, list[str]] | None = None,
) -> PipelineView:
    """The pipeline `demo`: raw, then clips, then samples."""
    resource = {
        "apiVersion": "reelmill.dev/v1alpha1",
        "kind": "VideoPipeline",
        "metadata": {
            "name": "demo",
            "namespace": "video",
            "uid": "u",
            "generation": 1,
            "creationTimestamp": at(60),
            **(metadata or {}),
        },
        "spec": {
            "store": {"uri": "s3://out/demo"},
            "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
            "stages": [{"name": "clips", "clip": {"by": "length"}}, {"name": "samples", "frames": {}}],
            **(spec or {}),
        },
        "status": {
            "observedGeneration": 1,
            "store": "s3://out/demo",
            "sources": [{"name": "raw", "key": KEY, "surveyed": True, "items": 1200, "segments": 1}],
            "stages": [clips or stage("clips"), samples or stage("samples")],
            "conditions": conditions,
            **(status or {}),
        },
    }
    return PipelineView(resource, NOW, jobs or [], pods or [], events or [], logs or {})


def job(name: str = "demo-clips-x", of: str = "clips", **spec: Any) -> Json:
    labels = {"reelmill.dev/step": "shards", **({"reelmill.dev/stage": of} if of else {})}
    return {"metadata": {"name": name, "labels": labels, "annotations": {"reelmill.dev/shards": "4-7"}}, "spec": spec}


def pod(index: int = 0, phase: str = "Failed", of: str = "clips", **fields: Any) -> Json:
    """A pod of the Job whose indexes are the shards 4 to 7."""
    labels = {
        "reelmill.dev/step": "shards",
        "reelmill.dev/stage": of,
        "batch.kubernetes.io/job-name": "demo-clips-x",
        "batch.kubernetes.io/job-completion-index": str(index),
    }
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}} if phase == "Failed" else {}
    return {
        "metadata": {"name": f"demo-clips-x-{index}-abcde", "labels": labels},
        "status": {"phase": phase, "containerStatuses": [{"name": "reelmill", "state": state}]},
        **fields,
    }
