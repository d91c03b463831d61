"""`reelmill retry`: the items that failed, once more; nothing else."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from reelmill.cli import bridge, pipeline
from reelmill.cli.output import Format, Output, emit, say
from reelmill.cli.run import Jobs, Quiet, Verbose, drive
from reelmill.contract.record import Outcome
from reelmill.contract.status import Status
from reelmill.plan.requests import RETRY, annotation

Stages = Annotated[list[str] | None, typer.Option("--stage", "-s", help="Only this stage; left out: all.")]


def retry(
    file: pipeline.File,
    stage: Stages = None,
    class_: Annotated[
        list[str] | None, typer.Option("--class", "-c", help="Only failures of this class; left out: all.")
    ] = None,
    store: pipeline.StoreOption = None,
    endpoint: pipeline.Endpoint = None,
    jobs: Jobs = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    output: Output = Format.TABLE,
) -> None:
    """Try failed items again, by stage and class, and let later stages take up what succeeds."""
    loaded = pipeline.load(file, store=store, endpoint=endpoint)
    stages = tuple(loaded.stage(name) for name in stage or ())
    classes = tuple(class_ or ())
    rows = {row["name"]: row for row in bridge.rows("status", loaded)}
    chosen = [rows[name] for name in stages or loaded.graph.stages]
    found = tuple(row["name"] for row in chosen if row["pass"] or _failed(row).intersection(classes or _failed(row)))
    if found:
        request = annotation(secrets.token_hex(8), stages=found, classes=classes)
        drive(loaded, {RETRY: request}, jobs=jobs, verbose=verbose, quiet=quiet, output=output)
    say(f"nothing to retry: {_why(chosen, classes)}")
    if lost := [name for name in loaded.graph.sources if rows[name]["failed"]]:
        say(f"the failed rows of {', '.join(lost)} are looked at again by every run")
    if output is not Format.TABLE:
        emit(Status().model_dump(mode="json", by_alias=True), output)


def _failed(row: Mapping[str, Any]) -> set[str]:
    """Classes in which items of a stage failed. A pass that is still open may hold more, which nobody has counted."""
    names = [name.partition(":")[::2] for name in row["reasons"]]
    return {reason for outcome, reason in names if outcome == Outcome.FAILED}


def _why(chosen: Sequence[Mapping[str, Any]], classes: tuple[str, ...]) -> str:
    there = sorted(set().union(*map(_failed, chosen)))
    if there:
        return f"no item failed with {' or '.join(classes)}; failed are {', '.join(there)}"
    return f"no item of {', '.join(row['name'] for row in chosen)} failed"
