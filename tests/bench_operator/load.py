"""The load: pipelines with a number of consecutive stages and shards, and pods that end at once.

kwok simulates the kubelets. A pod's termination message depends only on its labels, because all pipelines do the same:
one video per shard, without failures. Argo's pods have no such labels and need no message. With waves, the shards of a
stage take some seconds, with the same total for any number of passes.
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from cluster import box, build, kwok
from cluster.control_plane import ControlPlane
from reelmill.contract.digest import canonical
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.records.segment import Counts
from reelmill.contract.spec.pipeline import VideoPipeline
from reelmill.contract.task import CommitReport, OpenReport, SourceReport, StageReport, SurveyReport
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import StageKeys, keys
from reelmill.plan.passes.steps import SHARDS_THAT_CLOSE

Json = dict[str, Any]
NODES = 4
"""Number of nodes in addition to the two of every control plane."""
MANY = 200
"""Number of pipelines from which periodic work is done less often."""


@dataclass(frozen=True)
class Load:
    """A number of pipelines with consecutive stages."""

    pipelines: int
    stages: int
    shards: int
    waves: int = 1
    work: float = 0.0
    """Seconds that the shards of a stage take, over all passes."""

    @property
    def jobs(self) -> int:
        """Jobs of one pipeline without waves: a survey, and shards of each stage, with a commit if they are many."""
        return 1 + (1 if self.closes else 2) * self.stages

    @property
    def pods(self) -> int:
        """Pods of one pipeline without waves."""
        return 1 + self.stages * (self.shards if self.closes else 1 + self.shards)

    @property
    def work_pods(self) -> int:
        """Pods of one pipeline that process items."""
        return self.stages * self.shards

    @property
    def starts(self) -> int:
        """Pods of one pipeline without waves that start one after the other."""
        return self.jobs

    @property
    def described(self) -> Json:
        """The load for a table."""
        return {"pipelines": self.pipelines, "stages": self.stages, "shards": self.shards}

    @property
    def poll(self) -> float:
        """Seconds between checks of the number of complete pipelines."""
        return 0.5 if self.pipelines < MANY else 5.0

    @property
    def small(self) -> bool:
        """Whether one pod does a whole pass."""
        return self.shards == 1

    @property
    def closes(self) -> bool:
        """Whether the pod of the last shard closes a pass."""
        return self.shards <= SHARDS_THAT_CLOSE

    @property
    def names(self) -> list[str]:
        return [f"s{number}" for number in range(1, self.stages + 1)]

    def pipeline(self, name: str) -> Json:
        """One VideoPipeline."""
        parallelism = min(self.shards, 500)
        stages = [
            {"name": stage, "clip": {"by": "length"}, "shards": self.shards, "parallelism": parallelism}
            for stage in self.names
        ]
        return {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": {"name": name},
            "spec": {
                "store": {"uri": f"s3://out/{name}"},
                "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
                "stages": stages,
                "waves": self.waves,
                "ttl": {"succeeded": "2m" if self.pipelines < MANY else "5m"},
            },
        }

    def messages(self, stage: int = 1, segment: int = 1) -> dict[str, str]:
        """Step -> the termination message of its pods, of the stage with this number, counted from 1.

        A pass covers the segment of the upstream with the same number.
        """
        items, above = self.shards * self.waves, ["raw", *self.names][stage - 1]
        counts, so_far = (Counts(in_=done, done=done) for done in (self.shards, self.shards * segment))
        survey = SurveyReport(
            sources={"raw": SourceReport(segments=self.waves, items=items, new=items)},
            stages={name: StageReport(segments=0, retries=0) for name in self.names},
            next=self._next(1, 1),
        )
        opened = OpenReport(segment=segment, shards=self.shards, in_=self.shards, kind="cover", small=self.small)
        commit = CommitReport(
            segment=segment,
            counts=counts,
            totals=so_far,
            coverage={above: segment},
            items=so_far.done,
            next=self._next(stage + 1, segment),
        )
        told: dict[str, SurveyReport | OpenReport | CommitReport]
        told = {"survey": survey, "open": opened, "commit": commit, "whole": commit}
        return {
            step: canonical(
                {"step": report.step, **report.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
            ).decode()
            for step, report in told.items()
        }

    def _next(self, stage: int, segment: int) -> tuple[NextPass, ...]:
        """The report of a step about the next pass of the stage with this number."""
        if stage > self.stages:
            return ()
        name, shards = f"s{stage}", 0 if self.small else self.shards
        key = self._keys[name][:KEY_DIGITS]
        return (NextPass(stage=name, key=key, segment=segment, in_=self.shards, shards=shards, small=self.small),)

    @cached_property
    def _keys(self) -> StageKeys:
        """The stage keys of all pipelines, which do not depend on the names and the store."""
        document = self.pipeline("any")
        document["metadata"]["namespace"] = "any"
        spec = VideoPipeline.model_validate(document).spec
        return keys(spec, resolve(spec))

    def kubelet(self) -> list[Json]:
        """kwok's rules: a pod that has a node ends with the message of its step; pods with shards end later."""
        if not self.work:
            return [self._rule("pod-done")]
        step = '.metadata.labels["reelmill.dev/step"]'
        others = {"key": step, "operator": "In", "values": ["survey", "open", "commit"]}
        worked = {"key": step, "operator": "In", "values": ["shards", "whole"]}
        return [
            self._rule("pod-done", others),
            self._rule("pod-worked", worked, {"durationMilliseconds": round(1000 * self.work / self.waves)}),
        ]

    def _rule(self, name: str, which: Json | None = None, delay: Json | None = None) -> Json:
        passes = itertools.product(range(1, self.stages + 1), range(1, self.waves + 1))
        said = "".join(self._said(stage, segment) for stage, segment in passes)
        template = f"""
{{{{ $now := Now }}}}
{{{{ $labels := or .metadata.labels dict }}}}
{{{{ $step := or (get $labels "reelmill.dev/step") "" }}}}
{{{{ $stage := or (get $labels "reelmill.dev/stage") "" }}}}
{{{{ $segment := or (get $labels "reelmill.dev/segment") "" }}}}
{{{{ $index := or (get $labels "batch.kubernetes.io/job-completion-index") "" }}}}
{{{{ $said := "" }}}}
{{{{ if eq $step "survey" }}}}{{{{ $said = `{self.messages()["survey"]}` }}}}{{{{ end }}}}
{said}conditions:
- {{lastTransitionTime: {{{{ $now | Quote }}}}, status: "True", type: Initialized, reason: PodCompleted}}
- {{lastTransitionTime: {{{{ $now | Quote }}}}, status: "False", type: Ready, reason: PodCompleted}}
containerStatuses:
{{{{ range .spec.containers }}}}
- image: {{{{ .image | Quote }}}}
  imageID: {{{{ .image | Quote }}}}
  name: {{{{ .name | Quote }}}}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      message: {{{{ $said | Quote }}}}
      startedAt: {{{{ $now | Quote }}}}
      finishedAt: {{{{ $now | Quote }}}}
{{{{ end }}}}
startTime: {{{{ $now | Quote }}}}
phase: Succeeded
"""
        return {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": name},
            "spec": {
                "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
                "selector": {
                    "matchExpressions": [
                        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                        {"key": ".status.phase", "operator": "In", "values": ["Pending"]},
                        *([which] if which else []),
                    ]
                },
                **({"delay": delay} if delay else {}),
                "next": {"statusTemplate": template},
            },
        }

    def _said(self, stage: int, segment: int) -> str:
        """Sets `$said` for the steps of a pass."""
        told = self.messages(stage, segment)
        steps = "".join(
            f'{{{{ if eq $step "{step}" }}}}{{{{ $said = `{told[step]}` }}}}{{{{ end }}}}\n'
            for step in ("open", "commit", "whole")
        )
        if self.closes:
            last = f'{{{{ if and (eq $step "shards") (eq $index "{self.shards - 1}") }}}}'
            steps += f"{last}{{{{ $said = `{told['commit']}` }}}}{{{{ end }}}}\n"
        return f'{{{{ if and (eq $stage "s{stage}") (eq $segment "{segment}") }}}}\n{steps}{{{{ end }}}}\n'


@contextmanager
def control_plane(load: Load) -> Iterator[ControlPlane]:
    """A new control plane whose pods end as defined by the load."""
    programs = build.find((*build.CONTROL_PLANE, "kwok"))
    kept = [
        stage
        for stage in yaml.safe_load_all(kwok.STAGES.read_text())
        if stage["metadata"]["name"] not in ("pod-run", "pod-end")
    ]
    with TemporaryDirectory() as folder, box.opened(closed=False) as here:
        stages = Path(folder) / "stages.yaml"
        stages.write_text(yaml.safe_dump_all([*kept, *load.kubelet()]))
        plane = ControlPlane(here, programs)
        plane.start()
        kwok.start(plane, stages)
        for number in range(NODES):
            kwok.add_node(plane, f"bench-{number}")
        yield plane


def size(document: Json) -> int:
    """Bytes of JSON."""
    return len(json.dumps(document, separators=(",", ":")))
