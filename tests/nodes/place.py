"""A namespace with pipelines in it, used as a person does: kubectl apply, kubectl wait; and what is asked of it."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from cluster.kubectl import kubectl
from cluster.nodes import Cluster
from nodes.cluster_s3 import ClusterS3

KIND, JOB, POD = "VideoPipeline", "batch/v1/Job", "v1/Pod"
Json = dict[str, Any]
PATIENCE = 420.0
"""Seconds for a pipeline on a machine that has other things to do."""


@dataclass
class Place:
    """One namespace that takes restricted pods only, and the bucket server that its pipelines use."""

    cluster: Cluster
    namespace: str
    s3: ClusterS3

    def kubectl(self, *words: str, stdin: str = "", fails: bool = False) -> str:
        return kubectl(self.cluster.kubeconfig, "-n", self.namespace, *words, stdin=stdin, fails=fails)

    def apply(self, document: Json, without: str = "") -> str:
        """kubectl apply, with the Secrets that a pipeline names, `without` one of them. Gives the name."""
        named = secrets_of(document) - {without}
        for each in (*self.s3.secrets(named), document):
            self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(each))
        return str(document["metadata"]["name"])

    def get(self, name: str) -> Json:
        return self.cluster.client.get(KIND, name, self.namespace)

    def condition(self, name: str, kind: str) -> Json:
        """A condition that is about the resource as it is, or an empty one."""
        found = self.get(name)
        generation = found["metadata"]["generation"]
        known = (found.get("status") or {}).get("conditions") or ()
        return next((one for one in known if one["type"] == kind and one["observedGeneration"] == generation), {})

    def wait_for_reason(self, name: str, kind: str, reason: str, seconds: float = 240) -> str:
        """The message of a condition, once it has this reason."""

        def look() -> str | None:
            found = self.condition(name, kind)
            return str(found["message"]) if found.get("reason") == reason else None

        return self._wait(name, look, seconds, f"{kind} with the reason {reason}")

    def complete(self, name: str, seconds: float = PATIENCE) -> None:
        """Wait until a pipeline is Complete, as kubectl sees it; a failed one is not waited for."""

        def ended() -> str | None:
            return next((kind for kind in ("Complete", "Failed") if self.holds(name, kind)), None)

        end = self._wait(name, ended, seconds, "its end")
        assert end == "Complete", self.told(name)
        self.kubectl("wait", "--for=condition=Complete", f"videopipeline/{name}", "--timeout=60s")

    def holds(self, name: str, kind: str) -> bool:
        return self.condition(name, kind).get("status") == "True"

    def jobs(self, name: str) -> list[Json]:
        return self.cluster.client.list(JOB, self.namespace, f"reelmill.dev/pipeline={name}")

    def pods(self, name: str, stage: str = "", step: str = "") -> list[Json]:
        """Pods of a pipeline, of one stage or step where they are named; `shards`: all that process items."""
        labels = {"pipeline": name, "stage": stage, "step": "" if step == "shards" else step}
        selector = ",".join(f"reelmill.dev/{word}={value}" for word, value in labels.items() if value)
        selector += ",reelmill.dev/step in (shards, whole)" if step == "shards" else ""
        return self.cluster.client.list(POD, self.namespace, selector)

    def tries(self, name: str) -> set[int]:
        """How often steps were begun: {1} where every step of every pass has had one Job."""
        steps = [
            tuple(job["metadata"]["labels"].get(f"reelmill.dev/{word}") for word in ("step", "stage", "segment"))
            for job in self.jobs(name)
        ]
        return {steps.count(step) for step in steps}

    def overlaps(self, name: str) -> list[tuple[str, str]]:
        """Jobs of one stage that were there at the same time, and not finished."""
        spans = sorted(_span(job) for job in self.jobs(name))
        return [
            (one, other)
            for number, (began, stage, one, _) in enumerate(spans)
            for earlier, same, other, ended in spans[:number]
            if stage == same and earlier <= began < ended
        ]

    def running(
        self, name: str, stage: str, when: Callable[[Json], bool] = lambda pod: True, seconds: float = 240
    ) -> Json:
        """A pod that works on a shard of a stage, once there is one of which something else is so."""

        def look() -> Json | None:
            at_work = (pod for pod in self.pods(name, stage, "shards") if pod["status"].get("phase") == "Running")
            return next(filter(when, at_work), None)

        return self._wait(name, look, seconds, f"a pod at work on {stage}")

    def told(self, name: str) -> str:
        """All that helps to understand a test that failed."""
        lines = [json.dumps(self.get(name).get("status"), indent=1)[:6000]]
        for pod in self.pods(name):
            metadata, status = pod["metadata"], pod["status"]
            lines.append(f"{metadata['name']} on {pod['spec'].get('nodeName')}: {status.get('phase')}")
            if status.get("phase") != "Succeeded":
                lines.append(json.dumps(status.get("containerStatuses") or status.get("conditions"))[:1500])
        for pod in self.cluster.client.list(POD, "reelmill-system"):
            lines.append(self.cluster.client.logs(pod["metadata"]["name"], "reelmill-system")[-3000:])
        return "\n".join(lines)

    def _wait(self, name: str, look: Any, seconds: float, what: str) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.3)
        raise TimeoutError(f"{name}: waited {seconds:g} s for {what}\n{self.told(name)}")


def _span(job: Json) -> tuple[str, str, str, str]:
    """When a Job was created, its stage, its name, and when it ended."""
    metadata = job["metadata"]
    ends = [
        one["lastTransitionTime"]
        for one in (job.get("status") or {}).get("conditions") or ()
        if one["type"] in ("Complete", "Failed")
    ]
    stage = metadata["labels"].get("reelmill.dev/stage", "")
    return metadata["creationTimestamp"], stage, metadata["name"], min(ends, default="9999")


def secrets_of(document: Json) -> set[str]:
    """Names of the Secrets that a pipeline's stores refer to."""
    spec = document["spec"]
    connections: Iterable[Json] = (spec["store"], *(source.get("s3") or {} for source in spec["sources"]))
    return {one["secretRef"]["name"] for one in connections if "secretRef" in one}
