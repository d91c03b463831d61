"""What is run: pipelines of a number of stages in a row, each of a number of shards; and pods that end at once.

kwok plays the kubelets. A pod's termination message follows from its labels alone, because every pipeline does the
same: one video a shard, and all goes well. Argo's pods have no such labels and need no message. With waves there is
work to do: the shards of a stage take some seconds, the same altogether however many passes they are divided into.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from cluster import box, build, kwok
from cluster.control_plane import ControlPlane
from reelmill.contract.digest import canonical
from reelmill.contract.records.segment import Counts
from reelmill.contract.task import CommitReport, OpenReport, SourceReport, StageReport, SurveyReport

Json = dict[str, Any]
NODES = 4
"""Beside the two that every control plane has."""


@dataclass(frozen=True)
class Load:
    """So many pipelines of stages in a row."""

    pipelines: int
    stages: int
    shards: int
    waves: int = 1
    work: float = 0.0
    """Seconds that the shards of a stage take, pass after pass."""

    @property
    def jobs(self) -> int:
        """Jobs of one pipeline: a survey, and open, shards and commit of each stage."""
        return 1 + 3 * self.stages

    @property
    def pods(self) -> int:
        """Pods of one pipeline."""
        return 1 + self.stages * (2 + self.shards)

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
                "ttl": {"succeeded": "2m"},
            },
        }

    def messages(self, segment: int = 1) -> Json:
        """Step -> the termination message of its pods; `UPSTREAM` stands for the name of what the stage reads.

        A pass covers a segment of it, the one of its own number.
        """
        items = self.shards * self.waves
        counts, so_far = (Counts(in_=done, done=done) for done in (self.shards, self.shards * segment))
        survey = SurveyReport(
            sources={"raw": SourceReport(segments=self.waves, items=items, new=items)},
            stages={name: StageReport(segments=0, retries=0) for name in self.names},
        )
        opened = OpenReport(segment=segment, shards=self.shards, in_=self.shards)
        commit = CommitReport(
            segment=segment, counts=counts, totals=so_far, coverage={"UPSTREAM": segment}, items=so_far.done
        )
        told = {report.step.value: report for report in (survey, opened, commit)}
        return {
            step: canonical(
                {"step": step, **report.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
            ).decode()
            for step, report in told.items()
        }

    def kubelet(self) -> list[Json]:
        """kwok's rules: a pod that has a node ends, with the message of its step; one at work on shards later."""
        if not self.work:
            return [self._rule("pod-done")]
        step = '.metadata.labels["reelmill.dev/step"]'
        others = {"key": step, "operator": "In", "values": ["survey", "open", "commit"]}
        worked = {"key": step, "operator": "In", "values": ["shards"]}
        return [
            self._rule("pod-done", others),
            self._rule("pod-worked", worked, {"durationMilliseconds": round(1000 * self.work / self.waves)}),
        ]

    def _rule(self, name: str, which: Json | None = None, delay: Json | None = None) -> Json:
        upstreams = " ".join(
            f'"{stage}" "{above}"' for above, stage in zip(["raw", *self.names], self.names, strict=False)
        )
        said = "".join(self._said(segment) for segment in range(1, self.waves + 1))
        template = f"""
{{{{ $now := Now }}}}
{{{{ $labels := or .metadata.labels dict }}}}
{{{{ $step := or (get $labels "reelmill.dev/step") "" }}}}
{{{{ $stage := or (get $labels "reelmill.dev/stage") "" }}}}
{{{{ $segment := or (get $labels "reelmill.dev/segment") "" }}}}
{{{{ $said := "" }}}}
{{{{ if eq $step "survey" }}}}{{{{ $said = `{self.messages()["survey"]}` }}}}{{{{ end }}}}
{{{{ $above := or (get (dict {upstreams}) $stage) "" }}}}
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

    def _said(self, segment: int) -> str:
        """Sets `$said` for the open and commit steps of a pass."""
        told = self.messages(segment)
        before, _, after = told["commit"].partition("UPSTREAM")
        return (
            f'{{{{ if eq $segment "{segment}" }}}}\n'
            f'{{{{ if eq $step "open" }}}}{{{{ $said = `{told["open"]}` }}}}{{{{ end }}}}\n'
            f'{{{{ if eq $step "commit" }}}}{{{{ $said = printf `%s%s%s` `{before}` $above `{after}` }}}}'
            "{{ end }}\n"
            "{{ end }}\n"
        )


@contextmanager
def control_plane(load: Load) -> Iterator[ControlPlane]:
    """A fresh control plane whose pods end at once, as the load says."""
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
