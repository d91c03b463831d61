"""Deletion of a pipeline with `onDelete: Delete`: stop its pods, delete its data by a Job, remove the finalizer.

Only such a pipeline has a finalizer. It is removed after an hour at the latest, or immediately when `onDelete` is set
to `Keep`; an event then reports that the data are kept.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reelmill.contract.backoff import Backoff
from reelmill.contract.conditions import ConditionReason, EventReason
from reelmill.contract.status import MESSAGE, Removal, Status, cut
from reelmill.contract.task import RemoveReport
from reelmill.contract.text.quantities import count_of
from reelmill.plan.decision import Action, CreateJob, DeleteJob, Event, Plan, SetFinalizers
from reelmill.plan.definition.graph import Graph
from reelmill.plan.definition.keys import keys
from reelmill.plan.jobs.build import GROUP, removal_job
from reelmill.plan.jobs.observed_jobs import Observed, observe
from reelmill.plan.jobs.tasks import Definition, removal_task
from reelmill.plan.policy import violations
from reelmill.plan.snapshot import Snapshot, moment, stamp
from reelmill.plan.status.condition_rules import removing

FINALIZER = f"{GROUP}/data"
PATIENCE_SECONDS = 3600.0
"""Maximum duration of a removal in seconds."""
MOST_TRIES = 20
"""Maximum number of failed Jobs, which limits the removal even if the clock is set back."""
RETRIES = Backoff(first=15.0, most=300.0)


def finalizer_changes(snapshot: Snapshot) -> Sequence[Action]:
    """Add or remove the finalizer of a resource that is not being deleted, according to `onDelete`."""
    wanted = snapshot.pipeline.spec.on_delete == "Delete"
    if wanted == (FINALIZER in snapshot.finalizers):
        return ()
    others = tuple(name for name in snapshot.finalizers if name != FINALIZER)
    return (SetFinalizers((*others, FINALIZER) if wanted else others),)


def reconcile_deletion(snapshot: Snapshot, now: datetime) -> Plan:
    """The next step of a resource that is being deleted."""
    since, spec = snapshot.deleting, snapshot.pipeline.spec
    if since is None or FINALIZER not in snapshot.finalizers:
        return Plan(status=snapshot.status)
    removal = snapshot.status.removal or Removal()
    jobs = observe(snapshot.jobs, snapshot.reports, snapshot.uid)
    if spec.on_delete == "Keep":
        return release(snapshot, EventReason.DATA_KEPT, f"onDelete is Keep: the data is kept in {spec.store.uri}")
    if broken := violations(spec, snapshot.settings.policy):
        # A pod that removes data uses the image, the account and the Secrets of the pipeline.
        message = f"the spec breaks the operator's policy ({broken[0]}), so the data in {spec.store.uri} is kept"
        return release(snapshot, EventReason.DATA_KEPT, message)
    job = jobs.get(removal.job)
    if job and job.succeeded and job.report is not None:
        return release(snapshot, EventReason.DATA_REMOVED, _removed_message(job, spec.store.uri))
    trouble = snapshot.waiting.get(removal.job) or removal.message
    left = PATIENCE_SECONDS - (now - since).total_seconds()
    ending = ConditionReason.NAMESPACE_ENDING in snapshot.reasons.values()
    if ending or left <= 0 or removal.tries >= MOST_TRIES:
        why = f": {trouble}" if trouble else ""
        return release(
            snapshot, EventReason.DATA_KEPT, f"the data in {spec.store.uri} is kept, because removing them failed{why}"
        )
    others = [other for other in jobs.values() if other.name != removal.job and (other.live or other.deleting)]
    if others:
        actions: list[Action] = [DeleteJob(other.name, wait=True) for other in others if not other.deleting]
        return Plan(_status(snapshot, removal, now, "stopping its pods"), tuple(actions), wake_after=min(left, 30.0))
    run, removal, creation, wake = _advance_removal(snapshot, removal, job, now)
    status = _status(snapshot, removal, now, snapshot.waiting.get(removal.job) or removal.message, run=run)
    return Plan(status, creation, wake_after=min(left, wake))


def release(snapshot: Snapshot, reason: EventReason, message: str) -> Plan:
    """Remove the finalizer, and report by an event what happened to the data."""
    others = tuple(name for name in snapshot.finalizers if name != FINALIZER)
    return Plan(snapshot.status, (SetFinalizers(others),), (Event(reason.type, reason, message),))


def _advance_removal(
    snapshot: Snapshot, removal: Removal, job: Observed | None, now: datetime
) -> tuple[int, Removal, tuple[Action, ...], float]:
    """(number of the last Job, state of the removal, Jobs to create, seconds until the next check)."""
    status, most = snapshot.status, RETRIES.most
    run = max([status.run, *(other.run for other in observe(snapshot.jobs, {}, snapshot.uid).values())])
    if job and (job.live or job.report is None):
        return run, removal.replace(seen=True), (), most if job.live else 2.0
    if job or (removal.job and removal.seen):
        removal = _failed_removal(removal, job, now)
    due = moment(removal.again_at)
    if due and 0 < (wait := (due - now).total_seconds()) <= 2 * RETRIES.most:
        return run, removal, (), wait
    definition = _definition(snapshot)
    number = run if removal.job else run + 1
    created = removal_job(definition, snapshot.settings, removal_task(definition, run=number))
    removal = removal.replace(job=created["metadata"]["name"], seen=False, again_at="")
    return number, removal, (CreateJob(created),), most


def _failed_removal(removal: Removal, job: Observed | None, now: datetime) -> Removal:
    failure, tries = job.failure if job else None, removal.tries + 1
    why = f"{failure.message}; {failure.hint}" if failure and failure.hint else failure.message if failure else ""
    return Removal(
        tries=tries,
        again_at=stamp(now + timedelta(seconds=RETRIES.delay(tries))),
        message=cut(why or (job.message if job else "") or f"{removal.job} is gone", MESSAGE),
    )


def _definition(snapshot: Snapshot) -> Definition:
    """A definition without a graph, sufficient for the removal Job: the spec may no longer be valid."""
    graph = Graph({}, {}, {})
    return Definition(snapshot.pipeline, snapshot.uid, graph, keys(snapshot.pipeline.spec, graph))


def _status(snapshot: Snapshot, removal: Removal, now: datetime, trouble: str, *, run: int | None = None) -> Status:
    old = snapshot.status
    until = stamp(snapshot.deleting + timedelta(seconds=PATIENCE_SECONDS)) if snapshot.deleting else ""
    message = (
        f"removing the data in {snapshot.pipeline.spec.store.uri} that no other pipeline claims"
        f"{f' ({trouble})' if trouble else ''}; to keep the data, set spec.onDelete to Keep; gives up at {until}"
    )
    return old.replace(
        observed_generation=snapshot.generation,
        run=old.run if run is None else run,
        removal=removal,
        conditions=removing(old, message, snapshot.generation, now),
    )


def _removed_message(job: Observed, store: str) -> str:
    report = job.read(RemoveReport)
    if report is None:
        return f"removed the data in {store} that no other pipeline claims"
    kept = f"; kept {report.kept} that another pipeline claims" if report.kept else ""
    left = f"; kept {count_of(report.left, 'object')} that reelmill did not write" if report.left else ""
    left += f": {', '.join(report.left_names)}{', …' if report.left > len(report.left_names) else ''}" if left else ""
    removed = f"{count_of(report.removed, 'data set')} ({count_of(report.objects, 'object')}, {report.bytes} bytes)"
    return f"removed {removed} from {store}{kept}{left}"
