"""Checks the pods of Jobs that should have running pods but have none, with a growing interval."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reelmill.controller.kube.api import KubeApi
from reelmill.controller.observe.diagnose import Diagnosis, diagnose
from reelmill.controller.observe.job_reports import finished
from reelmill.controller.observe.snapshots import seconds_since
from reelmill.controller.state.progress_rate import ProgressRate

Json = dict[str, Any]
FIRST_LOOK_SECONDS = 10.0
"""Minimum age in seconds of a Job before its pods are checked, and the first interval between checks."""
LAST_LOOK_SECONDS = 60.0


class Looks:
    """Results of the pod checks of one pipeline's Jobs."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, Diagnosis | None]] = {}
        """Job UID -> (time of the last check, its result)."""

    async def at(
        self, jobs: Iterable[Json], verbs: KubeApi, pace: ProgressRate, clock: float, now: datetime
    ) -> tuple[dict[str, Diagnosis], float | None]:
        """(Job name -> why its pods do not run, seconds until the next check)."""
        stuck = {job["metadata"]["uid"]: job for job in jobs if _is_stuck(job)}
        self._last = {uid: last for uid, last in self._last.items() if uid in stuck}
        found, again = {}, None
        for uid, job in stuck.items():
            name = job["metadata"]["name"]
            age = seconds_since(job["status"]["startTime"], now)
            looked, diagnosis = self._last.get(uid, (float("-inf"), None))
            first = pace.seconds(FIRST_LOOK_SECONDS)
            every = pace.seconds(min(max(age / 4, FIRST_LOOK_SECONDS), LAST_LOOK_SECONDS))
            if age >= first and clock - looked >= every:
                diagnosis = diagnose(job, await verbs.pods(job["metadata"]["namespace"], name, "Pending"), age)
                self._last[uid] = clock, diagnosis
            if diagnosis:
                found[name] = diagnosis
            due = every if age >= first else first - age
            again = due if again is None else min(due, again)
        return found, again


def at_work(job: Json) -> bool:
    """Whether a Job may have pods."""
    return not finished(job) and not job["spec"].get("suspend")


def _is_stuck(job: Json) -> bool:
    """Whether a Job that may have pods has none, or one that is not ready."""
    status = job["status"]
    if not at_work(job) or not status.get("startTime"):
        return False
    active, ready = int(status.get("active") or 0), int(status.get("ready") or 0)
    return active > ready or not active
