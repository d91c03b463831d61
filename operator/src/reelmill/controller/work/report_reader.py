"""Reads the reports of finished Jobs from their pods, each once."""

from collections.abc import Iterable
from typing import Any

from reelmill.controller.kube.api import KubeApi
from reelmill.controller.kube.fresh_reads import still_failed
from reelmill.controller.observe.job_reports import finished, phase_to_read, report
from reelmill.controller.state.cache import Cache

Json = dict[str, Any]


async def read_reports(verbs: KubeApi, cache: Cache, known: dict[str, str], jobs: Iterable[Json]) -> bool:
    """Bring the reports of these Jobs, by UID, up to date; returns False if a cached Job was out of date.

    Reports of other Jobs are dropped.
    """
    wanted = {str(job["metadata"]["uid"]): job for job in jobs if finished(job)}
    for uid in known.keys() - wanted.keys():
        del known[uid]
    for uid, job in wanted.items():
        if uid not in known:
            if finished(job) == "Failed" and await still_failed(verbs, cache, job) != job:
                return False
            known[uid] = await _read_report(verbs, job)
    return True


async def _read_report(verbs: KubeApi, job: Json) -> str:
    """The report of a finished Job.

    The pod of a successful step never changes again, so the server's cache either has its report or does not have the
    pod yet. Of several failed pods, the cache may lack the last one.
    """
    phase, namespace, name = phase_to_read(job), job["metadata"]["namespace"], job["metadata"]["name"]
    if phase == "Succeeded" and (found := report(job, await verbs.pods(namespace, name, phase, cached=True))):
        return found
    return report(job, await verbs.pods(namespace, name, phase) if phase else [])
