"""Converts raw objects into the planner's snapshot. Pure."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from reelmill.contract.errors import SpecError
from reelmill.contract.log import event
from reelmill.contract.spec.pipeline import API_VERSION, KIND, Metadata, VideoPipeline
from reelmill.contract.status import Status
from reelmill.controller.observe.diagnose import Diagnosis
from reelmill.plan import PlannerSettings, Snapshot, define
from reelmill.plan.jobs.tasks import Definition
from reelmill.plan.snapshot import moment

Json = dict[str, Any]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """The spec of a pipeline, parsed once per version."""

    raw: Json
    pipeline: VideoPipeline
    definition: Definition | None = None
    """None: the spec is invalid, and the planner reports the error."""
    problem: SpecError | None = None
    """Why the spec cannot be parsed."""


def read_spec(pipeline: Json) -> ReadSpec:
    """Parse a spec."""
    raw = pipeline.get("spec") or {}
    read, problem = _validated_resource(pipeline)
    if problem:
        return ReadSpec(raw, read, problem=problem)
    try:
        return ReadSpec(raw, read, define(read, pipeline["metadata"]["uid"]))
    except SpecError:
        return ReadSpec(raw, read)


def snapshot(
    pipeline: Json,
    spec: ReadSpec,
    status: Status,
    jobs: Sequence[Json],
    reports: Mapping[str, str],
    diagnoses: Mapping[str, Diagnosis],
    settings: PlannerSettings,
    trace: str = "",
    dropped: tuple[str, ...] = (),
) -> Snapshot:
    """The snapshot of one pipeline. `trace` is the trace of its run; empty: none."""
    metadata = pipeline["metadata"]
    return Snapshot(
        pipeline=spec.pipeline,
        uid=metadata["uid"],
        status=status,
        jobs=jobs,
        reports=reports,
        waiting={name: diagnosis.message for name, diagnosis in diagnoses.items()},
        reasons={name: diagnosis.reason for name, diagnosis in diagnoses.items()},
        annotations=metadata.get("annotations") or {},
        generation=int(metadata.get("generation") or 0),
        created=moment(str(metadata.get("creationTimestamp") or "")),
        deleting=moment(str(metadata.get("deletionTimestamp") or "")),
        finalizers=tuple(metadata.get("finalizers") or ()),
        settings=settings,
        trace=trace,
        dropped=dropped,
    )


def read_status(pipeline: Json) -> Status:
    """The last written status, without fields unknown to this release; empty if it cannot be read."""
    try:
        return Status.model_validate(pipeline.get("status") or {}, extra="ignore")
    except ValidationError as error:
        event(_log, "the status cannot be read and is rebuilt", level=logging.WARNING, problem=str(error)[:300])
        return Status()


def needed(status: Status) -> set[str]:
    """Names of the Jobs whose reports are not yet recorded in the status, once they finish."""
    after = {stage.pass_.after for stage in status.stages if stage.pass_}
    removal = {status.removal.job} if status.removal else set()
    return (under_way(status) | after | removal) - {""}


def under_way(status: Status) -> set[str]:
    """Names of the running Jobs according to the status."""
    verification = status.verification.job if status.verification else ""
    return {status.survey.job, verification, *(stage.pass_.job for stage in status.stages if stage.pass_)} - {""}


def seconds_since(text: object, now: datetime) -> float:
    """Seconds from a time stamp of the API server to `now`; 0 for any other value."""
    began = moment(str(text or ""))
    return max((now - began).total_seconds(), 0.0) if began else 0.0


def _validated_resource(pipeline: Json) -> tuple[VideoPipeline, SpecError | None]:
    metadata = {name: pipeline["metadata"][name] for name in ("name", "namespace")}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": pipeline.get("spec")}
    try:
        return VideoPipeline.model_validate(body), None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = SpecError(str(first["msg"]), where=where, hint="edit the resource")
        unread: dict[str, Any] = {**body, "metadata": Metadata.model_construct(**metadata)}
        return VideoPipeline.model_construct(None, **unread), problem
