"""`reelmill why`: explain in one paragraph why a pipeline is pending or has failed."""

import textwrap
from dataclasses import replace
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster import pods, target
from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.commands.events import fetched_view
from reelmill.cli.cluster.explanation import why as paragraph
from reelmill.cli.cluster.pipeline_view import PipelineView, stage_of
from reelmill.cli.cluster.requests import command_builder, must_have
from reelmill.cli.cluster.verdict import verdict
from reelmill.cli.display.console import console
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import write
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.commands.signatures import STATUS
from reelmill.contract.errors import ReelmillError
from reelmill.contract.text.stored_state import stored_state

MOST = 100
"""Maximum width of the paragraph in columns."""
ASKED = 2
"""Number of failed pods per stage whose logs are read."""
LINES = 50
"""Number of lines that are read from the end of each log."""


def why(
    pipeline: target.Target,
    stage: Annotated[str, typer.Option("--stage", "-s", help="Explain the state of this stage.")] = "",
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Explain why a pipeline is pending or has failed, and what to do.

    For a pipeline file, the explanation is based on its store.
    """
    if target.is_name(pipeline):
        target.refuse_local_options(pipeline, elsewhere)
        sentences = _explanation_from_cluster(pipeline, stage, place)
    else:
        sentences = _explanation_from_store(target.local(pipeline, place, elsewhere), stage)
    if output.for_people:
        width = min(console().width, MOST)
        for line in textwrap.wrap(sentences["why"], width, break_long_words=False, break_on_hyphens=False):
            write(line)
    else:
        emit(sentences, output)


def _explanation_from_cluster(name: str, stage: str, place: ClusterOptions) -> dict[str, str]:
    with target.named(name, place) as (link, resource):
        must_have(resource, (stage,) if stage else ())
        seen = fetched_view(link, resource)
        seen = replace(seen, logs=_failed_pod_logs(link, seen))
    word, rest = verdict(seen)
    sentences = paragraph(seen, command_builder(name, place), stage)
    return {"name": name, "namespace": seen.namespace, "state": word, "reason": rest, "why": sentences}


def _explanation_from_store(loaded: Loaded, stage: str) -> dict[str, str]:
    names = [loaded.stage(stage)] if stage else loaded.names()
    task = store_commands.task(loaded)
    rows = store_commands.load(STATUS)(task, store_commands.environment())
    found = stored_state([row for row in rows if row.name in names], loaded.graph.tolerances, loaded.document.file)
    owner = task.owner
    return {
        "name": owner.name,
        "namespace": owner.namespace,
        "state": found.state,
        "reason": found.cause,
        "why": found.why,
    }


def _failed_pod_logs(link: ClusterClient, seen: PipelineView) -> dict[str, list[str]]:
    """The last log lines of failed pods, where they can still be read."""
    asked: dict[str, int] = {}
    found = {}
    for pod in reversed(seen.pods):
        stage = stage_of(pod)
        if not pods.end(pod) or asked.get(stage, 0) >= ASKED:
            continue
        asked[stage] = asked.get(stage, 0) + 1
        try:
            found[pod["metadata"]["name"]] = list(link.log(pod["metadata"]["name"], last=LINES))
        except ReelmillError:
            continue  # the node is gone, or reading logs is not permitted
    return found
