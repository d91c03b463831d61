"""A snapshot of one pipeline: the resource and, if requested, its Jobs, pods, events and logs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from reelmill.contract.conditions import ConditionReason, ConditionType
from reelmill.contract.errors import SpecError
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.spec.pipeline import API_VERSION, KIND, VideoPipeline
from reelmill.contract.status import Condition, StageStatus, Status
from reelmill.contract.task import Step
from reelmill.plan.definition.graph import resolve
from reelmill.plan.jobs.build import SHARDS, STAGE, STEP
from reelmill.plan.jobs.names import digest10
from reelmill.plan.snapshot import moment

Json = dict[str, Any]
INDEX = "batch.kubernetes.io/job-completion-index"
JOB_NAME = "batch.kubernetes.io/job-name"
SURVEY = "survey"
"""Value used in place of a stage name in Jobs and pods of the survey."""


@dataclass(frozen=True)
class PipelineView:
    """The state of one pipeline at the time `now`."""

    resource: Json
    now: datetime
    jobs: Sequence[Json] = ()
    pods: Sequence[Json] = ()
    events: Sequence[Json] = ()
    logs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Pod name -> the last lines of its log."""

    @property
    def name(self) -> str:
        name: str = self.resource["metadata"]["name"]
        return name

    @property
    def namespace(self) -> str:
        namespace: str = self.resource["metadata"]["namespace"]
        return namespace

    @property
    def spec(self) -> Json:
        return self.resource.get("spec") or {}

    @property
    def age(self) -> float:
        """Seconds since the resource was created."""
        return self.since(str(self.resource["metadata"].get("creationTimestamp") or ""))

    @cached_property
    def status(self) -> Status:
        """The status; fields that this release does not know are ignored."""
        try:
            return Status.model_validate(self.resource.get("status") or {}, extra="ignore")
        except ValidationError:
            return Status()

    @cached_property
    def upstreams(self) -> dict[str, tuple[str, ...]]:
        """Stage -> the sources and stages that it reads; empty if the spec is invalid."""
        pipeline = validated_pipeline(self.resource)
        try:
            return dict(resolve(pipeline.spec).upstreams) if pipeline else {}
        except SpecError:
            return {}

    @property
    def behind(self) -> bool:
        """Whether the operator has not yet observed the latest spec."""
        generation = int(self.resource["metadata"].get("generation") or 0)
        return not self.status.conditions or self.status.observed_generation < generation

    def true(self, type_: ConditionType) -> Condition | None:
        """The condition if its status is True, else None."""
        return self.status.condition(type_) if self.status.holds(type_) else None

    @property
    def not_verified(self) -> Condition | None:
        """The condition StoreVerified, if a verification found damage or cannot be completed."""
        found = self.status.condition(ConditionType.STORE_VERIFIED)
        waits = found is None or found.status == "True" or found.reason == ConditionReason.NOT_VERIFIED
        return None if waits else found

    def since(self, stamp: str) -> float:
        """Seconds from an RFC 3339 time stamp to `now`; 0 for an empty stamp."""
        at = moment(stamp)
        return max((self.now - at).total_seconds(), 0.0) if at else 0.0

    def hashes(self) -> set[str]:
        """The hashes in the names of Jobs that belong to this pipeline's current data sets."""
        uid = self.resource["metadata"]["uid"]
        stages = {
            digest10(uid, stage.key, segment)
            for stage in self.status.stages
            for segment in range(max(stage.segments - 1, 0), stage.segments + 3)
        }
        return stages | {digest10(uid, self.status.definition, 0)}


def validated_pipeline(resource: Mapping[str, Any]) -> VideoPipeline | None:
    """The resource as a model, or None if it is invalid."""
    metadata = {name: resource["metadata"][name] for name in ("name", "namespace")}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": resource.get("spec")}
    try:
        return VideoPipeline.model_validate(body)
    except ValidationError:
        return None


def stage_of(thing: Mapping[str, Any]) -> str:
    """The stage of a Job or pod, or its step (such as `survey`) if it belongs to no stage."""
    labels = thing["metadata"].get("labels") or {}
    return str(labels.get(STAGE) or labels.get(STEP) or SURVEY)


def step_of(thing: Mapping[str, Any]) -> str:
    """The step of a Job or pod."""
    return str((thing["metadata"].get("labels") or {}).get(STEP) or "")


def shard_of(pod: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]) -> int | None:
    """The number of the shard that a pod works on; None if there is none or its Job was deleted."""
    metadata = pod["metadata"]
    if step_of(pod) == Step.WHOLE:
        return 0
    if step_of(pod) != Step.SHARDS:
        return None
    index = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}.get(INDEX)
    owner = (metadata.get("labels") or {}).get(JOB_NAME)
    job = next((job for job in jobs if job["metadata"]["name"] == owner), None)
    if index is None or job is None:
        return None
    try:
        shards = parse_ranges((job["metadata"].get("annotations") or {}).get(SHARDS, ""))
    except ValueError:  # the annotation was edited
        return None
    return shards[int(index)] if int(index) < len(shards) else int(index)


def seconds_left(stage: StageStatus, seen: PipelineView) -> float | None:
    """Estimated seconds until all shards of a pass are done, at the rate so far; None if there is no estimate yet."""
    work = stage.pass_
    if work is None or work.step != "shards" or not work.done or work.done >= work.shards:
        return None
    if eta := moment(work.eta):
        return max((eta - seen.now).total_seconds(), 0.0)
    return seen.since(work.started_at) / work.done * (work.shards - work.done)


def plain(resource: Json) -> Json:
    """Return a resource without the fields that only API servers read."""
    metadata = {name: value for name, value in resource["metadata"].items() if name != "managedFields"}
    return {**resource, "metadata": metadata}
