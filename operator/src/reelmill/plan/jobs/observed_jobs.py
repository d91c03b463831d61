"""Converts raw Job objects and the reports of their pods into observations.

Only fields of the trimmed copy in the cache are read: name, labels, the shards annotation, completions, suspend, ttl
and status.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from reelmill.contract import errors
from reelmill.contract.errors import ExitCode
from reelmill.contract.ranges import parse_ranges
from reelmill.contract.task import CommitReport, Failure, OpenReport, RemoveReport, Step, SurveyReport
from reelmill.contract.task_parts.next_pass import NextPass
from reelmill.contract.task_parts.verification import VerifyReport
from reelmill.plan.jobs.build import KEY, PLACE, PODS, RUN, STAGE, STEP, UID, shards_of
from reelmill.plan.jobs.log_tail import last_words
from reelmill.plan.snapshot import moment

_EXIT = re.compile(r"exit code (\d+)")
_FAILURE: TypeAdapter[Failure] = TypeAdapter(Failure)
R = TypeVar("R", SurveyReport, OpenReport, CommitReport, VerifyReport, RemoveReport)


@dataclass(frozen=True, slots=True)
class Observed:
    """The observed state of a Job."""

    name: str
    step: Step
    stage: str
    """Name of the stage; empty for a survey, a verification and a removal."""
    run: int
    key10: str
    place10: str
    pods10: str
    """Fingerprint of the inputs of its pod template; empty for a Job of an older release."""
    suspended: bool
    deleting: bool
    parallelism: int
    active: int
    finished: bool
    succeeded: bool
    started: datetime | None
    """Creation time of its first pods; None: not yet, or unknown."""
    ended: datetime | None
    """End time; None: it has not finished, or its condition has no time."""
    message: str
    """Message of the Job's Failed condition."""
    ttl: int | None
    """The ttl that Kubernetes applies, which Jobs of older releases have."""
    shards: tuple[int, ...]
    """Shards of its indexes (shards step only)."""
    completed: frozenset[int]
    """Shards whose indexes completed."""
    failed: frozenset[int]
    """Shards whose indexes failed."""
    report: str | None
    """Termination message of one of its pods; empty: there is none; None: not read yet."""

    @property
    def live(self) -> bool:
        """Whether it has pods or may get some."""
        return not self.finished

    def read(self, kind: type[R]) -> R | None:
        """Its report, or None if there is none of this type."""
        try:
            return kind.model_validate_json(self.report or "")
        except ValidationError:
            return None

    def opened(self, stage: str) -> OpenReport | NextPass | None:
        """Its report about a pass that it opened, of its own stage or of another one, or None."""
        if stage == self.stage and (report := self.read(OpenReport)):
            return report
        last = self.read(CommitReport) or self.read(SurveyReport)
        return next((each for each in last.next if each.stage == stage and each.shards), None) if last else None

    @property
    def failure(self) -> Failure | None:
        """The failure that the step reported, or None."""
        try:
            return _FAILURE.validate_json(self.report or "")
        except ValidationError:
            return None

    @property
    def last_words(self) -> str:
        """The last lines of its log if there is no report."""
        return last_words(self.report or "")

    @property
    def exit(self) -> ExitCode:
        """The exit code that failed the Job; BUG if it is unknown."""
        failure = self.failure
        if failure and failure.error == errors.OutOfMemory.__name__:  # like a pod killed by the kernel
            return ExitCode.BUG
        kind = getattr(errors, failure.error, None) if failure else None
        if isinstance(kind, type) and issubclass(kind, errors.ReelmillError):
            return kind.exit_code
        code = _EXIT.search(self.message)
        known = {int(exit_code) for exit_code in ExitCode}
        return ExitCode(int(code[1])) if code and int(code[1]) in known else ExitCode.BUG


def observe(jobs: Iterable[Mapping[str, Any]], reports: Mapping[str, str], uid: str) -> dict[str, Observed]:
    """The Jobs of the pipeline with this UID, by name. Other Jobs are ignored."""
    found = (_observe_job(job, reports) for job in jobs if _labels(job).get(UID) == uid)
    return {job.name: job for job in found if job}


def _labels(job: Mapping[str, Any]) -> Mapping[str, str]:
    return (job.get("metadata") or {}).get("labels") or {}


def _observe_job(job: Mapping[str, Any], reports: Mapping[str, str]) -> Observed | None:
    labels = _labels(job)
    try:
        step, run = Step(labels[STEP]), int(labels[RUN])
        name = job["metadata"]["name"]
        shards = tuple(shards_of(job)) if step is Step.SHARDS else ()
        spec, status = job.get("spec") or {}, job.get("status") or {}
        completed = _shards_at(shards, status.get("completedIndexes"))
        failed = _shards_at(shards, status.get("failedIndexes"))
    except (KeyError, ValueError):
        return None
    ends = {
        condition["type"]: condition
        for condition in status.get("conditions") or ()
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True"
    }
    return Observed(
        name=name,
        step=step,
        stage=labels.get(STAGE, ""),
        run=run,
        key10=labels.get(KEY, ""),
        place10=labels.get(PLACE, ""),
        pods10=labels.get(PODS, ""),
        suspended=bool(spec.get("suspend")),
        deleting=bool(job["metadata"].get("deletionTimestamp")),
        parallelism=int(spec.get("parallelism") or 0),
        active=int(status.get("active") or 0),
        finished=bool(ends),
        succeeded="Complete" in ends,
        started=moment(str(status.get("startTime") or "")),
        ended=next((moment(str(end.get("lastTransitionTime") or "")) for end in ends.values()), None),
        message=str((ends.get("Failed") or {}).get("message") or ""),
        ttl=spec.get("ttlSecondsAfterFinished"),
        shards=shards,
        completed=completed,
        failed=failed,
        report=reports.get(name),
    )


def _shards_at(shards: tuple[int, ...], indexes: str | None) -> frozenset[int]:
    return frozenset(shards[index] for index in parse_ranges(indexes or "") if index < len(shards))
