"""Sentences about individual causes: a stall, a blocked Job, work in progress, failed pods. Pure."""

from collections.abc import Callable, Iterator

from reelmill.cli.cluster import pods
from reelmill.cli.cluster.pipeline_view import SURVEY, PipelineView, seconds_left, shard_of, stage_of
from reelmill.cli.display.output import duration
from reelmill.contract.conditions import ConditionReason, Recovery, declared
from reelmill.contract.status import StageStatus, Stall, Status
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.sentences import listed, sentence

Say = Callable[..., str]
"""Builds a command line about this pipeline: `say("retry", "--stage clips")`."""
_REASONS_WITH_WARNINGS = (
    ConditionReason.NO_PODS,
    ConditionReason.JOB_REFUSED,
    ConditionReason.POD_STARTING,
    ConditionReason.POD_CONFIG,
)
"""Reasons that the cluster's own events explain better."""


def stalled(seen: PipelineView, say: Say, name: str, stall: Stall) -> Iterator[str]:
    """Sentences about a stalled survey or stage: the reason, the failed pods, and how to continue."""
    what = "The survey" if name == SURVEY else f"Stage {name}"
    yield sentence(f"{what} cannot continue ({stall.reason}): {stall.message}")
    known = declared(stall.reason)
    yield sentence(_with_capital(stall.hint or (known.remedy if known else "")))
    yield from _failed_pods_sentences(seen, say, name)
    waiting = _reading_stages(seen, name)
    yield f"{listed(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for it." if waiting else ""
    only = "" if name == SURVEY else f"--stage {name}"
    if known and known.recovery is Recovery.EDIT:
        yield "Edit the spec to continue; a retry alone does not help."
    else:
        yield f"After fixing the cause, run `{say('retry', only)}` or edit the spec."


def waiting_job_sentences(seen: PipelineView, reason: str, message: str) -> Iterator[str]:
    """Sentences about a Job whose pods do not run, with the message of the component that rejects them."""
    name, _, words = message.partition(": ")
    known = declared(reason)
    remedy = known.remedy if known and known.remedy not in words else ""
    if known in (ConditionReason.UNSCHEDULABLE, ConditionReason.SCHEDULING_GATED):
        yield sentence(f"No node fits the pods of {name}: {words}")
        pending = [pod for pod in seen.pods if (pod.get("status") or {}).get("phase") == "Pending"]
        pod = next((pod for pod in pending if stage_of(pod) == name), None)
        if pod and (wants := pods.asks(pod)):
            yield f"Each requests {wants}."
        yield sentence(_with_capital(remedy))
        return
    yield sentence(f"{name} is blocked ({reason}): {words}")
    if known in _REASONS_WITH_WARNINGS:
        yield _last_warning_sentence(seen, name)
    yield sentence(_with_capital(remedy))
    yield "Work continues by itself once the cause is fixed."


def at_work(seen: PipelineView, say: Say, stage: StageStatus) -> Iterator[str]:
    """Sentences about the progress of a pass and the failures in it."""
    work = stage.pass_
    assert work is not None
    since = duration(seen.since(work.started_at))
    if work.step == "open":
        state_text = f"{stage.name} is cutting the shards of segment {work.segment}"
    elif work.step == "commit":
        state_text = f"{stage.name} is {'abandoning its pass' if work.abandon else f'closing segment {work.segment}'}"
    else:
        at_work = f" with {count_of(work.active, 'pod')} running" if work.active else ""
        state_text = f"{stage.name} has done {work.done:,} of {count_of(work.shards, 'shard')}{at_work}"
    left = seconds_left(stage, seen)
    yield f"{state_text}, started {since} ago" + (f", about {duration(left)} left." if left is not None else ".")
    if stage.message:
        yield sentence(stage.message)
    if work.attempt > 1 or work.failed:
        failed = f"; shards that failed: {work.failed}" if work.failed else ""
        yield f"This is attempt {work.attempt}{failed}."
    yield from _failed_pods_sentences(seen, say, stage.name)
    if work.step == "shards" and not work.active and not stage.message:
        yield queue_sentence(seen, stage.name) or _active_stages_limit_sentence(seen, stage)


def _failed_pods_sentences(seen: PipelineView, say: Say, name: str) -> Iterator[str]:
    """Sentences about the failed pods of a stage, with the last error in the log of one."""
    failed = [pod for pod in seen.pods if stage_of(pod) == name and pods.end(pod)]
    yield sentence(_with_capital(pods.ends(failed)))
    for pod in reversed(failed):
        if words := pods.last_words(seen.logs.get(pod["metadata"]["name"], ())):
            shard = shard_of(pod, seen.jobs)
            log_owner = f"shard {shard}" if shard is not None else pod["metadata"]["name"]
            yield sentence(f"The last log message of {log_owner}: {words}")
            return
    if seen.status.stage(name).logs if name != SURVEY else "":
        yield f"`{say('logs', f'--stage {name}')}` shows the logs of its shards."


def _last_warning_sentence(seen: PipelineView, name: str) -> str:
    """A sentence with the last warning event of the stage's Jobs and pods; empty if there is none."""
    ours = {job["metadata"]["name"] for job in seen.jobs if stage_of(job) == name}
    ours |= {pod["metadata"]["name"] for pod in seen.pods if stage_of(pod) == name}
    warnings = [event for event in seen.events if event.get("type") == "Warning" and _involved_name(event) in ours]
    return (
        sentence(f"The last warning of the cluster: {' '.join(str(warnings[-1].get('message')).split())}")
        if warnings
        else ""
    )


def _involved_name(event: object) -> str:
    involved = event.get("involvedObject") if isinstance(event, dict) else None
    return str((involved or {}).get("name") or "")


def queue_sentence(seen: PipelineView, name: str) -> str:
    """A sentence about a queue that has not admitted the stage's Job; empty if none holds it."""
    queue = (seen.spec.get("queue") or {}).get("name")
    held = [job for job in seen.jobs if stage_of(job) == name and (job.get("spec") or {}).get("suspend")]
    return f"Its Job is waiting for admission by the queue {queue}." if queue and held else ""


def _active_stages_limit_sentence(seen: PipelineView, stage: StageStatus) -> str:
    limit = (seen.spec.get("limits") or {}).get("maxActiveStages")
    busy = [each.name for each in _stages_running_shards(seen.status) if each.name != stage.name]
    return (
        f"It is waiting for {listed(busy)}, because limits.maxActiveStages is {limit}."
        if limit and len(busy) >= limit
        else ""
    )


def _stages_running_shards(status: Status) -> list[StageStatus]:
    return [stage for stage in status.stages if stage.pass_ and stage.pass_.step == "shards" and stage.pass_.active]


def shared_pass_sentence(names: list[str]) -> str:
    """A sentence about passes that another pipeline works on."""
    return (
        f"Another pipeline is working on the open pass of {listed(names)}; this one takes over if the other sends no "
        "heartbeat for ten minutes."
    )


def _reading_stages(seen: PipelineView, name: str) -> list[str]:
    return [] if name == SURVEY else [stage for stage, reads in seen.upstreams.items() if name in reads]


def _with_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
