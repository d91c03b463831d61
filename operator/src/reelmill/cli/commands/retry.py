"""`reelmill retry`: retry failed items by stage and failure class, and resume stalled stages."""

from collections.abc import Sequence
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.requests import Answer, Stages, Watch, request, send_request, suspension_note, token
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, USUAL, ClusterOptions, RunOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.local_run import drive
from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.records.rows import Outcome
from reelmill.contract.status import Status
from reelmill.contract.text.quantities import count_of
from reelmill.plan.requests import RETRY, annotation


def retry(
    pipeline: target.Target,
    stage: Stages = None,
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", "-c", help="Limit to failures of this class; repeatable. Default: all."),
    ] = None,
    elsewhere: StoreOverride = AS_NAMED,
    work: RunOptions = USUAL,
    place: ClusterOptions = HERE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Retry failed items and resume stalled stages.

    Later stages process the items that succeed. A pipeline file runs on this machine; for a pipeline in the cluster,
    the request goes to its operator.
    """
    stages, classes = tuple(stage or ()), tuple(class_ or ())
    if not target.is_name(pipeline):
        _run_on_this_machine(target.local(pipeline, place, elsewhere), stages, classes, work, output)
        return
    target.refuse_local_options(pipeline, elsewhere, work)

    def ask(link: ClusterClient, resource: Json) -> Answer:
        changed = request(link, resource, RETRY, stages, classes)
        failed = _failed_items(resource, stages)
        items_text = count_of(failed, "failed item") if failed else ""
        if classes:
            items_text = f"failed items ({' or '.join(classes)})"
        stages_text = f" of {', '.join(stages)}" if stages else ""
        request_text = (
            f"retrying {items_text}{stages_text}"
            if items_text
            else f"resuming what is stalled{stages_text}; no failed items are known"
        )
        return changed, [f"{pipeline}: {request_text}{suspension_note(changed)}"]

    send_request(pipeline, place, output, ask, watch=watch)


def _failed_items(resource: Json, stages: tuple[str, ...]) -> int:
    known = Status.model_validate(resource.get("status") or {}, extra="ignore").stages
    return sum(stage.totals.failed for stage in known if not stages or stage.name in stages)


def _run_on_this_machine(
    loaded: Loaded, stages: tuple[str, ...], classes: tuple[str, ...], work: RunOptions, output: Format
) -> None:
    """Run on this machine if there is anything to retry."""
    for name in stages:
        loaded.stage(name)
    rows = store_commands.stored(loaded)
    chosen = [rows[name] for name in stages or loaded.graph.stages]
    found = tuple(
        row.name
        for row in chosen
        if row.pass_
        or _is_wanted(row.failed_reasons(), classes)
        or any(row.reasons.get(f"{Outcome.SKIPPED}:{name}") for name in classes)
    )
    if found:
        drive(loaded, {RETRY: annotation(token(), stages=found, classes=classes)}, work, output)
    say(f"nothing to retry: {_nothing_to_retry(chosen, classes)}")
    if sources_with_failures := [name for name in loaded.graph.sources if rows[name].failed]:
        say(f"failed rows of {', '.join(sources_with_failures)} are read again by every run")
    if not output.for_people:
        emit(Status().model_dump(mode="json", by_alias=True), output)


def _is_wanted(failed: set[str], classes: tuple[str, ...]) -> bool:
    return bool(failed.intersection(classes or failed))


def _nothing_to_retry(chosen: Sequence[StatusRow], classes: tuple[str, ...]) -> str:
    failure_classes = sorted(set().union(*(row.failed_reasons() for row in chosen)))
    if failure_classes:
        return f"no item failed with {' or '.join(classes)}; there are failures of class {', '.join(failure_classes)}"
    return f"no item of {', '.join(row.name for row in chosen)} failed"
