"""One cause each, in sentences: a stall, a held-up Job, work that goes on, pods that failed. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from reelmill.cli.cluster import pods
from reelmill.cli.cluster.observed import SURVEY, PipelineView, seconds_left, shard_of, stage_of
from reelmill.cli.display.output import duration
from reelmill.contract.conditions import ConditionReason, Recovery, declared
from reelmill.contract.reasons import RetryHelps, item_reason
from reelmill.contract.status import StageStatus, Stall, Status

Say = Callable[..., str]
"""The command line of a verb about this pipeline: `say("retry", "--stage clips")`."""
_HEARD = (
    ConditionReason.NO_PODS,
    ConditionReason.JOB_REFUSED,
    ConditionReason.POD_STARTING,
    ConditionReason.POD_CONFIG,
)
"""Reasons about which the cluster's own events say more."""


def stalled(seen: PipelineView, say: Say, name: str, stall: Stall) -> Iterator[str]:
    """What cannot go on by itself, why, and what lifts it."""
    what = "The survey, which looks before anything works," if name == SURVEY else f"The stage {name}"
    yield sentence(f"{what} cannot go on ({stall.reason}): {stall.message}")
    known = declared(stall.reason)
    yield sentence(_upper(stall.hint or (known.remedy if known else "")))
    yield from _fallen(seen, say, name)
    waiting = _after(seen, name)
    yield f"{listed(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for it." if waiting else ""
    only = "" if name == SURVEY else f"--stage {name}"
    if known and known.recovery is Recovery.EDIT:
        yield "An edit of the spec lifts it; a retry alone does not help."
    else:
        yield f"Once it is mended: `{say('retry', only)}`; an edit of the spec does as well."


def held_up(seen: PipelineView, reason: str, message: str) -> Iterator[str]:
    """A Job whose pods do not run, in the words of whoever refuses them."""
    name, _, words = message.partition(": ")
    known = declared(reason)
    remedy = known.remedy if known and known.remedy not in words else ""
    if known in (ConditionReason.UNSCHEDULABLE, ConditionReason.SCHEDULING_GATED):
        yield sentence(f"The pods of {name} find no node: {words}")
        pending = [pod for pod in seen.pods if (pod.get("status") or {}).get("phase") == "Pending"]
        pod = next((pod for pod in pending if stage_of(pod) == name), None)
        if pod and (wants := pods.asks(pod)):
            yield f"Each asks for {wants}."
        yield sentence(_upper(remedy))
        return
    yield sentence(f"{name} is held up ({reason}): {words}")
    if known in _HEARD:
        yield _heard(seen, name)
    yield sentence(_upper(remedy))
    yield "Work continues by itself once that is fixed."


def at_work(seen: PipelineView, say: Say, stage: StageStatus) -> Iterator[str]:
    """How far a pass is, and what went wrong in it on the way."""
    work = stage.pass_
    assert work is not None
    since = duration(seen.since(work.started_at))
    if work.step == "open":
        said = f"{stage.name} cuts the shards of segment {work.segment}"
    elif work.step == "commit":
        said = f"{stage.name} gives the pass up" if work.abandon else f"{stage.name} closes segment {work.segment}"
    else:
        at_work = f" with {work.active:,} pod{'' if work.active == 1 else 's'} at work" if work.active else ""
        said = f"{stage.name} has done {work.done:,} of {work.shards:,} shards{at_work}"
    left = seconds_left(stage, seen)
    yield f"{said}, begun {since} ago" + (f", about {duration(left)} left." if left is not None else ".")
    if stage.message:
        yield sentence(stage.message)
    if work.attempt > 1 or work.failed:
        failed = f"; shards that failed: {work.failed}" if work.failed else ""
        yield f"This is attempt {work.attempt}{failed}."
    yield from _fallen(seen, say, stage.name)
    if work.step == "shards" and not work.active and not stage.message:
        yield queued(seen, stage.name) or _limit(seen, stage)


def _fallen(seen: PipelineView, say: Say, name: str) -> Iterator[str]:
    """How pods of a stage ended, and the last words of one."""
    failed = [pod for pod in seen.pods if stage_of(pod) == name and pods.end(pod)]
    yield sentence(_upper(pods.ends(failed)))
    for pod in reversed(failed):
        if words := pods.last_words(seen.logs.get(pod["metadata"]["name"], ())):
            shard = shard_of(pod, seen.jobs)
            whose = f"shard {shard}" if shard is not None else pod["metadata"]["name"]
            yield sentence(f"The last words of {whose}: {words}")
            return
    if seen.status.stage(name).logs if name != SURVEY else "":
        yield f"`{say('logs', f'--stage {name}')}` shows what its shards said."


def _heard(seen: PipelineView, name: str) -> str:
    """The last warning about the stage's Jobs and pods."""
    ours = {job["metadata"]["name"] for job in seen.jobs if stage_of(job) == name}
    ours |= {pod["metadata"]["name"] for pod in seen.pods if stage_of(pod) == name}
    said = [event for event in seen.events if event.get("type") == "Warning" and _about(event) in ours]
    return sentence(f"The cluster says: {' '.join(str(said[-1].get('message')).split())}") if said else ""


def _about(event: object) -> str:
    involved = event.get("involvedObject") if isinstance(event, dict) else None
    return str((involved or {}).get("name") or "")


def queued(seen: PipelineView, name: str) -> str:
    """A queue that has not admitted the Job; empty where none holds it."""
    queue = (seen.spec.get("queue") or {}).get("name")
    held = [job for job in seen.jobs if stage_of(job) == name and (job.get("spec") or {}).get("suspend")]
    return f"Its Job waits for the queue {queue} to admit it." if queue and held else ""


def _limit(seen: PipelineView, stage: StageStatus) -> str:
    limit = (seen.spec.get("limits") or {}).get("maxActiveStages")
    busy = [each.name for each in _running(seen.status) if each.name != stage.name]
    return f"limits.maxActiveStages is {limit}: it waits for {listed(busy)}." if limit and len(busy) >= limit else ""


def _running(status: Status) -> list[StageStatus]:
    return [stage for stage in status.stages if stage.pass_ and stage.pass_.step == "shards" and stage.pass_.active]


def shared(names: list[str]) -> str:
    """Another pipeline has the pass."""
    return (
        f"Another pipeline works on the open pass of {listed(names)}; this one takes over if the other shows no "
        "sign of life for ten minutes."
    )


def _after(seen: PipelineView, name: str) -> list[str]:
    return [] if name == SURVEY else [stage for stage, reads in seen.upstreams.items() if name in reads]


def lost(stage: StageStatus) -> str:
    """`, 3 failed (too_short 3)`; empty where none failed."""
    if not stage.totals.failed:
        return ""
    told = [
        f"{name.partition(':')[2]} {count:,}" for name, count in stage.reasons.items() if name.startswith("failed:")
    ]
    return f", {stage.totals.failed:,} failed" + (f" ({', '.join(told)})" if told else "")


def advice(stages: Iterable[StageStatus]) -> str:
    """What the most frequent reason of failed items means, and what to do; empty where nothing is declared of it."""
    counted = Counter[str]()
    for stage in stages:
        counted.update({name: count for name, count in stage.reasons.items() if name.startswith("failed:")})
    if not counted:
        return ""
    reason = item_reason(counted.most_common(1)[0][0].partition(":")[2])
    if reason is None:
        return ""
    helps = "a retry alone does not help" if reason.retry is RetryHelps.NO else f"a retry helps: {reason.retry}"
    return f"Mostly {reason}: {reason.meaning}; {reason.remedy} ({helps})."


def listed(names: list[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """The text with its full stop."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."
