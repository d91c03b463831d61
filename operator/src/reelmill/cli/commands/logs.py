"""`reelmill logs`: the logs of a stage's shards, from their pods, or from the store if the pods no longer exist."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import JOBS, PODS, ClusterClient
from reelmill.cli.cluster.log_line import rendered
from reelmill.cli.cluster.pipeline_view import Json, shard_of, stage_of, step_of
from reelmill.cli.cluster.target import of_resource
from reelmill.cli.display.console import console
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import LOGS
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.terminal import printable

MOST = 10
"""Maximum number of pods that are followed at the same time."""
LAST = 20
"""Lines shown of each pod if there are several."""


@dataclass(frozen=True, slots=True)
class LogSelection:
    """Which logs to show, and how many lines of each. None means all."""

    stage: str
    shard: int | None
    segment: int | None
    last: int | None
    raw: bool

    def is_of(self, pod: Json, jobs: list[Json]) -> bool:
        return (not self.stage or stage_of(pod) == self.stage) and self.shard in (None, shard_of(pod, jobs))


def logs(
    pipeline: target.Target,
    stage: Annotated[str, typer.Option("--stage", "-s", help="Limit to this stage, or to `survey`.")] = "",
    shard: Annotated[int | None, typer.Option("--shard", min=0, help="Limit to this shard.")] = None,
    segment: Annotated[
        int | None,
        typer.Option("--segment", min=1, help="Read this segment's logs from the store. Default: the newest."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Stream new lines, including those of pods that start later.")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail",
            min=0,
            help=f"Number of lines from the end of each log. Default: all of a single pod, {LAST} each of several.",
        ),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print the lines as they were logged, as JSON objects.")] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
) -> None:
    """Show the logs of a pipeline.

    For a name, these are the logs of its pods. For a pipeline file, or if the pods no longer exist, they are the logs
    that shards and commit steps saved in the store.
    """
    wanted = LogSelection(stage, shard, segment, tail, raw)
    if not target.is_name(pipeline):
        if follow:
            raise SpecError("--follow requires the name of a pipeline in a cluster")
        _print_stored_logs(target.local(pipeline, place, elsewhere), wanted)
        return
    with target.named(pipeline, place) as (link, resource):
        _check_stage(resource, stage)
        if follow:
            _follow_pods(link, resource, wanted)
            return
        if segment is None and _print_pod_logs(link, resource, wanted):
            return
        _print_stored_logs(of_resource(resource, elsewhere), wanted)


def _check_stage(resource: Json, stage: str) -> None:
    names = ["survey", *(each["name"] for each in resource["spec"].get("stages") or ())]
    if stage and stage not in names:
        raise SpecError(f"no stage named {stage!r}", hint=f"choose one of {', '.join(names)}")


def _print_pod_logs(link: ClusterClient, resource: Json, wanted: LogSelection) -> bool:
    """Print the logs of existing pods; returns whether there was any line."""
    pods = _started_pods(link, resource, wanted)
    last = wanted.last if wanted.last is not None else LAST if len(pods) > 1 else None
    has_lines = False
    for name, label in pods.items():
        try:
            for line in link.log(name, last=last):
                has_lines = True
                _print_line(line, label if len(pods) > 1 else "", wanted)
        except ReelmillError as error:
            say(f"warning: pod {name}: {error}")
    return has_lines


def _follow_pods(link: ClusterClient, resource: Json, wanted: LogSelection) -> None:
    def started_pods() -> dict[str, str]:
        """Pods that have started, the newest last."""
        return _started_pods(link, resource, wanted)

    labels = started_pods()
    if len(labels) > MOST:
        pods = count_of(len(labels), "pod")
        say(f"following the newest {MOST} of {pods}; limit the selection with --stage and --shard")
    several = not (wanted.stage and wanted.shard is not None)
    for name, line in link.follow(
        lambda: list(started_pods())[-MOST:], last=wanted.last if wanted.last is not None else LAST
    ):
        labels = labels if name in labels else started_pods()
        _print_line(line, labels.get(name, name) if several else "", wanted)


def _started_pods(link: ClusterClient, resource: Json, wanted: LogSelection) -> dict[str, str]:
    """The label to print for each pod that has started, by pod name, the oldest first."""
    jobs = link.owned(JOBS, resource)
    begun = [
        pod for pod in link.owned(PODS, resource) if (pod.get("status") or {}).get("phase") not in (None, "Pending")
    ]
    begun.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    return {pod["metadata"]["name"]: _pod_label(pod, jobs) for pod in begun if wanted.is_of(pod, jobs)}


def _pod_label(pod: Json, jobs: list[Json]) -> str:
    shard = shard_of(pod, jobs)
    part = f"/{shard}" if shard is not None else f"/{step_of(pod)}" if stage_of(pod) != step_of(pod) else ""
    return f"{stage_of(pod)}{part}"


def _print_stored_logs(loaded: Loaded, wanted: LogSelection) -> None:
    if wanted.stage == "survey":
        raise SpecError(
            "the pod of the survey no longer exists, and surveys save no log in the store",
            hint="try `why` instead of `logs`",
        )
    stages = [loaded.stage(wanted.stage)] if wanted.stage else list(loaded.graph.stages)
    has_lines = False
    for stage in stages:
        for label, lines in _stored_runs(loaded, stage, wanted):
            has_lines = True
            for line in lines[-wanted.last :] if wanted.last else lines if wanted.last is None else []:
                _print_line(line, label, wanted)
    if not has_lines:
        say("no logs: no pods exist, and no shard saved a log in the store")


def _stored_runs(loaded: Loaded, stage: str, wanted: LogSelection) -> Iterator[tuple[str, list[str]]]:
    """(label, lines) of each run of a shard, and of the commit step, from the store."""
    read = store_commands.load(LOGS)
    runs: dict[tuple[int | None, str], list[str]] = {}
    for row in read(
        store_commands.task(loaded),
        store_commands.environment(),
        stage=stage,
        shard=wanted.shard,
        segment=wanted.segment,
    ):
        runs.setdefault((row.shard, row.run), []).append(row.line)
    for (shard, _), lines in runs.items():
        yield f"{stage}/{'commit' if shard is None else shard}", lines


def _print_line(line: str, label: str, wanted: LogSelection) -> None:
    if wanted.raw:
        print(printable(line, keep="\t") if sys.stdout.isatty() else line, flush=True)
    else:
        console().print(rendered(line, label), soft_wrap=True)
